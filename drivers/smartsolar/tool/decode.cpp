#include "smartsolar/tool/decode.hpp"

#include "smartsolar/protocol/advertisement.hpp"
#include "smartsolar/protocol/query_report.hpp"
#include "smartsolar/protocol/records.hpp"
#include "smartsolar/protocol/registers.hpp"
#include "smartsolar/protocol/vreg_request.hpp"
#include "smartsolar/protocol/vreg_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace smartsolar {

namespace {

using Json = nlohmann::ordered_json;

/// A line that does not hold what its protocol needs.
class BadLine : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

wire::Buffer bytes_of(const Json& line, const char* key) {
    const auto bytes = wire::from_hex(line.value(key, std::string()));
    if (!bytes) {
        throw BadLine(fmt::format("{} is not hexadecimal", key));
    }
    return *bytes;
}

std::string hex16(unsigned value) {
    return fmt::format("0x{:04X}", value);
}

Json to_json(const Code& code) {
    return code ? Json(*code) : Json();
}

Json to_json(const Quantity& quantity) {
    return quantity ? Json(*quantity) : Json();
}

Json to_json(const Field& field, const Reading& reading) {
    if (const auto* code = std::get_if<Code Reading::*>(&field.into)) {
        return to_json(reading.*(*code));
    }
    const Quantity& quantity = reading.*std::get<Quantity Reading::*>(field.into);
    if (quantity && field.per_unit == 1) {
        return static_cast<std::int64_t>(*quantity);
    }
    return to_json(quantity);
}

void add_cells(Json& fields, const Reading& reading) {
    Json raw = Json::array();
    Json volts = Json::array();
    for (std::size_t i = 0; i < reading.cell_raw.size(); ++i) {
        raw.push_back(to_json(reading.cell_raw[i]));
        volts.push_back(to_json(reading.cells_v[i]));
    }
    fields["cell_raw"] = std::move(raw);
    fields["cells_v"] = std::move(volts);
}

Json fields_of(const RecordLayout& layout, const Reading& reading) {
    Json fields = Json::object();
    bool cells_due = layout.cells.has_value();
    for (const auto& field : layout.fields) {
        if (cells_due && field.start > layout.cells->start) {
            add_cells(fields, reading);
            cells_due = false;
        }
        const bool other_kind = field.only && reading.aux_mode != static_cast<std::int64_t>(*field.only);
        if (!other_kind) {
            fields[std::string(field.key)] = to_json(field, reading);
        }
    }
    return fields;
}

Json decode_instant_readout(const Json& line) {
    const auto data = bytes_of(line, "hex");
    std::optional<Key> key;
    if (line.contains("key") && line["key"].is_string()) {
        const auto parsed = parse_key(line["key"].get<std::string>());
        if (!parsed) {
            throw BadLine(std::string(text(parsed.error())));
        }
        key = *parsed;
    }
    const auto readout = decode_readout(data, key ? &*key : nullptr);
    if (!readout) {
        return {{"error", name(readout.error())}};
    }
    Json answer = {{"record_type", readout->record_type},
                   {"product_id", hex16(readout->product_id)},
                   {"nonce", hex16(readout->nonce)}};
    if (readout->record_type < 0xFF) {
        answer["key_check"] = data[7];
        answer["plain"] = wire::to_hex(readout->plain);
    } else {
        answer["encrypted"] = false;
    }
    answer["fields"] = fields_of(*find_layout(readout->record_type), readout->reading);
    return answer;
}

Json decode_plain_record(const Json& line) {
    const auto plain = bytes_of(line, "hex");
    const auto type = line.value("record_type", -1);
    const auto* layout = type < 0 || type > 0xFFFF ? nullptr : find_layout(static_cast<std::uint16_t>(type));
    if (layout == nullptr) {
        return {{"error", name(ReadoutFault::unknown_record_type)}};
    }
    return {{"fields", fields_of(*layout, *decode_record(layout->type, plain))}};
}

Json decode_ad(const Json& line) {
    const auto report = bytes_of(line, "hex");
    const auto found = parse_ad(report);
    Json answer = Json::object();
    if (found.flags) {
        answer["flags"] = *found.flags;
    }
    if (found.company) {
        answer["company"] = hex16(*found.company);
        answer["manufacturer_data"] = wire::to_hex(found.manufacturer_data);
    }
    if (found.local_name) {
        answer["local_name"] = *found.local_name;
    }
    if (found.company != kCompanyId) {
        return answer;
    }
    if (const auto header = parse_header(found.manufacturer_data)) {
        answer["record_type"] = header->record_type;
        answer["product_id"] = hex16(header->product_id);
        answer["nonce"] = hex16(header->nonce);
        if (header->encrypted()) {
            answer["key_check"] = header->key_check;
        }
        answer["payload_len"] = header->payload.size();
    }
    return answer;
}

Json to_json(const HistoryDay& day) {
    Json errors = Json::array();
    for (const auto& error : day.errors) {
        errors.push_back(to_json(error));
    }
    const auto whole = [](const Quantity& quantity) {
        return quantity ? Json(static_cast<std::int64_t>(*quantity)) : Json();
    };
    return {{"version", 0},
            {"yield_kwh", to_json(day.yield_kwh)},
            {"consumed_kwh", to_json(day.consumed_kwh)},
            {"vbat_max", to_json(day.battery_voltage_max_v)},
            {"vbat_min", to_json(day.battery_voltage_min_v)},
            {"error_db", to_json(day.error_database)},
            {"errors", std::move(errors)},
            {"bulk_min", whole(day.bulk_min)},
            {"absorption_min", whole(day.absorption_min)},
            {"float_min", whole(day.float_min)},
            {"pmax_w", whole(day.power_max_w)},
            {"ibat_max", to_json(day.battery_current_max_a)},
            {"vpv_max", to_json(day.pv_voltage_max_v)},
            {"day_seq", to_json(day.day_number)}};
}

Json to_json(const RegisterValue& value) {
    struct Visitor {
        Json operator()(std::monostate) const { return {}; }
        Json operator()(std::int64_t number) const { return number; }
        Json operator()(double number) const { return number; }
        Json operator()(const std::string& content) const { return content; }
        Json operator()(const HistoryDay& day) const { return to_json(day); }
    };
    return std::visit(Visitor{}, value);
}

Characteristic characteristic_of(const Json& piece) {
    const auto named = piece.value("char", std::string());
    if (named == "0002") {
        return Characteristic::control;
    }
    if (named == "0003") {
        return Characteristic::last;
    }
    if (named == "0004") {
        return Characteristic::more;
    }
    throw BadLine("a fragment names none of the characteristics 0002, 0003 and 0004");
}

std::vector<Fragment> fragments_of(const Json& line) {
    std::vector<Fragment> fragments;
    if (!line.contains("fragments")) {
        fragments.push_back({Characteristic::last, bytes_of(line, "hex")});
        return fragments;
    }
    for (const auto& piece : line["fragments"]) {
        fragments.push_back({characteristic_of(piece), bytes_of(piece, "hex")});
    }
    return fragments;
}

Json to_json(const VregMessage& message) {
    Json record = {{"cmd", static_cast<int>(message.kind)},
                   {"instance", message.instance},
                   {"vreg", hex16(message.vreg)}};
    if (message.kind == VregMessage::Kind::value) {
        record["data"] = wire::to_hex(message.data);
    } else {
        record["status"] = message.status;
    }
    return record;
}

// A register that came more than once has a list of its values.
void add_value(Json& values, const std::string& number, Json value,
               std::map<std::string, std::size_t>& seen) {
    const std::size_t count = ++seen[number];
    if (count == 1) {
        values[number] = std::move(value);
        return;
    }
    if (count == 2) {
        values[number] = Json::array({values[number]});
    }
    values[number].push_back(std::move(value));
}

Json decode_stream(const Json& line) {
    VregStream stream;
    std::vector<VregMessage> messages;
    wire::Buffer control;
    bool streamed = false;
    for (const auto& piece : fragments_of(line)) {
        if (piece.to == Characteristic::control) {
            wire::put(control, piece.bytes);
        } else {
            streamed = true;
        }
        stream.feed(piece.to, piece.bytes, messages);
    }
    Json records = Json::array();
    Json values = Json::object();
    std::map<std::string, std::size_t> seen;
    for (const auto& message : messages) {
        records.push_back(to_json(message));
        if (message.kind == VregMessage::Kind::value) {
            if (const auto value = decode_register(message.vreg, message.data)) {
                add_value(values, hex16(message.vreg), to_json(*value), seen);
            }
        }
    }
    const auto is_value = [](const VregMessage& message) { return message.kind == VregMessage::Kind::value; };
    Json answer = {{"records", std::move(records)}};
    if (streamed) {
        answer["rest"] = wire::to_hex(stream.rest());
    }
    if (std::any_of(messages.begin(), messages.end(), is_value)) {
        answer["values"] = std::move(values);
    }
    if (!control.empty()) {
        answer["control"] = wire::to_hex(control);
    }
    if (stream.dropped() > 0) {
        answer["error"] = "desync";
    }
    return answer;
}

std::uint16_t vreg_of(const Json& number) {
    const auto digits = wire::from_hex(number.get<std::string>());
    if (!digits || digits->size() != 2) {
        throw BadLine("a register number has four hexadecimal digits");
    }
    return wire::be16(*digits, 0);
}

void put_command(wire::Buffer& message, const Json& command) {
    const auto kind = command.at(0).get<std::string>();
    if (kind == "C1") {
        put_open(message);
    } else if (kind == "C3") {
        put_subscribe(message, command.at(1).get<std::uint32_t>());
    } else if (kind == "GET") {
        std::vector<std::uint16_t> numbers;
        for (const auto& number : command.at(2)) {
            numbers.push_back(vreg_of(number));
        }
        put_get(message, command.at(1).get<std::uint32_t>(), numbers);
    } else if (kind == "SET") {
        const auto data = wire::from_hex(command.at(3).get<std::string>());
        if (!data) {
            throw BadLine("the data of SET are not hexadecimal");
        }
        put_set(message, command.at(1).get<std::uint32_t>(), vreg_of(command.at(2)), *data);
    } else {
        throw BadLine("unknown command " + kind);
    }
}

// Cut where the given fragments were cut; the last one may be shorter than the others only.
bool fragments_agree(wire::Bytes message, const std::vector<Fragment>& given) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto& piece = given[i];
        const bool last = i + 1 == given.size();
        const auto expected = last ? Characteristic::last : Characteristic::more;
        if (piece.to != expected || piece.bytes.size() > message.size() - at
            || !std::equal(piece.bytes.begin(), piece.bytes.end(), message.begin() + static_cast<long>(at))) {
            return false;
        }
        at += piece.bytes.size();
    }
    return at == message.size();
}

