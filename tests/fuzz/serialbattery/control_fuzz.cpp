// The control step on any settings and readings: it never crashes, its limits are never more than settings and
// BMS allow, a silent BMS stops the current.
#include "serialbattery/control/config_check.hpp"
#include "serialbattery/control/control.hpp"
#include "serialbattery/control/persistence.hpp"
#include "serialbattery/control/settings_text.hpp"
#include "wire/bytes.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace bms::control;

void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "violated: %s\n", what);
        std::abort();
    }
}

/// Decisions and numbers from the fuzzer's bytes; zeros when they run out.
class Source {
  public:
    explicit Source(wire::Bytes bytes) : cursor_(bytes) {}
    bool more() const { return cursor_.remaining() > 0; }
    unsigned byte() { return cursor_.u8(); }
    bool flag() { return (byte() & 1) != 0; }
    double between(double low, double high) { return low + (high - low) * cursor_.le16() / 65535; }
    /// Now and then nothing, or a number that no sensor can mean.
    std::optional<double> reading(double low, double high) {
        static constexpr double kStrange[] = {-1e308, -1, 0, 65.535, 6553.5, 1e308, 1e-308};
        switch (byte() % 16) {
            case 0:
                return std::nullopt;
            case 1:
                return kStrange[byte() % std::size(kStrange)];
            case 2:
                return std::nan("");
            case 3:
                return HUGE_VAL;
            default:
                return between(low, high);
        }
    }

  private:
    wire::Cursor cursor_;
};

/// Settings as a user may have them: each one with a few bytes of influence, then checked as a file is.
Settings settings_from(Source& source) {
    std::vector<SettingText> texts;
    for (unsigned changes = source.byte() % 24; changes > 0; --changes) {
        const Row& row = kSettings[source.byte() % kSettings.size()];
        std::string text;
        switch (source.byte() % 4) {
            case 0:
                text = source.flag() ? "True" : "False";
                break;
            case 1:
                for (unsigned n = source.byte() % 10; n > 0; --n) {
                    text += number_text(round_to(source.between(row.low, row.high), 3)) + ",";
                }
                break;
            default:
                text = number_text(round_to(source.between(row.low, row.high), 3));
                break;
        }
        texts.push_back({std::string(row.name), text});
    }
    return check_texts(texts).settings;
}

Measurement reading_from(Source& source, std::size_t cells, const Settings& settings) {
    Measurement reading;
    const double middle = source.between(settings.min_cell_v - 0.3, settings.max_cell_v + 0.3);
    for (std::size_t i = 0; i < cells; ++i) {
        reading.cells.push_back(source.reading(middle - 0.05, middle + 0.05));
    }
    if (source.byte() % 8 == 0) {
        reading.cells.clear();
        reading.extremes = CellExtremes{middle, middle + source.between(-0.1, 0.1)};
    }
    reading.voltage_v = source.reading(0, 70);
    reading.current_a = source.reading(-300, 300);
    reading.soc_percent = source.reading(-5, 105);
    reading.remaining_ah = source.reading(0, 300);
    reading.temperatures_c = {source.reading(-50, 110), source.reading(-50, 110)};
    reading.mosfet_c = source.reading(-50, 150);
    const unsigned switches = source.byte();
    reading.charge_fet = (switches & 3) == 0 ? std::nullopt : std::optional((switches & 3) != 1);
    reading.discharge_fet = (switches & 12) == 0 ? std::nullopt : std::optional((switches & 12) != 4);
    reading.balancing = (switches & 16) != 0;
    reading.bms_charge_voltage_v = source.reading(0, 70);
    reading.bms_charge_current_a = source.reading(0, 200);
    reading.bms_discharge_current_a = source.reading(0, 200);
    reading.alarms.raise(bms::Alarm::high_cell_voltage, static_cast<bms::Level>(source.byte() % 3));
    return reading;
}

double allowed(const Settings& s, std::size_t cells) {
    const double cell_v = std::max(s.max_cell_v, s.soc_reset_days ? s.soc_reset_cell_v : s.max_cell_v);
    const double raised = s.charge_voltage_source == 1 || s.use_bms_limits ? s.soc_reset_cell_v : cell_v;
    return std::max(cell_v, raised) * static_cast<double>(cells) + s.voltage_drop_v + 0.011;
}

void check(const Output& out, const State& state, const Context& context, const Measurement& reading,
           bool good) {
    if (!state.last_good) {
        return;
    }
    const Settings& s = context.settings;
    require(std::isfinite(*out.charge_current_a) && std::isfinite(*out.discharge_current_a),
            "limits are numbers");
    require(*out.charge_current_a >= 0 && *out.discharge_current_a >= 0, "limits are not negative");
    require(std::isfinite(*out.charge_voltage_v) && *out.charge_voltage_v > 0, "CVL is a voltage");
    require(*out.charge_voltage_v <= allowed(s, context.pack.cell_count), "CVL is within the settings");
    require(!out.soc_percent || (*out.soc_percent >= 0 && *out.soc_percent <= 100), "state of charge");
    require(!out.consumed_ah || *out.consumed_ah <= 0, "consumed");
    if (good) {
        const bool own = s.charge_current_source != 1 && !s.use_bms_limits;
        require(!own || *out.charge_current_a <= s.max_charge_current_a, "CCL is within the settings");
        require(reading.charge_fet != false || *out.charge_current_a == 0, "no charge against the switch");
        require(reading.discharge_fet != false || *out.discharge_current_a == 0,
                "no discharge against the switch");
        require(*out.allow_charge == (reading.charge_fet.value_or(true) && *out.charge_current_a != 0),
                "flag");
    } else if (out.online == false && s.block_on_disconnect) {
        require(*out.charge_current_a == 0 && *out.discharge_current_a == 0, "silence stops the current");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Source source(wire::Bytes(data, size));
    const Settings settings = settings_from(source);
    const Pack pack = {.cell_count = source.byte() % 25U, .capacity_ah = source.reading(0, 1000)};
    State state;
    Millis now{static_cast<std::int64_t>(source.between(0, 1e9))};
    while (source.more()) {
        Surroundings around;
        const unsigned what = source.byte();
        if ((what & 1) != 0) {
            around.external_current_a = source.reading(-300, 300);
            around.external_soc_percent = source.reading(0, 100);
        }
        around.charging_forced_off = (what & 6) == 6;
        const Context context = {.settings = settings, .pack = pack, .around = around};
        const Measurement reading = reading_from(source, pack.cell_count, settings);
        const bool replied = (what & 0x38) != 0;
        const bool good = pack.cell_count > 0 && poll(state, context, replied ? &reading : nullptr, now);
        check(state.out, state, context, reading, good);
        now += Millis{static_cast<std::int64_t>(std::pow(source.between(1, 60), 3))};
        if ((what & 0xc0) == 0xc0) {
            const Clocks clocks = {.monotonic = now, .unix_time = Seconds{1'800'000'000}};
            const auto stored = stored_values(to_persist(state, clocks));
            state = {};
            restore(state, from_stored(stored), clocks, reading.soc_percent);
        }
    }
    return 0;
}
