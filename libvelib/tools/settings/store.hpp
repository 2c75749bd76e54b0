#pragma once
// The settings and their rules, without bus and file: what may be added, which values are taken, who gets
// which VRM instance. Facts: docs/protocols/settings-service.md.

#include "velib/tree.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace velib::settings {

/// The integer a client gets from AddSetting and AddSettings.
enum class AddCode : std::int32_t {
    ok = 0,                   ///< created, or exists with the same type: attributes updated, value kept
    leading_underscore = -2,  ///< an element of the path begins with "_", the escape of the file
    bad_type = -3,            ///< not one of i, f, s
    bad_path = -4,            ///< missing or not a string
    other_type = -5,          ///< exists with another type
    bad_default = -6,         ///< does not convert to the type, or is a malformed class:instance
    out_of_range = -7,        ///< the default is outside of its own limits
    is_group = -8,            ///< there are settings below that path
    not_below_settings = -9   ///< the path does not begin with /Settings/
};

/// What a client asks for.
struct AddRequest {
    std::string path;
    /// Type::integer, real or text; nothing is answered with bad_type.
    std::optional<Type> type;
    Value default_value;
    /// A limit that does not convert to the type, and both being 0, mean "none".
    Value min = {};
    Value max = {};
    bool silent = false;
    /// Paths of settings that a new one takes the place of: it has the value of the last one that exists and is
    /// of its type, and all of them are removed.
    std::vector<std::string> replaces = {};
};

/// A setting with all that the file keeps of it.
struct Setting {
    std::string path;
    Type type = Type::text;
    Value value;
    Value default_value = {};
    std::optional<double> min = {};
    std::optional<double> max = {};
    bool silent = false;

    friend bool operator==(const Setting&, const Setting&);
};

/// "i", "f" or "s", and back. Nothing for other letters.
[[nodiscard]] std::string_view type_letter(Type type);
[[nodiscard]] std::optional<Type> type_of_letter(std::string_view letter);

/// Keeps the settings as items of a tree. New settings, changed attributes and removals are announced within
/// an Update (ChangeSink::items_changed); a changed value is announced alone (item_changed).
class Store {
  public:
    explicit Store(ItemTree& tree);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store() = default;

    /// Adds a setting or updates the attributes of one. Throws std::invalid_argument where no object can be:
    /// an illegal path, or one below a setting.
    AddCode add(const AddRequest& request);

    /// Takes over a setting from a file, as it is. False when there can be no such setting: an illegal path,
    /// one above or below another setting, or one that exists.
    bool restore(const Setting& setting);

    /// Stores what a client wrote, converted to the setting's type. False, and nothing changes, when it does
    /// not convert or is outside the limits. A ClassAndVrmInstance that is taken becomes the next free one.
    bool write(Item& item, const Value& value);

    enum class ResetCode : std::uint8_t { done, no_default, not_resettable };
    /// Back to the default. A ClassAndVrmInstance, which belongs to its device, cannot be reset.
    ResetCode reset(Item& item);
    /// All settings below a group back to their defaults, except the instances of devices.
    void reset_below(std::string_view group);

    /// False when there is no such setting.
    bool remove(std::string_view path);

    [[nodiscard]] bool silent(const Item& item) const { return silent_.contains(item.path()); }
    /// All settings, by path.
    [[nodiscard]] std::vector<Setting> all() const;

  private:
    [[nodiscard]] AddCode check(const AddRequest& request) const;
    [[nodiscard]] std::optional<Value> free_instance(const Value& wanted, std::string_view path) const;
    void update(Item& item, const Setting& wanted);
    void take_over(Setting& setting, const std::vector<std::string>& replaced);
    void create(const Setting& setting);
    [[nodiscard]] bool below_a_setting(std::string_view path) const;

    ItemTree& tree_;
    std::set<std::string, std::less<>> silent_;
};

}  // namespace velib::settings
