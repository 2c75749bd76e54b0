#include "store.hpp"

#include "class_instance.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace velib::settings {
namespace {

constexpr std::string_view kRoot = "/Settings";
constexpr std::string_view kDevices = "/Settings/Devices";

constexpr std::array<std::pair<Type, std::string_view>, 3> kTypes{
    {{Type::integer, "i"}, {Type::real, "f"}, {Type::text, "s"}}};

// XML cannot hold control characters, nor U+FFFE and U+FFFF, so a text with one could never be read again.
bool fits_xml(std::string_view text) {
    return text.find("\xef\xbf\xbe") == std::string_view::npos
           && text.find("\xef\xbf\xbf") == std::string_view::npos && std::ranges::all_of(text, [](char c) {
                  return static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r';
              });
}

// As coerce(), and a number written to a text becomes its text, as the reference implementation has it.
std::optional<Value> convert(const Value& value, Type type) {
    if (!value.valid()) {
        return std::nullopt;
    }
    if (type == Type::text && value.real()) {
        return Value(to_text(value));
    }
    auto converted = coerce(value, type);
    if (converted && converted->text() != nullptr && !fits_xml(*converted->text())) {
        return std::nullopt;
    }
    return converted;
}

std::optional<double> limit(const Value& value, Type type) {
    const auto converted = convert(value, type);
    return converted ? converted->real() : std::nullopt;
}

struct Limits {
    std::optional<double> min;
    std::optional<double> max;
};

Limits limits_of(const AddRequest& request, Type type) {
    if (type == Type::text) {
        return {};
    }
    const Limits limits{limit(request.min, type), limit(request.max, type)};
    return limits.min == 0.0 && limits.max == 0.0 ? Limits{} : limits;
}

bool within(const Value& value, std::optional<double> min, std::optional<double> max) {
    const auto number = value.real();
    return !number || ((!min || *number >= *min) && (!max || *number <= *max));
}

bool is_below_settings(std::string_view path) {
    return path.starts_with(kRoot) && path.substr(kRoot.size()).starts_with('/');
}

}  // namespace

bool operator==(const Setting&, const Setting&) = default;

std::string_view type_letter(Type type) {
    const auto row = std::ranges::find(kTypes, type, &std::pair<Type, std::string_view>::first);
    return row != kTypes.end() ? row->second : std::string_view();
}

std::optional<Type> type_of_letter(std::string_view letter) {
    const auto row = std::ranges::find(kTypes, letter, &std::pair<Type, std::string_view>::second);
    return row != kTypes.end() ? std::optional(row->first) : std::nullopt;
}

Store::Store(ItemTree& tree) : tree_(tree) {
    tree_.keep_node(std::string(kDevices));
}

// The checks in the order of the reference implementation: the first that fails names the code.
AddCode Store::check(const AddRequest& request) const {
    if (request.path.find("/_") != std::string::npos) {
        return AddCode::leading_underscore;
    }
    if (!request.type || type_letter(*request.type).empty()) {
        return AddCode::bad_type;
    }
    const auto default_value = convert(request.default_value, *request.type);
    if (!default_value) {
        return AddCode::bad_default;
    }
    if (is_class_instance_path(request.path)
        && (default_value->text() == nullptr || !parse_class_instance(*default_value->text()))) {
        return AddCode::bad_default;
    }
    const auto limits = limits_of(request, *request.type);
    if (!within(*default_value, limits.min, limits.max)) {
        return AddCode::out_of_range;
    }
    if (!is_below_settings(request.path)) {
        return AddCode::not_below_settings;
    }
    if (tree_.is_node(request.path)) {
        return AddCode::is_group;
    }
    const auto* existing = tree_.find(request.path);
    return existing != nullptr && existing->type() != *request.type ? AddCode::other_type : AddCode::ok;
}

AddCode Store::add(const AddRequest& request) {
    if (const auto code = check(request); code != AddCode::ok) {
        return code;
    }
    const auto limits = limits_of(request, *request.type);
    Setting wanted{
        request.path, *request.type, {}, *convert(request.default_value, *request.type), limits.min,
        limits.max,   request.silent};
    if (auto* existing = tree_.find(request.path)) {
        update(*existing, wanted);
        return AddCode::ok;
    }
    if (!is_item_path(request.path)) {
        throw std::invalid_argument("not a legal object path: " + request.path);
    }
    if (below_a_setting(request.path)) {
        throw std::invalid_argument("the path is below a setting: " + request.path);
    }
    wanted.value = wanted.default_value;
    take_over(wanted, request.replaces);
    if (is_class_instance_path(wanted.path)) {
        const auto free = free_instance(wanted.value, wanted.path);
        if (!free) {
            return AddCode::bad_default;
        }
        wanted.value = *free;
    }
    create(wanted);
    return AddCode::ok;
}

