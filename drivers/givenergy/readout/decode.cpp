#include "givenergy/readout/decode.hpp"

#include "givenergy/protocol/framer.hpp"
#include "givenergy/publication/tables.hpp"
#include "givenergy/readout/compat.hpp"
#include "givenergy/readout/decode_frame.hpp"
#include "givenergy/readout/payload.hpp"

#include <algorithm>

namespace givenergy {

namespace {

Json failure(std::string_view text) {
    return Json{{"error", text}};
}

std::string text_of(const Json& line, const char* key) {
    return line.contains(key) && line[key].is_string() ? line[key].get<std::string>() : std::string{};
}

std::vector<std::size_t> chunk_sizes(const Json& line, std::size_t total) {
    std::vector<std::size_t> sizes;
    std::size_t used = 0;
    if (line.contains("chunks") && line["chunks"].is_array()) {
        for (const Json& size : line["chunks"]) {
            const std::size_t wanted = size.is_number_unsigned() ? size.get<std::size_t>() : 0;
            sizes.push_back(std::min(wanted, total - used));
            used += sizes.back();
        }
    }
    sizes.push_back(total - used);
    return sizes;
}

Json decode_stream(Bytes bytes, const Json& line) {
    Framer framer;
    Json frames = Json::array(), replies = Json::array();
    std::size_t at = 0;
    for (const std::size_t size : chunk_sizes(line, bytes.size())) {
        framer.feed(bytes.subspan(at, size), [&](const Frame& frame) {
            frames.push_back(frame_summary(frame));
            if (frame.intact && frame.kind == FrameKind::heartbeat) {
                replies.push_back(wire::to_hex(encode_heartbeat_reply(frame)));
            }
        });
        at += size;
    }
    return Json{{"kind", "stream"},
                {"dir", "rx"},
                {"frames", std::move(frames)},
                {"dropped_bytes", framer.skipped()},
                {"pending_bytes", framer.pending()},
                {"replies", std::move(replies)}};
}

Json decode_match(Bytes bytes, const Json& line) {
    if (!line.contains("pending") || !line["pending"].is_object()) {
        return failure("match needs pending");
    }
    const Json& pending = line["pending"];
    const int function = pending.value("fn", 0);
    const bool write = function == static_cast<int>(Function::write_single);
    const Request request{pending.value("addr", std::uint8_t{0}), static_cast<Function>(function),
                          pending.value("base", std::uint16_t{0}), pending.value("count", std::uint16_t{0})};
    const auto reg = pending.value("reg", std::uint16_t{0}), value = pending.value("value", std::uint16_t{0});
    Json unsolicited = Json::array(), resolved, result;
    Framer framer;
    framer.feed(bytes, [&](const Frame& frame) {
        if (!frame.intact || frame.kind == FrameKind::heartbeat || frame.kind == FrameKind::lan_config
            || frame.kind == FrameKind::null_response) {
            return;
        }
        const WriteReply reply = write ? judge_write(frame, reg, value) : WriteReply::unsolicited;
        const bool ends =
            write ? reply == WriteReply::success || reply == WriteReply::failure : answers(frame, request);
        if (ends && resolved.is_null()) {
            resolved = frame_summary(frame);
            result = reply == WriteReply::success ? "success" : "failure";
        } else {
            unsolicited.push_back(frame_summary(frame));
        }
    });
    Json out{
        {"kind", "match"}, {"unsolicited", std::move(unsolicited)}, {"resolved_by", std::move(resolved)}};
    if (write && !out["resolved_by"].is_null()) {
        out["result"] = std::move(result);
    }
    return out;
}

Json decode_command(const Json& line) {
    const std::string payload = text_of(line, "payload");
    auto arguments = arguments_of_json(payload);
    if (!arguments) {
        return failure(arguments.error().text);
    }
    CommandContext context;
    context.model = model_named(text_of(line, "model"));
    const Plan plan = plan_command(text_of(line, "function"), *arguments, context);
    if (!plan) {
        return failure(plan.error().text);
    }
    Json writes = Json::array(), requests = Json::array();
    for (const ApprovedWrite& write : *plan) {
        writes.push_back(Json::array({write.reg(), write.value()}));
        requests.push_back(wire::to_hex(encode(write)));
    }
    return Json{{"kind", "command"}, {"writes", std::move(writes)}, {"requests", std::move(requests)}};
}

Json decode_model(Bytes bytes) {
    if (bytes.size() < 4) {
        return failure("model needs HR0 and HR21");
    }
    const std::uint16_t dtc = wire::be16(bytes, 0), arm = wire::be16(bytes, 2);
    const Model model = model_of(dtc, arm);
    const ModelInfo* row = info(model);
    const auto watts = rated_w(dtc);
    Json out{{"kind", "model"}, {"hr0", wire::to_hex(bytes.first(2))}, {"hr21", arm}};
    out["model"] = row == nullptr ? Json() : Json(row->name);
    out["phases"] = row == nullptr ? Json() : Json(row->phases);
    out["hv_battery"] = row == nullptr || !row->hv_battery ? Json() : Json(*row->hv_battery);
    out["rated_w"] = watts ? Json(*watts) : Json();
    return out;
}

Json decode_times(Bytes bytes) {
    Json values = Json::array();
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        const std::uint16_t raw = wire::be16(bytes, at);
        Json text;
        if (const auto minute = minute_of_day(raw)) {
            const std::string digits = std::to_string(10000 + hhmm(*minute));
            text = digits.substr(1, 2) + ":" + digits.substr(3, 2);
        }
        values.push_back(Json{{"raw", raw}, {"text", std::move(text)}});
    }
    return Json{{"kind", "hhmm"}, {"values", std::move(values)}};
}

/// The responses of one poll.
struct Poll {
    Topology topology;
    Registers registers;
    std::string adapter_serial;
};

Poll collect(Bytes bytes, const Json& line) {
    Poll poll;
    Framer framer;
    framer.feed(bytes, [&](const Frame& frame) {
        if (frame.intact && frame.kind == FrameKind::read_response) {
            poll.adapter_serial = frame.adapter_serial;
            poll.registers.store(
                {frame.address, static_cast<Function>(frame.function), frame.base, frame.count},
                frame.registers());
        }
    });
    poll.topology.model = model_named(text_of(line, "model"));
    const auto dtc = poll.registers.holding(0), arm = poll.registers.holding(21);
    if (dtc && arm && poll.topology.model == Model::unknown) {
        poll.topology.model = model_of(*dtc, *arm);
    }
    poll.topology.dtc = dtc.value_or(0);
    poll.topology.arm_firmware = arm.value_or(0);
    for (int i = 0; i < kMaxBatteries; ++i) {
        const auto address = static_cast<std::uint8_t>(kFirstBattery + i);
        if (poll.registers.holds({address, Function::read_input, 60, kMaxRegisters})) {
            poll.topology.batteries = i + 1;
        }
    }
    return poll;
}

Json value_json(const velib::Value& value) {
    if (const std::string* text = value.text()) {
        return *text;
    }
    const auto number = value.real();
    return number ? whole_if_possible(*number) : Json();
}

/// consumption = grid + PV inverter - inverter input + inverter output, as the GX reckons it.
double consumption(const Json& paths) {
    double watts = 0;
    for (const auto& [path, value] : paths.items()) {
        const double number = value.is_number() ? value.get<double>() : 0;
        const bool phase_power = path.ends_with("/P");
        if (path == "grid:/Ac/Power" || path == "pvinverter:/Ac/Power"
            || (phase_power && path.starts_with("multi:/Ac/Out/"))) {
            watts += number;
        } else if (phase_power && path.starts_with("multi:/Ac/In/1/")) {
            watts -= number;
        }
    }
    return watts;
}

Json decode_venus(Bytes bytes, const Json& line) {
    const Poll poll = collect(bytes, line);
    const View view = view_of(poll.topology, poll.registers, {}, {});
    Json paths = Json::object();
    const bool metered = view.plant.metered_pv_w.value_or(0) != 0;
    for (const ServiceKind kind : services_of(poll.topology, {}, metered)) {
        velib::ItemTree tree;
        ServiceItems items{tree, kind, poll.topology};
        {
            velib::Update update{tree};
            items.publish(update, view);
        }
        for (const auto& item : tree.below("/")) {
            paths[std::string{to_string(kind)} + ":" + item->path()] = value_json(item->value());
        }
    }
    paths["check:consumption_total"] = whole_if_possible(consumption(paths));
    return Json{{"kind", "venus"}, {"paths", std::move(paths)}};
}

Json decode_mqtt(Bytes bytes, const Json& line) {
    const ReadFunction* function = find_read_function(text_of(line, "function"));
    if (function == nullptr) {
        return failure("unknown read function");
    }
    const Poll poll = collect(bytes, line);
    Json topics = Json::object();
    const Readout readout = function->read(poll.topology, poll.registers);
    for (const ReadoutEntry& entry : readout.entries()) {
        topics[compat_topic("GivEnergy", poll.adapter_serial, entry)] = payload_text(entry.value);
    }
    return Json{{"kind", "mqtt"},
                {"adapter_serial", poll.adapter_serial},
                {"retain", false},
                {"topics", std::move(topics)}};
}

Json decode_one_frame(Bytes bytes, const Json& line) {
    const auto frame = parse_frame(bytes);
    return frame ? frame_json(*frame, line) : failure(to_string(frame.error()));
}

struct Kind {
    std::string_view name;
    Json (*decode)(Bytes bytes, const Json& line);
};
constexpr auto kKinds = std::to_array<Kind>({
    {"", decode_one_frame},
    {"stream", decode_stream},
    {"match", decode_match},
    {"command", [](Bytes, const Json& line) { return decode_command(line); }},
    {"model", [](Bytes bytes, const Json&) { return decode_model(bytes); }},
    {"hhmm", [](Bytes bytes, const Json&) { return decode_times(bytes); }},
    {"venus", decode_venus},
    {"mqtt", decode_mqtt},
});

}  // namespace

Json decode_line(std::string_view line) {
    const Json parsed = Json::parse(line, nullptr, false);
    if (!parsed.is_object()) {
        return failure("not a JSON object");
    }
    const auto bytes = wire::from_hex(text_of(parsed, "hex"));
    if (!bytes) {
        return failure("hex is not hexadecimal");
    }
    const auto kind = std::ranges::find(kKinds, text_of(parsed, "kind"), &Kind::name);
    if (kind == kKinds.end()) {
        return failure("unknown kind");
    }
    try {
        return kind->decode(*bytes, parsed);
    } catch (const nlohmann::json::exception& error) {
        return failure(error.what());  // a member of the wrong type, such as a text in `pending`
    }
}

}  // namespace givenergy
