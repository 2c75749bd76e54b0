#include "data.hpp"

#include <cmath>

namespace velib::cli {
namespace {

using Json = nlohmann::ordered_json;

template <class Elements>
Json array_of(const Elements& elements) {
    auto array = Json::array();
    for (const auto& element : elements) {
        array.push_back(to_json(element));
    }
    return array;
}

struct ToJson {
    Json operator()(NoValue) const { return nullptr; }
    Json operator()(double number) const { return std::isfinite(number) ? Json(number) : Json(nullptr); }
    Json operator()(const List& list) const { return array_of(list.elements); }
    Json operator()(const Tuple& tuple) const { return array_of(tuple.elements); }
    Json operator()(const Bytes& bytes) const { return Json(bytes.content); }
    Json operator()(const Dictionary& dictionary) const {
        auto object = Json::object();
        for (const auto& [key, value] : dictionary.entries) {
            const auto* text = std::get_if<std::string>(&key.storage);
            object[text != nullptr ? *text : to_python(key)] = to_json(value);
        }
        return object;
    }
    template <class Plain>
    Json operator()(const Plain& plain) const {
        return Json(plain);
    }
};

}  // namespace

nlohmann::ordered_json to_json(const Data& data) {
    return std::visit(ToJson{}, data.storage);
}

}  // namespace velib::cli
