#include "velib/item.hpp"

#include <utility>

namespace velib {

Item::Item(std::string path, ItemSpec spec) : path_(std::move(path)), format_(spec.format), type_(spec.type) {
    if (spec.on_write || spec.min || spec.max || spec.default_value.valid()) {
        extras_ = std::make_unique<Extras>(Extras{std::move(spec.on_write), spec.min, spec.max,
                                                  std::move(spec.default_value), spec.nullable,
                                                  spec.hears_repeats});
    }
}

const Value& Item::default_value() const {
    static const Value kNone;
    return extras_ ? extras_->default_value : kNone;
}

void Item::set_limits(std::optional<double> min, std::optional<double> max) {
    extras().min = min;
    extras().max = max;
}

void Item::set_default(Value default_value) {
    extras().default_value = std::move(default_value);
}

void Item::set_write_handler(WriteHandler handler, bool nullable) {
    extras().on_write = std::move(handler);
    extras().nullable = nullable;
}

Item::Extras& Item::extras() {
    if (!extras_) {
        extras_ = std::make_unique<Extras>();
    }
    return *extras_;
}

bool Item::assign(double number) {
    if (type_ != Type::real) {
        return assign(Value(number));
    }
    const Value rounded(at_resolution(number, format_));
    if (value_ == rounded) {
        return false;
    }
    replace_value(rounded);
    return true;
}

bool Item::assign(std::int64_t number) {
    if (type_ == Type::real) {
        return assign(static_cast<double>(number));
    }
    // The usual case, an unchanged state, must cost no conversion.
    const auto* current = std::get_if<std::int32_t>(&value_.storage());
    if (current != nullptr && *current == number) {
        return false;
    }
    return assign(Value(number));
}

bool Item::assign(std::string_view text) {
    // The usual case, an unchanged name or mode, must cost no allocation.
    const auto* current = value_.text();
    if (current != nullptr && *current == text) {
        return false;
    }
    return assign(Value(text));
}

bool Item::assign(const Value& value) {
    auto converted = coerce(value, type_);
    Value next = converted ? std::move(*converted) : Value();
    if (type_ == Type::real && next.valid()) {
        next = Value(at_resolution(*next.real(), format_));
    }
    if (value_.same_as(next) && value_.valid() == next.valid()) {
        return false;
    }
    replace_value(std::move(next));
    return true;
}

bool Item::invalidate() {
    if (!value_.valid()) {
        return false;
    }
    replace_value(Value());
    return true;
}

void Item::replace_value(Value next) {
    value_ = std::move(next);
    if (extras_) {
        extras_->awaits_readback = false;
    }
}

}  // namespace velib
