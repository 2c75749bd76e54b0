#pragma once
// Expected<T, E>: a value, or a named error. The part of std::expected (C++23) that decoders need.

#include <utility>
#include <variant>

namespace wire {

/// Wraps an error so that it can be returned where an Expected is due: `return Unexpected{Fault::length};`
template <class E>
struct Unexpected {
    E error;
};
template <class E>
Unexpected(E) -> Unexpected<E>;

/// Holds either a T or an E. value(), operator* and operator-> need has_value(); error() needs its opposite.
template <class T, class E>
class [[nodiscard]] Expected {
  public:
    using value_type = T;
    using error_type = E;

    Expected(const T& value) : content_(std::in_place_index<0>, value) {}
    Expected(T&& value) : content_(std::in_place_index<0>, std::move(value)) {}
    template <class G>
    Expected(Unexpected<G> unexpected) : content_(std::in_place_index<1>, std::move(unexpected.error)) {}

    [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & { return std::get<0>(content_); }
    [[nodiscard]] const T& value() const& { return std::get<0>(content_); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(content_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    [[nodiscard]] T value_or(T other) const { return has_value() ? value() : std::move(other); }

    [[nodiscard]] const E& error() const { return std::get<1>(content_); }

  private:
    std::variant<T, E> content_;
};

}  // namespace wire
