// Boards with a Sinowealth chip that answer single items, each with a CRC-8: docs/protocols/sinowealth.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/checksum.hpp"

#include <algorithm>

namespace bms {
namespace sinowealth {
namespace {

constexpr std::uint8_t kStart = 0x0a;
constexpr std::size_t kRequestSize = 3;
constexpr double kKelvinZero = 2731;  ///< tenths of a kelvin at 0 degrees Celsius

enum Item : std::uint8_t {
    kFirstCell = 0x01,
    kLastCell = 0x0a,
    kVoltage = 0x0b,
    kExternal1 = 0x0c,
    kExternal2 = 0x0d,
    kInternal1 = 0x0e,
    kInternal2 = 0x0f,
    kCurrent = 0x10,
    kFullCapacity = 0x11,
    kRemaining = 0x12,
    kSoc = 0x13,
    kCycles = 0x14,
    kPackStatus = 0x15,
    kBatteryStatus = 0x16,
    kConfiguration = 0x17,
};

/// `at` is the item; its data begin there.
constexpr auto kFields = std::to_array<Field>({
    {kVoltage, Raw::u16be, 1000, "voltage_V", &Battery::voltage_v},
    {kCurrent, Raw::s32be, 1000, "current_A", &Battery::current_a},
    {kFullCapacity, Raw::s32be, 1000, "full_Ah", &Battery::full_ah},
    {kRemaining, Raw::s32be, 1000, "remaining_Ah", &Battery::remaining_ah},
    {kSoc, Raw::low8, 1, "soc_pct", &Battery::soc_pct},
    {kCycles, Raw::u16be, 1, "cycles", &Battery::cycles},
    {kPackStatus, Raw::flag16, 0, "charge_fet", &Battery::charge_fet, 0, 0},
    {kPackStatus, Raw::flag16, 0, "discharge_fet", &Battery::discharge_fet, 0, 1},
    {kPackStatus, Raw::flag16, 0, "charging", {}, 0, 2},
    {kPackStatus, Raw::flag16, 0, "discharging", {}, 0, 3},
    {kPackStatus, Raw::flag16, 0, "full", {}, 0, 8},
    {kPackStatus, Raw::flag16, 0, "empty", {}, 0, 9},
    {kBatteryStatus, Raw::flag16, 0, "over_voltage", {}, 0, 0},
    {kBatteryStatus, Raw::flag16, 0, "under_voltage", {}, 0, 1},
    {kBatteryStatus, Raw::flag16, 0, "charge_over_current", {}, 0, 2},
    {kBatteryStatus, Raw::flag16, 0, "discharge_over_current", {}, 0, 3},
});
constexpr std::uint8_t kMostData = 4;
static_assert(well_formed(kFields, kMostData));

constexpr auto kAlarmBits = std::to_array<Flag>({
    {0, Alarm::high_voltage},
    {1, Alarm::low_voltage},
    {2, Alarm::high_charge_current},
    {3, Alarm::high_discharge_current},
    {8, Alarm::high_charge_temperature},
    {9, Alarm::high_temperature},
    {10, Alarm::low_charge_temperature},
    {11, Alarm::low_temperature},
    {12, Alarm::high_voltage},            // of the measuring chip itself
    {13, Alarm::high_discharge_current},  // short circuit
});
static_assert(well_formed(kAlarmBits));

constexpr std::size_t data_size(std::uint8_t item) {
    return item >= kCurrent && item <= kRemaining ? 4 : 2;
}

// --------------------------------------------------------------------------------------------- frames

Packet request(std::uint8_t item) {
    Packet packet;
    packet.push(kStart);
    packet.push(item);
    packet.push(data_size(item));
    return packet;
}

/// The one of the three-byte requests in `asked` that `bytes` begin to answer: the check covers both.
Bytes answered_request(Bytes bytes, Bytes asked) {
    for (std::size_t at = 0; at + kRequestSize <= asked.size(); at += kRequestSize) {
        const Bytes one = asked.subspan(at, kRequestSize);
        const std::size_t length = one[2];
        if (one[0] != kStart || length == 0 || length > kMostData || bytes.size() <= length) {
            continue;
        }
        std::array<std::uint8_t, kRequestSize + kMostData> covered{};
        std::copy(one.begin(), one.end(), covered.begin());
        std::copy_n(bytes.begin(), length, covered.begin() + kRequestSize);
        if (check_holds(wire::Crc8::of(Bytes(covered).first(kRequestSize + length)), bytes[length])) {
            return one;
        }
    }
    return {};
}

Sight sight(Bytes bytes, Bytes asked) {
    if (asked.size() < kRequestSize || asked[0] != kStart || asked[2] == 0 || asked[2] > kMostData) {
        return Sight::no();
    }
    if (const auto answered = answered_request(bytes, asked); !answered.empty()) {
        return Sight::frame(std::size_t{answered[2]} + 1);
    }
    if (bytes.size() >= kRequestSize
        && std::equal(asked.begin(), asked.begin() + kRequestSize, bytes.begin())) {
        return Sight::frame(kRequestSize, Role::request);
    }
    const std::size_t needed = std::size_t{asked[2]} + 1;
    return bytes.size() < needed ? Sight::needs(needed) : Sight::no(Fault::checksum);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    const auto answered = answered_request(frame, asked);
    return answered.empty() || frame.size() != std::size_t{answered[2]} + 1 ? std::optional(Fault::address)
                                                                            : std::nullopt;
}

Payload payload(std::uint8_t item, Bytes answer) {
    return {answer.first(answer.size() - 1), item, kMostData};
}
double celsius(Bytes data) {
    return (wire::be16(data, 0) - kKelvinZero) / 10;
}
unsigned cell_count(Bytes data) {
    return (data[1] & 7u) + 3;
}
bool second_sensor(Bytes data) {
    return (data[1] >> 6 & 1) != 0;
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const Bytes asked = role == Role::request ? frame : answered_request(frame, context.asked);
    if (asked.empty()) {
        return;
    }
    const auto item = asked[1];
    out.set("cmd", int{item});
    out.set("length", int{asked[2]});
    if (role == Role::request) {
        return;
    }
    out.set("crc8", int{frame.back()});
    const auto window = payload(item, frame);
    load(kFields, window, out);
    if (window.bytes.size() < 2) {
        return;
    }
    if (item >= kFirstCell && item <= kLastCell) {
        out.set("cell_mV", int{wire::be16(window.bytes, 0)});
    } else if (item >= kExternal1 && item <= kInternal2) {
        out.set("temp_C", celsius(window.bytes));
    } else if (item == kBatteryStatus) {
        Alarms alarms;
        raise(kAlarmBits, wire::be16(window.bytes, 0), alarms);
        out.set("venus", venus(alarms));
    } else if (item == kConfiguration) {
        out.set("cell_count", cell_count(window.bytes));
        out.set("second_sensor", second_sensor(window.bytes));
    }
}

// -------------------------------------------------------------------------------------------- session

/// Asked in every poll behind the cells.
struct Question {
    std::uint8_t item;
    bool required;
};
constexpr auto kQuestions = std::to_array<Question>({
    {kVoltage, true},
    {kSoc, true},
    {kCurrent, true},
    {kPackStatus, true},
    {kBatteryStatus, true},
    {kExternal1, false},
    {kExternal2, false},
    {kInternal1, false},
    {kFullCapacity, false},
    {kRemaining, false},
    {kCycles, false},
});

class SinowealthSession : public Session {
  public:
    /// The configuration first; what it says decides what else there is to ask.
    void cycle(unsigned, Queries& out) override {
        if (!battery_.cell_count) {
            ask(kConfiguration, true, out);
            return;
        }
        for (unsigned i = 0; i < *battery_.cell_count; ++i) {
            ask(static_cast<std::uint8_t>(kFirstCell + i), true, out);
        }
        for (const auto& question : kQuestions) {
            if (question.item != kExternal2 || second_sensor_) {
                ask(question.item, question.required, out);
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto item = static_cast<std::uint8_t>(query.tag);
        const auto window = payload(item, frame);
        confirmed_ = confirmed_ || item != kConfiguration;
        load_inside(kFields, window, battery_);
        if (item <= kLastCell) {
            battery_.cells[item - kFirstCell].volts = wire::be16(window.bytes, 0) / 1000.0;
        } else if (item >= kExternal1 && item <= kInternal2) {
            place(item, celsius(window.bytes));
        } else if (item == kBatteryStatus) {
            battery_.alarm_word = wire::be16(window.bytes, 0);
            battery_.alarms.clear();
            raise(kAlarmBits, *battery_.alarm_word, battery_.alarms);
        } else if (item == kConfiguration) {
            battery_.manufacturer = "Sinowealth";
            battery_.cell_count = cell_count(window.bytes);
            battery_.cells.resize(*battery_.cell_count);
            second_sensor_ = second_sensor(window.bytes);
        }
        return Taken::done;
    }

    void missed(const Query& query) override {
        const auto item = static_cast<std::uint8_t>(query.tag);
        // Noise passes the check of one answer, not of two in a row.
        refuted_ = refuted_ || !confirmed_;
        forget(kFields, item, 1, battery_);
        if (item <= kLastCell && item - kFirstCell < static_cast<int>(battery_.cells.size())) {
            battery_.cells[item - kFirstCell].volts.reset();
        } else if (item >= kExternal1 && item <= kInternal2) {
            place(item, std::nullopt);
        } else if (item == kBatteryStatus) {
            battery_.alarm_word.reset();
            battery_.alarms.clear();
        }
    }

    /// One byte checks an answer: the configuration and every cell must be plausible, and the sum be the voltage.
    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        for (const auto& cell : battery_.cells) {
            if (cell.volts && (*cell.volts < 1.5 || *cell.volts > 4.5)) {
                return Proof::refuted;
            }
        }
        const auto sum = cell_sum(battery_);
        if (!sum || !battery_.voltage_v) {
            return Proof::pending;
        }
        return adds_up(*sum, *battery_.voltage_v) ? Proof::proven : Proof::refuted;
    }
    [[nodiscard]] bool complete() const override {
        return proof() == Proof::proven && battery_.soc_pct && battery_.current_a && battery_.charge_fet;
    }

  private:
    static void ask(std::uint8_t item, bool required, Queries& out) {
        out.push_back({.bytes = request(item), .tag = item, .required = required});
    }

    void place(std::uint8_t item, std::optional<double> degrees) {
        celsius_[item - kExternal1] = degrees;
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < celsius_.size(); ++i) {
            if (celsius_[i]) {
                battery_.temperatures.push_back(
                    {kExternal1 + i < kInternal1 ? Place::cell : Place::board, celsius_[i]});
            }
        }
    }

    bool second_sensor_ = false;
    bool confirmed_ = false;  ///< something besides the configuration was answered
    bool refuted_ = false;
    std::array<std::optional<double>, 4> celsius_{};
};

std::unique_ptr<Session> open(std::uint8_t, const Options&) {
    return std::make_unique<SinowealthSession>();
}
Query probe(std::uint8_t) {
    return {.bytes = request(kConfiguration), .tag = kConfiguration};
}

constexpr auto kLines = std::to_array<Line>({{9600}});

}  // namespace
}  // namespace sinowealth

extern const Family kSinowealth;
constexpr Family kSinowealth{
    .name = "sinowealth",
    .title = "Sinowealth",
    .lines = sinowealth::kLines,
    .timing = {.reply = 150ms, .gap = 30ms, .pause = 10ms, .tries = 3, .poll = 2000ms},
    .detection = {.rank = 95, .window = 110ms, .reading = 600ms},
    .report = Report::counted,
    .sight = sinowealth::sight,
    .mismatch = sinowealth::mismatch,
    .describe = sinowealth::describe,
    .probe = sinowealth::probe,
    .open = sinowealth::open,
};

}  // namespace bms
