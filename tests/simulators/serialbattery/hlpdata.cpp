#include "simulator.hpp"

#include <cstdio>
#include <string>

namespace bms::sim {
namespace {

std::string status_line(const Pack& pack) {
    std::string line = "m1 ";
    const auto put = [&line](const char* name, int decimals, double value) {
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%s%.*f", name, decimals, value);
        line += text.data();
        line += ',';
    };
    for (std::size_t i = 0; i < 4; ++i) {
        put("", 3, pack.millivolts(i) / 1000.0);
    }
    put("", 1, pack.amperes());
    put("", 0, pack.soc_pct());
    put("", 0, pack.charge_allowed ? 1 : 0);
    put("", 0, pack.discharge_allowed ? 1 : 0);
    put("", 1, 12.9);
    put("", 0, pack.soc_pct());
    put("", 0, 0);
    put("", 0,
        pack.alarm(Alarm::high_voltage)              ? 5
        : pack.alarm(Alarm::low_voltage)             ? 4
        : pack.alarm(Alarm::high_charge_temperature) ? 3
        : pack.alarm(Alarm::low_charge_temperature)  ? 2
                                                     : 0);
    put("", 0, 1);
    put("b1 ", 0, pack.celsius[0]);
    put("b2 ", 0, pack.celsius[1]);
    line.pop_back();
    return line + "\r\n";
}

/// More lines than the driver wants, with the comma some boards print.
std::string settings_text(const Pack& pack) {
    std::string text;
    for (int i = 0; i < 20; ++i) {
        text += "Reserved" + std::to_string(i) + "= 0 (of no use to anybody)\r\n";
    }
    text += "BatterySize= " + std::to_string(static_cast<int>(pack.capacity_ah())) + " Ah\r\n";
    return text + "VoltHigh= 3,60\r\nVoltLow= 2,80\r\n";
}

std::optional<Response> respond(Bytes heard, unsigned, Pack& pack) {
    const std::string_view text(reinterpret_cast<const char*>(heard.data()), heard.size());
    if (text.starts_with('\n')) {
        return Response{1, {}};
    }
    const auto answer = [](std::string_view words) {
        return Response{3, Buffer(words.begin(), words.end())};
    };
    if (text.starts_with("pv\n")) {
        return answer("pv\r\nBMS4S ver 2.10\r\n");
    }
    if (text.starts_with("m1\n")) {
        return answer(">" + status_line(pack));
    }
    return text.starts_with("ps\n") ? std::optional(answer(settings_text(pack))) : std::nullopt;
}

const Registration kRegistered{
    {.family = "hlpdata", .latency = milliseconds(100), .cells = 4, .respond = respond}};

}  // namespace
}  // namespace bms::sim
