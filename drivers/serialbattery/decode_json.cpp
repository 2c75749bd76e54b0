#include "serialbattery/decode_json.hpp"

#include "serialbattery/decode.hpp"

namespace bms {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNoObject = "not an object with protocol and hex";
constexpr const char* kNoHex = "not hexadecimal";
constexpr const char* kNoProtocol = "protocol";

struct ToJson {
    Json operator()(std::nullptr_t) const { return nullptr; }
    Json operator()(const List& list) const {
        Json array = Json::array();
        for (const auto& item : list) {
            array.push_back(std::visit(*this, item.value));
        }
        return array;
    }
    Json operator()(const Record& record) const { return to_json(record); }
    template <class Plain>
    Json operator()(const Plain& plain) const {
        return plain;
    }
};

Json failure(const std::string& what) {
    return {{"valid", false}, {"error", what}};
}

std::optional<wire::Buffer> bytes_of(const Json& line, const char* key) {
    if (!line.contains(key) || line[key].is_null()) {
        return wire::Buffer{};
    }
    return line[key].is_string() ? wire::from_hex(line[key].get<std::string>()) : std::nullopt;
}

std::optional<unsigned> number_of(const Json& known, const char* key) {
    if (known.is_object() && known.contains(key) && known[key].is_number_unsigned()) {
        return known[key].get<unsigned>();
    }
    return std::nullopt;
}

}  // namespace

Json to_json(const Record& record) {
    Json object = Json::object();
    for (const auto& member : record.members()) {
        object[member.key] = std::visit(ToJson{}, member.value.value);
    }
    return object;
}

Json decode_line(const std::string& text) {
    const Json line = Json::parse(text, nullptr, false);
    if (!line.is_object() || !line.contains("protocol") || !line["protocol"].is_string()
        || !line.contains("hex")) {
        return failure(kNoObject);
    }
    const auto bytes = bytes_of(line, "hex");
    const auto asked = bytes_of(line, line.contains("asked") ? "asked" : "request_hex");
    if (!bytes || !asked) {
        return failure(kNoHex);
    }
    DecodeInput input{line["protocol"].get<std::string>(), *bytes, *asked};
    input.stream = line.contains("mode") && line["mode"] == "stream";
    if (line.contains("known")) {
        const auto& known = line["known"];
        input.cell_count = number_of(known, "cell_count");
        input.ntc_count = number_of(known, "ntc_count");
        if (known.is_object() && known.contains("pro") && known["pro"].is_boolean()) {
            input.pro = known["pro"].get<bool>();
        }
    }
    return to_json(decode(input));
}

std::string unusable_line(const Json& answer) {
    if (!answer.contains("error") || !answer["error"].is_string()) {
        return {};
    }
    const auto error = answer["error"].get<std::string>();
    return error == kNoProtocol                    ? "unknown protocol"
           : error == kNoObject || error == kNoHex ? error
                                                   : std::string();
}

}  // namespace bms
