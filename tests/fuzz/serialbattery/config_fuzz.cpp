// Configuration texts of any kind: parsed, checked, imported, written and read again without a crash, and what is
// in force is always within its range. Stored values and cases of the control tool likewise.
#include "serialbattery/control/bus_settings.hpp"
#include "serialbattery/control/case_tool.hpp"
#include "serialbattery/control/config_file.hpp"
#include "serialbattery/control/config_import.hpp"
#include "serialbattery/control/persistence.hpp"
#include "serialbattery/control/settings_text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace bms::control;

void require(bool holds, std::string_view what) {
    if (!holds) {
        std::fprintf(stderr, "violated: %.*s\n", static_cast<int>(what.size()), what.data());
        std::abort();
    }
}

void check_settings(const Settings& settings) {
    for (const auto& row : kSettings) {
        require(within_range(settings, row), row.name);
    }
    require(settings.float_cell_v <= settings.max_cell_v || settings.max_cell_v <= settings.min_cell_v,
            "float");
    // What is written reads back the same (texts with a comma or a line end of their own excepted).
    const Settings again = settings_for(parse_config(config_text(settings)), {}).settings;
    for (const auto& row : kSettings) {
        const bool text = std::holds_alternative<std::string Settings::*>(row.member)
                          || std::holds_alternative<TextList Settings::*>(row.member);
        require(text || row.place == Place::none || same_value(settings, again, row), row.name);
    }
}

/// An odd first byte: each line begins with a byte that stands for a setting's name. Even: a text as it is.
std::string file_from(std::string_view input) {
    if (input.empty() || input.front() % 2 == 0) {
        return std::string(input.substr(std::min<std::size_t>(1, input.size())));
    }
    std::string text = "[default]\n";
    for (std::size_t at = 1; at < input.size();) {
        const auto end = std::min(input.find('\n', at), input.size());
        text += kSettings[static_cast<unsigned char>(input[at]) % kSettings.size()].name;
        text += " = ";
        text += input.substr(std::min(at + 1, end), end - std::min(at + 1, end));
        text += "\n";
        at = end + 1;
    }
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text = file_from({reinterpret_cast<const char*>(data), size});
    const Import import = import_config(text);
    check_settings(import.settings);
    (void)import_report(import);
    const auto checked =
        settings_for(parse_config(text), {.battery_id = "a", .port = "ttyUSB0", .overrides = {}});
    check_settings(checked.settings);
    (void)complaints_about(checked.findings);

    const auto& row = kSettings[size % kSettings.size()];
    if (const auto changed = written(Settings{}, row, BusValue(text))) {
        check_settings(*changed);
    }
    Persisted persisted;
    read_history(persisted, text);
    BankState bank;
    read_members(bank, text, {.monotonic = Millis{0}, .unix_time = Seconds{1'800'000'000}});
    if (text.find("timeline") == std::string::npos) {  // time lines are for the fuzzer of the control step
        (void)run_case(text);
    }
    return 0;
}