void Store::update(Item& item, const Setting& wanted) {
    if (item.default_value() == wanted.default_value && item.min() == wanted.min && item.max() == wanted.max
        && silent(item) == wanted.silent) {
        return;
    }
    item.set_default(wanted.default_value);
    item.set_limits(wanted.min, wanted.max);
    if (wanted.silent) {
        silent_.insert(item.path());
    } else {
        silent_.erase(item.path());
    }
    tree_.announce(item);
}

void Store::take_over(Setting& setting, const std::vector<std::string>& replaced) {
    for (const auto& path : replaced) {
        const auto* old = tree_.find(path);
        const bool fits = old != nullptr && old->type() == setting.type;
        if (fits && (!is_class_instance_path(setting.path) || parse_class_instance(old->text()))) {
            setting.value = old->value();
        }
        remove(path);
    }
}

void Store::create(const Setting& setting) {
    if (setting.silent) {
        silent_.insert(setting.path);
    }
    tree_.add(setting.path,
              {.type = setting.type,
               .min = setting.min,
               .max = setting.max,
               .default_value = setting.default_value},
              setting.value);
}

bool Store::restore(const Setting& setting) {
    if (!is_item_path(setting.path) || !is_below_settings(setting.path) || tree_.is_node(setting.path)
        || tree_.find(setting.path) != nullptr || below_a_setting(setting.path)) {
        return false;
    }
    Setting taken = setting;
    if (setting.min == 0.0 && setting.max == 0.0) {  // none, as when a setting is added
        taken.min = taken.max = std::nullopt;
    }
    if (is_class_instance_path(setting.path)) {
        // Two devices of one instance, as a file edited by hand may have them; a malformed one stays as it is.
        taken.value = free_instance(setting.value, setting.path).value_or(setting.value);
    }
    create(taken);
    return true;
}

bool Store::write(Item& item, const Value& value) {
    auto converted = convert(value, item.type());
    if (!converted || !within(*converted, item.min(), item.max())) {
        return false;
    }
    if (is_class_instance_path(item.path())) {
        converted = free_instance(*converted, item.path());
        if (!converted) {
            return false;
        }
    }
    tree_.set(item, *converted);
    return true;
}

Store::ResetCode Store::reset(Item& item) {
    if (is_class_instance_path(item.path())) {
        return ResetCode::not_resettable;
    }
    if (!item.default_value().valid()) {
        return ResetCode::no_default;
    }
    // Not through write(): a default recorded before the limits changed is a default all the same.
    tree_.set(item, item.default_value());
    return ResetCode::done;
}

void Store::reset_below(std::string_view group) {
    for (const auto& item : tree_.below(group)) {
        reset(*item);
    }
}

bool Store::remove(std::string_view path) {
    const auto* item = tree_.find(path);
    if (item == nullptr) {
        return false;
    }
    const std::string doomed = item->path();
    silent_.erase(doomed);
    tree_.remove(doomed);
    return true;
}

std::vector<Setting> Store::all() const {
    std::vector<Setting> settings;
    settings.reserve(tree_.size());
    for (const auto& item : tree_.below("/")) {
        settings.push_back({item->path(), item->type(), item->value(), item->default_value(), item->min(),
                            item->max(), silent(*item)});
    }
    return settings;
}

// The instance a device gets that wants `wanted`: its own does not stand in its way.
std::optional<Value> Store::free_instance(const Value& wanted, std::string_view path) const {
    const auto instance =
        wanted.text() != nullptr ? parse_class_instance(*wanted.text()) : std::optional<ClassInstance>();
    if (!instance) {
        return std::nullopt;
    }
    std::vector<ClassInstance> taken;
    for (const auto& item : tree_.below(kDevices)) {
        if (item->path() == path || !is_class_instance_path(item->path())
            || item->value().text() == nullptr) {
            continue;
        }
        if (auto other = parse_class_instance(*item->value().text())) {
            taken.push_back(std::move(*other));
        }
    }
    const auto free = first_free(*instance, taken);
    return free ? std::optional(Value(to_string(*free))) : std::nullopt;
}

bool Store::below_a_setting(std::string_view path) const {
    for (auto slash = path.rfind('/'); slash != 0 && slash != std::string_view::npos;
         slash = path.rfind('/')) {
        path = path.substr(0, slash);
        if (tree_.find(path) != nullptr) {
            return true;
        }
    }
    return false;
}

}  // namespace velib::settings
