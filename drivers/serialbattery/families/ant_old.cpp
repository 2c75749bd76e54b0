// ANT BMS up to 2020, fixed answers of 140 bytes: docs/protocols/ant.md

#include "ant_codes.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/checksum.hpp"

#include <algorithm>

namespace bms {
namespace ant_old {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr auto kHeader = std::to_array<std::uint8_t>({0xaa, 0x55, 0xaa, 0xff});
constexpr std::size_t kStatus = 140;
constexpr std::size_t kCommand = 6;
constexpr std::uint8_t kWriteMark = 0xa5;
constexpr unsigned kMaxCells = 32;

enum Address : std::uint8_t { kDischarge = 0xf9, kCharge = 0xfa, kBalancer = 0xfc, kApply = 0xff };

bool starts_command(Bytes bytes) {
    const auto mark = bytes[0];
    const bool known = mark == 0xdb || mark == 0x5a || mark == kWriteMark;
    return known && (bytes.size() < 2 || bytes[1] == mark);
}
/// Reading the status is two marks and zeros, in one form with 01 01 at the end; all else ends in a sum.
bool command_good(Bytes bytes) {
    const bool reads_status =
        bytes[0] != kWriteMark && bytes[2] == 0 && bytes[3] == 0 && bytes[4] == bytes[5];
    return reads_status ? bytes[4] <= 1 : wire::sum8(bytes.subspan(2, 3)) == bytes[5];
}

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty()) {
        return Sight::needs(kCommand);
    }
    if (starts_command(bytes)) {
        if (bytes.size() < kCommand) {
            return Sight::needs(kCommand);
        }
        return command_good(bytes) ? Sight::frame(kCommand, Role::request) : Sight::no(Fault::checksum);
    }
    const auto shown = static_cast<std::ptrdiff_t>(std::min(bytes.size(), kHeader.size()));
    if (!std::equal(bytes.begin(), bytes.begin() + shown, kHeader.begin())) {
        return Sight::no();
    }
    if (bytes.size() < kStatus) {
        return Sight::needs(kStatus);
    }
    if (!check_holds(wire::sum16(bytes.subspan(4, kStatus - 6)), wire::be16(bytes, kStatus - 2))) {
        return Sight::no(Fault::checksum);
    }
    return Sight::frame(kStatus);
}

std::optional<Fault> mismatch(Bytes, Bytes asked) {
    return !asked.empty() && asked[0] == kWriteMark ? std::optional(Fault::address) : std::nullopt;
}

Packet read_status(bool other_form) {
    static constexpr auto kFirst = std::to_array<std::uint8_t>({0xdb, 0xdb, 0, 0, 0, 0});
    static constexpr auto kOther = std::to_array<std::uint8_t>({0x5a, 0x5a, 0, 0, 1, 1});
    return Packet(other_form ? Bytes(kOther) : Bytes(kFirst));
}
Packet write(std::uint8_t address, bool on) {
    const std::uint8_t low = on ? 1 : 0;
    return Packet(std::array<std::uint8_t, kCommand>{kWriteMark, kWriteMark, address, 0, low,
                                                     static_cast<std::uint8_t>(address + low)});
}

// --------------------------------------------------------------------------------------------- tables

constexpr std::size_t kCellsAt = 6;
constexpr std::size_t kSensorsAt = 91;
/// Two internal, on the power stage and the balancer, then four external ones.
constexpr auto kPlaces = std::to_array<Place>(
    {Place::mosfet, Place::balancer, Place::cell, Place::cell, Place::cell, Place::cell});
constexpr std::size_t kChargeState = 103;
constexpr std::size_t kDischargeState = 104;
constexpr std::size_t kBalanceState = 105;
constexpr std::size_t kCellCount = 123;
constexpr std::size_t kBalanceMask = 132;

/// Offsets in the frame, big endian.
constexpr auto kFields = std::to_array<Field>({
    {4, Raw::u16be, 10, "voltage_V", &Battery::voltage_v},
    // 6 cells
    {70, Raw::s32be, 1, "current_raw"},
    {70, Raw::s32be, -10, "current_A", &Battery::current_a},  // + on the wire is discharge
    {74, Raw::u8, 1, "soc_pct", &Battery::soc_pct},
    {75, Raw::u32be, 1e6, "capacity_Ah", &Battery::capacity_ah},
    {79, Raw::u32be, 1e6, "remaining_Ah", &Battery::remaining_ah},
    {83, Raw::u32be, 1e3, "cycle_Ah", &Battery::discharged_ah},
    {87, Raw::u32be, 1, "runtime_s", &Battery::run_time_s},
    // 91 temperatures
    {103, Raw::u8, 1, "charge_state", &Battery::status_word},
    {104, Raw::u8, 1, "discharge_state", &Battery::warning_word},
    {105, Raw::u8, 1, "balance_state"},
    {111, Raw::s32be, 1, "power_raw_W"},  // + discharge
    {115, Raw::u8, 1, "max_cell"},
    {116, Raw::u16be, 1, "max_mV"},
    {118, Raw::u8, 1, "min_cell"},
    {119, Raw::u16be, 1, "min_mV"},
    {121, Raw::u16be, 1, "avg_mV"},
    {123, Raw::u8, 1, "cell_count", &Battery::cell_count},
    {132, Raw::u32be, 1, "balance_mask"},
});
static_assert(well_formed(kFields));

