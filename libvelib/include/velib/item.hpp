#pragma once
// One leaf of a service's tree: a path, a value, how it reads, and whether clients may write it.

#include "velib/text.hpp"
#include "velib/value.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace velib {

class ItemTree;

/// What a driver answers to a client's write.
enum class WriteReply : std::uint8_t {
    store,    ///< take the value now: it is stored and signalled, then the client hears 0
    pending,  ///< accepted (the client hears 0), carried out on the device; the driver publishes the value it
              ///< reads back, until then the old one stays, and writing that one again is heard too
    refuse    ///< the client hears 2 and nothing changes
};

/// The integer a client gets from SetValue (docs/object-model.md, "Writes").
enum class WriteCode : std::int32_t { accepted = 0, not_writable_or_bad_type = 1, refused = 2 };

/// Called with the written value, already of the item's type and within its limits.
using WriteHandler = std::function<WriteReply(const Value&)>;

/// What makes an item: its type and text always, the rest where it applies.
struct ItemSpec {
    Type type = Type::real;
    Format format = {};
    /// Set: the item is writable.
    WriteHandler on_write = {};
    /// Limits for writes and what GetMin, GetMax and GetDefault answer; not offered where absent.
    std::optional<double> min = {};
    std::optional<double> max = {};
    Value default_value = {};
    /// Whether a client may write "no value".
    bool nullable = false;
    /// Whether on_write hears of the present value being written again: for set points that expire unless repeated.
    bool hears_repeats = false;
};

class Item {
  public:
    Item(std::string path, ItemSpec spec);
    Item(const Item&) = delete;
    Item& operator=(const Item&) = delete;
    ~Item() = default;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const Value& value() const { return value_; }
    [[nodiscard]] Type type() const { return type_; }
    [[nodiscard]] const Format& format() const { return format_; }
    [[nodiscard]] bool writable() const { return extras_ && extras_->on_write; }
    [[nodiscard]] bool nullable() const { return extras_ && extras_->nullable; }
    [[nodiscard]] bool hears_repeats() const { return extras_ && extras_->hears_repeats; }
    [[nodiscard]] std::optional<double> min() const { return extras_ ? extras_->min : std::nullopt; }
    [[nodiscard]] std::optional<double> max() const { return extras_ ? extras_->max : std::nullopt; }
    [[nodiscard]] const Value& default_value() const;

    void append_text(TextBuffer& out) const { velib::append_text(out, value_, format_); }
    [[nodiscard]] std::string text() const { return to_text(value_, format_); }

    /// The limits a client's write must keep from now on.
    void set_limits(std::optional<double> min, std::optional<double> max);
    /// What GetDefault answers from now on; invalid: not offered.
    void set_default(Value default_value);
    /// Makes the item writable: for items that a publication table has created.
    void set_write_handler(WriteHandler handler, bool nullable = false);

  private:
    friend class ItemTree;

    // Few items are writable or limited; the others do not pay for it.
    struct Extras {
        WriteHandler on_write;
        std::optional<double> min;
        std::optional<double> max;
        Value default_value;
        bool nullable = false;
        bool hears_repeats = false;
        bool awaits_readback = false;  // a write was accepted as pending and the value has not changed since
    };

    Extras& extras();

    // Each stores the new content, brought to the item's type and resolution, and says whether it changed.
    bool assign(double number);
    bool assign(std::int64_t number);
    bool assign(std::string_view text);
    bool assign(const Value& value);
    bool invalidate();
    void replace_value(Value next);

    std::string path_;
    Value value_;
    Format format_;
    std::unique_ptr<Extras> extras_;
    Type type_;
    bool changed_ = false;  // is on the tree's list of changes
};

}  // namespace velib
