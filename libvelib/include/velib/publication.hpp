#pragma once
// The table that turns a driver's model into items: path, where the value comes from, how it reads.
//
//   constexpr auto kRows = std::to_array<Row<Charger>>({
//       row<&Charger::battery_volts>("/Dc/0/Voltage", format::dc_volts),
//       row<[](const Charger& c) { return c.is_on() ? 1 : 4; }>("/Mode"),
//   });
//   static_assert(paths_unique(kRows));
//
// A driver never names a path outside of such a table.

#include "velib/tree.hpp"

#include <array>
#include <concepts>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace velib {

/// One line of a publication table. Make it with row<>().
template <class Model>
struct Row {
    std::string_view path;
    Type type;
    Format format;
    void (*publish)(Update&, Item&, const Model&);
};

namespace detail {

template <class T>
struct Unwrapped {
    using type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
    using type = T;
};

template <class Getter>
struct ModelOf : ModelOf<decltype(&Getter::operator())> {};
template <class Model, class Field>
requires(!std::is_function_v<Field>) struct ModelOf<Field Model::*> {
    using type = Model;
};
template <class Getter, class Result, class Argument>
struct ModelOf<Result (Getter::*)(Argument) const> {
    using type = std::remove_cvref_t<Argument>;
};
template <class Model, class Result>
struct ModelOf<Result (Model::*)() const> {
    using type = Model;
};
template <class Result, class Argument>
struct ModelOf<Result (*)(Argument)> {
    using type = std::remove_cvref_t<Argument>;
};

template <class T>
consteval Type type_of() {
    using Content = typename Unwrapped<std::remove_cvref_t<T>>::type;
    if constexpr (std::floating_point<Content>) {
        return Type::real;
    } else if constexpr (std::integral<Content> || std::is_enum_v<Content>) {
        return Type::integer;
    } else if constexpr (std::convertible_to<Content, std::string_view>) {
        return Type::text;
    } else if constexpr (std::same_as<Content, std::vector<std::uint8_t>>) {
        return Type::bytes;
    } else if constexpr (std::same_as<Content, std::vector<std::string>>) {
        return Type::texts;
    } else if constexpr (std::same_as<Content, std::vector<std::int32_t>>) {
        return Type::integers;
    } else if constexpr (std::same_as<Content, std::vector<double>>) {
        return Type::reals;
    } else {
        return Type::any;
    }
}

}  // namespace detail

/// A row whose value is `get` of the model: a member, a const member function, or a lambda without captures.
/// Its type on the bus follows: floating point is real, integers, flags and enumerations are integer, text is
/// text; an empty optional is "no value".
template <auto get>
[[nodiscard]] constexpr auto row(std::string_view path, Format format = {}) {
    using Model = typename detail::ModelOf<std::remove_cv_t<decltype(get)>>::type;
    using Result = std::invoke_result_t<decltype(get), const Model&>;
    return Row<Model>{
        path, detail::type_of<Result>(), format,
        [](Update& update, Item& item, const Model& model) { update.set(item, std::invoke(get, model)); }};
}

/// For static_assert over a table.
template <class Model, std::size_t size>
[[nodiscard]] constexpr bool paths_unique(const std::array<Row<Model>, size>& rows) {
    for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = i + 1; j < size; ++j) {
            if (rows[i].path == rows[j].path) {
                return false;
            }
        }
    }
    return true;
}

/// A table bound to the items it made in a tree.
template <class Model>
class Publication {
  public:
    /// Adds an invalid item for each row, at prefix + path. The rows must outlive the publication.
    Publication(ItemTree& tree, std::span<const Row<Model>> rows, std::string_view prefix = {})
        : rows_(rows) {
        items_.reserve(rows.size());
        for (const auto& row : rows) {
            items_.push_back(&tree.add(std::string(prefix).append(row.path), ItemSpec{row.type, row.format}));
        }
    }

    /// Brings all items up to date; what did not change costs a comparison.
    void publish(Update& update, const Model& model) {
        for (std::size_t i = 0; i < items_.size(); ++i) {
            rows_[i].publish(update, *items_[i], model);
        }
    }

    /// Nothing is known any more.
    void invalidate(Update& update) {
        for (auto* item : items_) {
            update.invalidate(*item);
        }
    }

  private:
    std::span<const Row<Model>> rows_;
    std::vector<Item*> items_;
};

}  // namespace velib