// --------------------------------------------------------------------------------------------- decode

std::int16_t sensor(Bytes frame, std::size_t i) {
    return wire::s16(wire::be16(frame, kSensorsAt + 2 * i));
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    if (role == Role::request) {
        if (frame[0] == kWriteMark) {
            out.set("address", int{frame[2]});
            out.set("value", int{wire::be16(frame, 3)});
        }
        return;
    }
    load(kFields, {frame}, out);
    out.set("cells_mV",
            to_list(words(frame.subspan(kCellsAt), {std::min<std::size_t>(frame[kCellCount], kMaxCells)})));
    List sensors;
    for (std::size_t i = 0; i < kPlaces.size(); ++i) {
        sensors.emplace_back(int{sensor(frame, i)});
    }
    out.set("temps_C", std::move(sensors));
}

// -------------------------------------------------------------------------------------------- session

class AntOldSession : public Session {
  public:
    void cycle(unsigned, Queries& out) override {
        out.push_back({.bytes = read_status(other_form_), .tag = kStatus});
    }

    Taken take(const Query&, Bytes frame, Queries&) override {
        const std::size_t cells = frame[kCellCount];
        if (cells == 0 || cells > kMaxCells) {
            refuted_ = true;
            return Taken::foreign;
        }
        load(kFields, {frame}, battery_);
        ant::load_codes(frame[kChargeState], frame[kDischargeState], frame[kBalanceState], battery_);
        set_cells(battery_, words(frame.subspan(kCellsAt), {cells}));
        const auto state = battery_.balancing;
        set_balancing(battery_, wire::be32(frame, kBalanceMask));
        battery_.balancing = state;
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < kPlaces.size(); ++i) {
            if (const auto celsius = ant::celsius(sensor(frame, i))) {
                battery_.temperatures.push_back({kPlaces[i], celsius});
            }
        }
        if (battery_.capacity_ah == 0.0) {
            battery_.capacity_ah.reset();  // not set in this board
        } else if (*battery_.capacity_ah >= 1) {
            battery_.cycles = static_cast<std::uint32_t>(*battery_.discharged_ah / *battery_.capacity_ah);
        }
        battery_.manufacturer = "ANT";
        proven_ = true;
        return Taken::done;
    }

    void missed(const Query& query) override {
        if (query.tag == kStatus) {
            other_form_ = !other_form_;
            const bool proven = proven_;
            const auto maker = battery_.manufacturer;
            battery_ = {};
            battery_.manufacturer = maker;
            proven_ = proven;
        }
    }

    bool control(const Command& command, Queries& out) override {
        const auto address = command.control == Control::charge      ? kCharge
                             : command.control == Control::discharge ? kDischarge
                                                                     : kBalancer;
        // Writes are not answered: send, apply, look.
        out.push_back({.bytes = write(address, command.on()),
                       .tag = address,
                       .required = false,
                       .tries = 1,
                       .reply = 50ms});
        out.push_back(
            {.bytes = write(kApply, false), .tag = kApply, .required = false, .tries = 1, .reply = 50ms});
        out.push_back({.bytes = read_status(other_form_), .tag = kStatus, .pause = 300ms});
        return true;
    }

    [[nodiscard]] Proof proof() const override {
        return proven_ ? Proof::proven : refuted_ ? Proof::refuted : Proof::pending;
    }

  private:
    bool other_form_ = false;
    bool proven_ = false;
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t, const Options&) {
    return std::make_unique<AntOldSession>();
}
Query probe(std::uint8_t) {
    return {.bytes = read_status(false), .tag = kStatus};
}

constexpr auto kLines = std::to_array<Line>({{19200}, {9600}});
constexpr auto kControls = std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}});

}  // namespace
}  // namespace ant_old

extern const Family kAntOld;
constexpr Family kAntOld{
    .name = "ant_old",
    .title = "ANT (until 2020)",
    .lines = ant_old::kLines,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 20ms, .tries = 3},
    .detection = {.rank = 74, .window = 200ms},
    .controls = ant_old::kControls,
    .sight = ant_old::sight,
    .mismatch = ant_old::mismatch,
    .describe = ant_old::describe,
    .probe = ant_old::probe,
    .open = ant_old::open,
};

}  // namespace bms