Json decode_request(const Json& line) {
    wire::Buffer message;
    for (const auto& command : line.at("sequence")) {
        put_command(message, command);
    }
    const bool cut = !line.contains("fragments") || fragments_agree(message, fragments_of(line));
    return {{"encodes", message == bytes_of(line, "hex") && cut}};
}

Json decode_published_value(const Json& line) {
    const auto uuid = line.value("uuid", std::string());
    const auto digits = wire::from_hex(uuid);
    if (!digits || digits->size() != 4 || wire::be16(*digits, 0) != 0x6597) {
        throw BadLine("uuid is none of the published service");
    }
    const auto value = decode_published(wire::be16(*digits, 2), bytes_of(line, "hex"));
    if (!value) {
        throw BadLine("no value of this characteristic");
    }
    return {{"uuid", uuid}, {"value", to_json(*value)}};
}

Json decode_query(const Json& line) {
    VregStream stream;
    QueryReport report;
    bool ended = false;
    for (const auto& piece : fragments_of(line)) {
        std::vector<VregMessage> messages;
        stream.feed(piece.to, piece.bytes, messages);
        for (const auto& message : messages) {
            if (message.kind == VregMessage::Kind::value) {
                report.accept(message.vreg, message.data);
                ended = ended || (message.vreg == vreg::kIdentify && message.data == wire::Buffer{0});
            }
        }
        if (ended) {
            break;
        }
    }
    return {{"stdout", report.line()}};
}

Json decode_object(const Json& line) {
    const auto protocol = line.value("protocol", std::string());
    if (protocol == "victron-instant-readout") {
        return decode_instant_readout(line);
    }
    if (protocol == "victron-record-plain") {
        return decode_plain_record(line);
    }
    if (protocol == "ble-ad") {
        return decode_ad(line);
    }
    if (protocol == "victron-gatt-stream") {
        return decode_stream(line);
    }
    if (protocol == "victron-gatt-request") {
        return decode_request(line);
    }
    if (protocol == "victron-gatt-6597") {
        return decode_published_value(line);
    }
    if (protocol == "pysmartsolar-json") {
        return decode_query(line);
    }
    throw BadLine("unknown protocol \"" + protocol + '"');
}

}  // namespace

std::string decode_line(std::string_view line) {
    Json answer;
    try {
        answer = decode_object(Json::parse(line));
    } catch (const Json::exception& fault) {
        answer = {{"error", fault.what()}};
    } catch (const BadLine& fault) {
        answer = {{"error", fault.what()}};
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace smartsolar
