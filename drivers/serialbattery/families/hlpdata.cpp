// HLPdata BMS4S, which talks in lines of text: docs/protocols/hlpdata.md

#include "serialbattery/family.hpp"

#include <algorithm>
#include <charconv>

namespace bms {
namespace hlpdata {
namespace {

constexpr std::size_t kCells = 4;
constexpr std::size_t kFewestFields = 13;
constexpr std::size_t kShortestStatus = 40;
constexpr std::size_t kLongestLine = 240;

constexpr std::string_view kVersionHead = "BMS4S";
constexpr std::string_view kStatusHead = "m1 ";
constexpr auto kSettingHeads = std::to_array<std::string_view>({"BatterySize=", "VoltHigh=", "VoltLow="});
constexpr auto kCommands = std::to_array<std::string_view>({"pv", "ps", "m1"});

/// Fields of a status line, counted from 0.
enum StatusField : std::size_t {
    kAmperes = 4,
    kSoc = 5,
    kChargeState = 6,
    kLoadState = 7,
    kBeep = 11,
    kFirstTemperature = 13,
};

/// What the board beeps for.
struct Beep {
    int code;
    Alarm alarm;
    Level level;
};
constexpr auto kBeeps = std::to_array<Beep>({
    {2, Alarm::low_charge_temperature, Level::warning},
    {3, Alarm::high_charge_temperature, Level::warning},
    {4, Alarm::low_voltage, Level::alarm},
    {5, Alarm::high_voltage, Level::alarm},
});

// ---------------------------------------------------------------------------------------------- text

std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // NOLINT: characters of the wire
}
bool is_break(char c) {
    return c == '\r' || c == '\n';
}
bool is_printable(char c) {
    return c >= ' ' && c <= '~';
}

/// A decimal number that is all of `text` but blanks around it.
std::optional<double> number(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    text = text.substr(first, text.find_last_not_of(' ') - first + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value > -1e6 && value < 1e6
               ? std::optional(value)
               : std::nullopt;
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    for (std::size_t at = 0; at <= line.size();) {
        const auto comma = std::min(line.find(',', at), line.size());
        fields.push_back(line.substr(at, comma - at));
        at = comma + 1;
    }
    return fields;
}

struct Status {
    std::array<double, kCells> volts{};
    double amperes = 0;
    double soc_pct = 0;
    bool charge = false;
    bool load = false;
    int beep = 0;
    std::vector<double> celsius;
};

/// A status line behind its head; nothing when a field it needs is missing or no number.
std::optional<Status> parse_status(std::string_view line) {
    const auto fields = split(line);
    if (fields.size() < kFewestFields) {
        return std::nullopt;
    }
    Status status;
    for (std::size_t i = 0; i < kCells; ++i) {
        const auto volts = number(fields[i]);
        if (!volts || fields[i].find('.') == std::string_view::npos) {
            return std::nullopt;
        }
        status.volts[i] = *volts;
    }
    const auto amperes = number(fields[kAmperes]);
    const auto soc = number(fields[kSoc]);
    const auto charge = number(fields[kChargeState]);
    const auto load = number(fields[kLoadState]);
    const auto beep = number(fields[kBeep]);
    if (!amperes || !soc || !charge || !load || !beep) {
        return std::nullopt;
    }
    status.amperes = *amperes;
    status.soc_pct = *soc;
    status.charge = *charge == 1;
    status.load = *load == 1;
    status.beep = static_cast<int>(*beep);
    // "b1 23": a name and degrees.
    for (std::size_t i = kFirstTemperature; i < fields.size(); ++i) {
        const auto blank = fields[i].find(' ');
        if (blank == std::string_view::npos) {
            continue;
        }
        if (const auto degrees = number(fields[i].substr(blank))) {
            status.celsius.push_back(*degrees);
        }
    }
    return status;
}

// --------------------------------------------------------------------------------------------- frames

enum class Kind : std::uint8_t { none, partial, too_short, version, status, setting };

/// What stands at the start of some text: `body` is its line, or the name and the value of a setting.
struct Seen {
    Kind kind = Kind::none;
    std::size_t length = 0;
    std::string_view body;
};

/// Length of the echoes of commands and the prompts in front of an answer.
std::size_t preamble(std::string_view text) {
    std::size_t at = 0;
    for (;;) {
        const auto rest = text.substr(at);
        const bool echo =
            rest.size() > 2 && is_break(rest[2])
            && std::find(kCommands.begin(), kCommands.end(), rest.substr(0, 2)) != kCommands.end();
        if (echo || rest.starts_with("m1 m1 ")) {
            at += 3;
        } else if (at > 0 && !rest.empty() && (is_break(rest[0]) || rest[0] == '>' || rest[0] == ' ')) {
            ++at;
        } else {
            return at;
        }
    }
}

Seen look_at_line(std::string_view rest, std::size_t before, Kind kind) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, std::min(end, kLongestLine));
    const auto printed = line.substr(0, line.ends_with('\r') ? line.size() - 1 : line.size());
    if (!std::all_of(printed.begin(), printed.end(), is_printable) || line.size() >= kLongestLine) {
        return {};
    }
    if (end == std::string_view::npos) {
        return {Kind::partial, 0, {}};
    }
    if (kind == Kind::status && (printed.size() < kShortestStatus || split(printed).size() < kFewestFields)) {
        return {Kind::too_short, 0, {}};
    }
    if (kind == Kind::status && !parse_status(printed.substr(kStatusHead.size()))) {
        return {};
    }
    return {kind, before + end + 1, printed};
}

Seen look_at_setting(std::string_view rest, std::size_t before, std::size_t head) {
    const auto value = rest.find_first_not_of(' ', head);
    const auto end = rest.find_first_not_of("0123456789.,", std::min(value, rest.size()));
    if (end == std::string_view::npos) {
        return {rest.size() < kLongestLine ? Kind::partial : Kind::none, 0, {}};
    }
    return end == value ? Seen{} : Seen{Kind::setting, before + end + 1, rest.substr(0, end)};
}

Seen look(std::string_view text) {
    const auto before = preamble(text);
    const auto rest = text.substr(before);
    const auto begun = [rest](std::string_view head) { return head.starts_with(rest); };
    if (rest.starts_with(kVersionHead)) {
        return look_at_line(rest, before, Kind::version);
    }
    if (rest.starts_with(kStatusHead)) {
        return look_at_line(rest, before, Kind::status);
    }
    for (const auto head : kSettingHeads) {
        if (rest.starts_with(head)) {
            return look_at_setting(rest, before, head.size());
        }
    }
    const bool more = begun(kVersionHead) || begun(kStatusHead)
                      || std::any_of(kSettingHeads.begin(), kSettingHeads.end(), begun)
                      || std::any_of(kCommands.begin(), kCommands.end(), begun);
    return {more ? Kind::partial : Kind::none, 0, {}};
}

Sight sight(Bytes bytes, Bytes) {
    const auto seen = look(as_text(bytes));
    switch (seen.kind) {
        case Kind::none:
            return Sight::no();
        case Kind::too_short:
            return Sight::no(Fault::length);
        case Kind::partial:
            return Sight::needs(bytes.size() + 1);
        default:
            return Sight::frame(seen.length);
    }
}

/// The command in a request, without the line ends around it.
std::string_view command_in(Bytes asked) {
    auto text = as_text(asked);
    while (!text.empty() && is_break(text.front())) {
        text.remove_prefix(1);
    }
    return text.substr(0, 2);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    const auto command = command_in(asked);
    const auto kind = look(as_text(frame)).kind;
    const bool answers = command == "pv"   ? kind == Kind::version
                         : command == "m1" ? kind == Kind::status
                                           : command == "ps" && kind == Kind::setting;
    return answers ? std::nullopt : std::optional(Fault::address);
}

// --------------------------------------------------------------------------------------------- decode

void raise_beep(int code, Alarms& alarms) {
    for (const auto& beep : kBeeps) {
        alarms.raise(beep.alarm, beep.code == code ? beep.level : Level::ok);
    }
}

/// The number of a setting; a comma may stand for the point.
std::optional<double> setting_value(std::string_view body) {
    std::string text(body.substr(body.find('=') + 1));
    std::replace(text.begin(), text.end(), ',', '.');
    while (text.ends_with('.')) {
        text.pop_back();
    }
    return number(text);
}

void describe(Bytes frame, Role, const Context&, Record& out) {
    const auto seen = look(as_text(frame));
    if (seen.kind == Kind::version) {
        out.set("is_bms4s", true);
        out.set("text", seen.body);
    } else if (seen.kind == Kind::setting) {
        const auto value = setting_value(seen.body);
        out.set(seen.body.substr(0, seen.body.find('=')), value ? Datum(*value) : Datum(nullptr));
    } else if (seen.kind == Kind::status) {
        const auto status = parse_status(seen.body.substr(kStatusHead.size()));
        if (!status) {
            return;
        }
        double sum = 0;
        List cells;
        for (const auto volts : status->volts) {
            cells.emplace_back(volts);
            sum += volts;
        }
        out.set("cells_V", std::move(cells));
        out.set("voltage_V", sum);
        out.set("current_A", status->amperes);
        out.set("soc_pct", status->soc_pct);
        out.set("charge_fet", status->charge);
        out.set("discharge_fet", status->load);
        out.set("beep", status->beep);
        List celsius;
        for (const auto degrees : status->celsius) {
            celsius.emplace_back(degrees);
        }
        out.set("temps_C", std::move(celsius));
        Alarms alarms;
        raise_beep(status->beep, alarms);
        out.set("venus", venus(alarms));
    }
}

// -------------------------------------------------------------------------------------------- session

enum Tag : std::uint16_t { kVersion, kStatus, kSettings };

constexpr auto kSettingsReply = 2000ms;
constexpr unsigned kSettingsPolls = 30;  ///< to the next try where they did not come

Packet line(std::string_view text) {
    Packet packet;
    for (const auto c : text) {
        packet.push(static_cast<std::uint8_t>(c));
    }
    return packet;
}
/// The line end in front wakes the board, which may miss the rest: the second try is the one it answers.
Query ask_version() {
    return {.bytes = line("\npv\n"), .tag = kVersion, .tries = 2, .reply = 310ms};
}

class HlpdataSession : public Session {
  public:
    void cycle(unsigned poll, Queries& out) override {
        if (battery_.model.empty()) {
            out.push_back(ask_version());
        }
        out.push_back({.bytes = line("m1\n"), .tag = kStatus});
        if (poll % kSettingsPolls == 1 && !battery_.cell_overvoltage_v) {
            out.push_back({.bytes = line("ps\n"),
                           .tag = kSettings,
                           .required = false,
                           .tries = 1,
                           .reply = kSettingsReply});
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto seen = look(as_text(frame));
        if (query.tag == kVersion) {
            battery_.manufacturer = "HLPdata";
            battery_.model = std::string(kVersionHead);
            const auto version = seen.body.find_first_not_of(' ', kVersionHead.size());
            battery_.firmware_version =
                std::string(version == std::string_view::npos ? "" : seen.body.substr(version));
            return Taken::done;
        }
        if (query.tag == kSettings) {
            // They stand anywhere in a long text, whose end is that nothing more comes.
            take_setting(seen.body);
            return Taken::more;
        }
        const auto status = parse_status(seen.body.substr(kStatusHead.size()));
        if (!status) {
            return Taken::foreign;
        }
        take_status(*status);
        return Taken::done;
    }

    bool settled(const Query& query) override { return query.tag == kSettings; }

    void missed(const Query& query) override {
        if (query.tag == kStatus) {
            battery_.voltage_v.reset();
            battery_.current_a.reset();
            battery_.soc_pct.reset();
            battery_.charge_fet.reset();
            battery_.discharge_fet.reset();
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
        }
    }

    [[nodiscard]] Proof proof() const override {
        if (battery_.model.empty() || battery_.cells.empty()) {
            return Proof::pending;
        }
        const bool plausible = std::all_of(
            battery_.cells.begin(), battery_.cells.end(),
            [](const Cell& cell) { return *cell.volts >= 0 && *cell.volts <= limits::kMaxCellV; });
        return plausible ? Proof::proven : Proof::refuted;
    }

  private:
    void take_setting(std::string_view body) {
        const auto value = setting_value(body);
        if (!value || *value <= 0) {
            return;
        }
        if (body.starts_with(kSettingHeads[0])) {
            battery_.capacity_ah = value;
        } else if (body.starts_with(kSettingHeads[1])) {
            battery_.cell_overvoltage_v = value;
            battery_.charge_voltage_limit_v = *value * kCells;
        } else {
            battery_.cell_undervoltage_v = value;
        }
    }

    void take_status(const Status& status) {
        battery_.cells.clear();
        double sum = 0;
        for (const auto volts : status.volts) {
            battery_.cells.push_back({volts, std::nullopt});
            sum += volts;
        }
        battery_.cell_count = kCells;
        battery_.voltage_v = sum;
        battery_.current_a = status.amperes;
        battery_.soc_pct = status.soc_pct;
        battery_.charge_fet = status.charge;
        battery_.discharge_fet = status.load;
        battery_.temperatures.clear();
        for (const auto degrees : status.celsius) {
            battery_.temperatures.push_back({Place::cell, degrees});
        }
        battery_.alarms.clear();
        raise_beep(status.beep, battery_.alarms);
    }
};

std::unique_ptr<Session> open(std::uint8_t, const Options&) {
    return std::make_unique<HlpdataSession>();
}
Query probe(std::uint8_t) {
    return ask_version();
}

constexpr auto kLines = std::to_array<Line>({{9600}});

}  // namespace
}  // namespace hlpdata

extern const Family kHlpdata;
constexpr Family kHlpdata{
    .name = "hlpdata",
    .title = "HLPdata BMS4S",
    .lines = hlpdata::kLines,
    .timing = {.reply = 400ms, .gap = 100ms, .pause = 50ms, .tries = 3, .poll = 10s},
    .detection = {.rank = 98, .window = 300ms},
    .report = Report::counted,
    .sight = hlpdata::sight,
    .mismatch = hlpdata::mismatch,
    .describe = hlpdata::describe,
    .probe = hlpdata::probe,
    .open = hlpdata::open,
};

}  // namespace bms
