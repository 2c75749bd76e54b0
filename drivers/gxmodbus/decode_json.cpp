#include "gxmodbus/decode_json.hpp"

#include "gxmodbus/protocol/exchange.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace gxmodbus {
namespace {

using nlohmann::json;

json json_of(const Register& row, const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        return *text;
    }
    const double number = std::get<double>(value);
    // A register without scale holds a whole number; 2^63 and more stay doubles.
    if (row.step == 1 && std::abs(row.scale) == 1 && std::abs(number) < 9e18) {
        return static_cast<std::int64_t>(number);
    }
    return number;
}

json json_of(const DecodedReply& reply) {
    json out{{"transaction_id", reply.transaction}, {"unit_id", reply.unit}, {"function", reply.function}};
    if (reply.exception) {
        out["exception"] = *reply.exception;
        return out;
    }
    if (reply.written) {
        out["address"] = reply.written->address;
        out["quantity_or_value"] = reply.written->quantity_or_value;
        return out;
    }
    out["registers"] = reply.registers;
    json values = json::object();
    for (const DecodedValue& decoded : reply.values) {
        values[std::to_string(decoded.row->address)] = {
            {"service", "com.victronenergy." + std::string(name_of(decoded.row->type))},
            {"path", decoded.row->path},
            {"value", json_of(*decoded.row, decoded.value)}};
    }
    out["values"] = std::move(values);
    if (!reply.firmware.empty()) {
        out["firmware_text"] = reply.firmware;
    }
    if (reply.wrong_from) {
        out["wrong_from"] = *reply.wrong_from;
    }
    return out;
}

json error(const std::string& text) {
    return {{"error", text}};
}

const std::string* text_member(const json& line, const char* key) {
    const auto found = line.find(key);
    return found != line.end() && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
}

}  // namespace

json decode_line(const json& line) {
    if (!line.is_object()) {
        return error("not a JSON object");
    }
    const auto* request_hex = text_member(line, "request");
    const auto* reply_hex = text_member(line, "hex");
    if (request_hex == nullptr || reply_hex == nullptr) {
        return error("request or hex is missing");
    }
    const auto request = wire::from_hex(*request_hex);
    const auto reply = wire::from_hex(*reply_hex);
    if (!request || !reply) {
        return error("request or hex is not hexadecimal");
    }
    ServerVersion server = kNewestServer;
    if (const auto* name = text_member(line, "server")) {
        const auto version = parse_server_version(*name);
        if (!version) {
            return error("the server version is not of the form 1.0.101");
        }
        server = *version;
    }
    const auto replies = decode_exchange(*request, *reply, server);
    if (!replies) {
        return error(describe(replies.error()));
    }
    if (replies->size() == 1) {
        return json_of(replies->front());
    }
    json out{{"reply_order", json::array()}, {"replies", json::array()}};
    for (const DecodedReply& one : *replies) {
        out["reply_order"].push_back(one.transaction);
        out["replies"].push_back(json_of(one));
    }
    return out;
}

}  // namespace gxmodbus
