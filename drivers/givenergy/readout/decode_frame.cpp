#include "givenergy/readout/decode_frame.hpp"

#include "givenergy/protocol/sanity.hpp"
#include "givenergy/protocol/topology.hpp"
#include "givenergy/protocol/writes.hpp"
#include "givenergy/readout/readout.hpp"

#include <algorithm>

namespace givenergy {

namespace {

constexpr std::uint16_t kDtc = 0, kArmFirmware = 21;

Model model_in(const Json& line) {
    return line.contains("model") && line["model"].is_string() ? model_named(line["model"].get<std::string>())
                                                               : Model::unknown;
}

/// `previous` of a line, as the values of a bank. Names stay with the line they came from.
NamedValues previous_values(const Json& previous) {
    NamedValues values;
    for (const auto& [name, value] : previous.items()) {
        FieldValue field;
        if (value.is_number()) {
            field = value.get<double>();
        } else if (value.is_string()) {
            field = value.get<std::string>();
        }
        values.entries.emplace_back(std::string_view{name}, std::move(field));
    }
    return values;
}

Json named_json(const NamedValues& values, Table table) {
    Json decoded = Json::object();
    for (const auto& [name, value] : values.entries) {
        const auto row = std::ranges::find(table, name, &Row::name);
        decoded[std::string{name}] = field_json(value, row == table.end() ? nullptr : &*row);
    }
    return decoded;
}

void add_presence(Json& out, const Frame& frame, const NamedValues& values) {
    const Device device = device_at(frame.address);
    const auto registers = frame.registers();
    if (frame.function != static_cast<std::uint8_t>(Function::read_input) || frame.base != 60) {
        return;
    }
    if (device == Device::battery && values.find("serial") != nullptr) {
        out["present"] = is_serial(values.text("serial"));
    } else if (device == Device::meter) {
        out["present"] = registers[0] != 0;
    } else if (frame.address == kLvBcuAddress && registers.size() >= 4) {
        out["present"] = std::ranges::any_of(registers.first(4), [](auto word) { return word != 0; });
    }
}

void add_model_facts(Json& out, const Frame& frame, Model model) {
    const bool input = frame.function == static_cast<std::uint8_t>(Function::read_input);
    const bool holding = frame.function == static_cast<std::uint8_t>(Function::read_holding);
    const BankView bank{frame.base, frame.registers()};
    if (holding && bank.covers(kDtc) && bank.covers(kArmFirmware)) {
        const Model found = model_of(bank[kDtc], bank[kArmFirmware]);
        out["model"] = found == Model::unknown ? Json() : Json(to_string(found));
        out["arm_century"] = bank[kArmFirmware] / 100;
    }
    const bool inverter = device_at(frame.address) == Device::inverter;
    if (!input || !inverter || model == Model::unknown) {
        return;
    }
    if (frame.base == 0 && (model == Model::ac || model == Model::all_in_one)) {
        out["v_pv_valid"] = false;
    }
    if (frame.base == 180) {
        out["authoritative"] = model == Model::hybrid_gen1;
    }
}

void add_bank(Json& out, const Frame& frame, const Json& line) {
    const Model model = model_in(line);
    const BankView bank{frame.base, frame.registers()};
    const auto function = static_cast<Function>(frame.function);
    const NamedValues values = name_values(frame.address, function, bank, model);
    const Request request{frame.address, function, frame.base, frame.count};
    const bool has_previous = line.contains("previous") && line["previous"].is_object();
    const NamedValues previous = has_previous ? previous_values(line["previous"]) : NamedValues{};
    const bool input = function == Function::read_input && device_at(frame.address) == Device::inverter;
    if (input && ignores_bank(model, frame.base)) {
        out["action"] = "ignore_bank_for_model";
    } else if (suspect(request, bank, values, {model, has_previous ? &previous : nullptr, 300, false})) {
        out["action"] = "reject_bank";
    }
    out["decoded"] = named_json(values, table_of(frame.address, function, frame.base, model));
    add_model_facts(out, frame, model);
    add_presence(out, frame, values);
}

std::string_view write_result(WriteReply reply) {
    switch (reply) {
        case WriteReply::success:
            return "success";
        case WriteReply::failure:
            return "failure";
        case WriteReply::corrupt:
            return "no_answer";
        case WriteReply::unsolicited:
            break;
    }
    return "unsolicited";
}

void add_body(Json& out, const Frame& frame, const Json& line) {
    const bool write = frame.kind == FrameKind::write_request || frame.kind == FrameKind::write_response;
    out[write ? "reg" : "base"] = frame.base;
    out[write ? "value" : "count"] = frame.count;
    if (frame.kind == FrameKind::write_request) {
        out["client_must_refuse"] = forbidden_everywhere(frame.address, frame.base, frame.count);
    }
    const bool response = frame.kind == FrameKind::write_response || frame.kind == FrameKind::error_response;
    if (response && line.contains("pending") && line["pending"].is_object() && frame.intact) {
        const Json& pending = line["pending"];
        if (pending.value("fn", 0) == static_cast<int>(Function::write_single)) {
            out["result"] = write_result(judge_write(frame, pending.value("reg", std::uint16_t{0}),
                                                     pending.value("value", std::uint16_t{0})));
        }
    }
}

}  // namespace

Json field_json(const FieldValue& value, const Row* row) {
    if (const double* number = std::get_if<double>(&value)) {
        // A scaled value keeps its point, so that 5249.0 stays recognisable as one.
        const bool counts = row == nullptr || (row->per_unit == 1 && row->raw != Raw::power_factor);
        return counts ? whole_if_possible(*number) : Json(*number);
    }
    const std::string* text = std::get_if<std::string>(&value);
    return text == nullptr ? Json() : Json(*text);
}

Json frame_json(const Frame& frame, const Json& line) {
    Json out;
    out["kind"] = to_string(frame.kind);
    out["dir"] = frame.to_adapter ? "tx" : "rx";
    out["len"] = frame.length;
    out["uid"] = frame.unit;
    out["main_fn"] = frame.main_function;
    out["adapter_serial"] = frame.adapter_serial;
    if (frame.kind == FrameKind::heartbeat) {
        out["type"] = frame.heartbeat_type;
        out["reply_required"] = true;
        out["reply_hex_same_serial"] = wire::to_hex(encode_heartbeat_reply(frame));
        return out;
    }
    out["inner_len"] = frame.inner_length;
    if (frame.kind == FrameKind::lan_config) {
        out["text"] = frame.text;
        out["action"] = "ignore";
        out["keeps_connection"] = true;
        return out;
    }
    out["addr"] = frame.address;
    out["fn"] = frame.function;
    out["error"] = frame.error;
    out["crc_wire"] = wire::to_hex(frame.wire_check);
    out["crc_ok"] = frame.check_ok;
    if (!frame.to_adapter) {
        out["serial"] = frame.serial;
    }
    if (frame.kind == FrameKind::null_response) {
        out["action"] = "ignore";
        return out;
    }
    add_body(out, frame, line);
    if (!frame.intact && !frame.to_adapter) {
        out["action"] = "drop";
    } else if (frame.kind == FrameKind::read_response) {
        add_bank(out, frame, line);
    }
    return out;
}

Json frame_summary(const Frame& frame) {
    Json out;
    out["kind"] = to_string(frame.kind);
    if (frame.kind == FrameKind::heartbeat) {
        out["type"] = frame.heartbeat_type;
        return out;
    }
    if (frame.kind == FrameKind::lan_config) {
        return out;
    }
    const bool write = frame.kind == FrameKind::write_request || frame.kind == FrameKind::write_response;
    out["addr"] = frame.address;
    out["fn"] = frame.function;
    out[write ? "reg" : "base"] = frame.base;
    out[write ? "value" : "count"] = frame.count;
    out["crc_ok"] = frame.check_ok;
    if (!frame.intact) {
        out["dropped"] = true;
    }
    return out;
}

}  // namespace givenergy
