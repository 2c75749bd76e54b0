#include "givenergy/protocol/sanity.hpp"

#include <algorithm>
#include <cmath>

namespace givenergy {

namespace {

struct Fingerprint {
    std::uint8_t index;
    std::uint16_t value;
    std::uint16_t alternative;
};
// An Ethernet and TCP header that some adapters return instead of registers.
constexpr auto kMemory = std::to_array<Fingerprint>({
    {28, 0x4c32, 0x4c32},
    {30, 0xa119, 0xa119},
    {31, 0x34ea, 0x34ea},
    {32, 0xe77f, 0xe77f},
    {33, 0xd475, 0xd475},
    {35, 0x4500, 0x4500},
    {40, 0xe4f9, 0xb619},
    {41, 0xc0a8, 0xc0a8},
    {43, 0xc0a8, 0xc0a8},
    {46, 0xc5e9, 0xc5e9},
    {50, 0x60ef, 0x503c},
    {51, 0x8018, 0x8018},
    {52, 0x43e0, 0x43e0},
    {53, 0xf6ce, 0xf6ce},
    {56, 0x080a, 0x080a},
    {58, 0xfcc1, 0xfcc1},
    {59, 0x661e, 0x661e},
});
constexpr int kMemoryMatches = 5;
constexpr int kHighWords = 10;
constexpr std::uint16_t kHighWord = 0xe000;

constexpr int kBelieved = 3;  // times in a row
constexpr std::chrono::seconds kYoung{300};
constexpr double kCapacityMargin = 1.1, kColdC = 5.0;
constexpr double kCounterTolerance = 0.15, kRiseMargin = 1.0, kWrapFrom = 6000.0, kWrapTo = 500.0;
constexpr double kMaxPowerSinglePhase = 50.0, kMaxPowerPlant = 100.0;  // kW, PV and grid together

struct Jump {
    std::string_view name;
    double most;
};
constexpr auto kBatteryJumps = std::to_array<Jump>({
    {"soc", 10},
    {"t_cells_1", 5},
    {"t_cells_2", 5},
    {"t_cells_3", 5},
    {"t_cells_4", 5},
    {"t_max", 5},
    {"t_min", 5},
    {"t_mosfet", 20},
    {"v_out", 4},
    {"cap_remaining", 15},
    {"cap_full", 15},
    {"cap_design", 15},
});
constexpr double kCellJump = 0.3;
constexpr std::array<std::string_view, 4> kCellTemperatures{"t_cells_1", "t_cells_2", "t_cells_3",
                                                            "t_cells_4"};

bool all_zero(BankView bank) {
    return std::ranges::all_of(bank.values, [](auto word) { return word == 0; });
}

bool looks_like_memory(const Request& request, BankView bank) {
    if (bank.values.size() == kMaxRegisters) {
        const auto matches = std::ranges::count_if(kMemory, [&](const Fingerprint& mark) {
            const auto word = bank.values[mark.index];
            return word == mark.value || word == mark.alternative;
        });
        if (matches > kMemoryMatches) {
            return true;
        }
    }
    const bool live = request.function == Function::read_input && bank.base == 0;
    return live
           && std::ranges::count_if(bank.values, [](auto word) { return word >= kHighWord; }) >= kHighWords;
}

bool had_values(const NamedValues& previous) {
    return std::ranges::any_of(previous.entries, [](const NamedValue& entry) {
        if (const double* number = std::get_if<double>(&entry.second)) {
            return *number != 0;
        }
        const std::string* text = std::get_if<std::string>(&entry.second);
        return text != nullptr && text->find_first_not_of('0') != std::string::npos;
    });
}

bool changed(const NamedValues& values, const NamedValues& previous, std::string_view name) {
    const auto now = values.number(name), before = previous.number(name);
    return now && before && *now != *before;
}

bool jumped(const NamedValues& values, const NamedValues& previous, std::string_view name, double most) {
    const auto now = values.number(name), before = previous.number(name);
    // Half a count of the finest scale, so that a step of exactly `most` is no jump.
    return now && before && std::abs(*now - *before) > most + 0.0005;
}

bool battery_was_cold(const NamedValues* previous) {
    return previous != nullptr && std::ranges::any_of(kCellTemperatures, [&](std::string_view name) {
               const auto celsius = previous->number(name);
               return celsius && *celsius < kColdC;
           });
}

std::optional<Suspicion> suspect_present_battery(const NamedValues& values, const NamedValues* previous) {
    const double most =
        std::max(values.number("cap_full").value_or(0), values.number("cap_design").value_or(0));
    if (values.number("cap_remaining").value_or(0) > kCapacityMargin * most) {
        return Suspicion::capacity;
    }
    const auto frozen = std::ranges::count_if(
        kCellTemperatures, [&](std::string_view name) { return values.number(name) == 0.0; });
    if (frozen >= 2 && !battery_was_cold(previous)) {
        return Suspicion::temperatures;
    }
    return std::nullopt;
}

std::optional<Suspicion> suspect_battery(const NamedValues& values, const NamedValues* previous) {
    const bool equipped = values.number("bms_fw").value_or(0) != 0
                          || values.number("cap_full").value_or(0) != 0
                          || values.number("cap_design").value_or(0) != 0;
    const bool no_cells = std::ranges::none_of(values.entries, [](const NamedValue& entry) {
        const double* volts = std::get_if<double>(&entry.second);
        return entry.first.starts_with("v_cell_") && volts != nullptr && *volts != 0;
    });
    if (equipped && no_cells) {
        return Suspicion::cells;
    }
    // An empty slot repeats the counters of the plant and has nothing else to say.
    if (is_serial(values.text("serial")) || equipped) {
        if (const auto why = suspect_present_battery(values, previous)) {
            return why;
        }
    }
    if (previous == nullptr || !is_serial(previous->text("serial"))) {
        return std::nullopt;
    }
    if (values.text("serial") != previous->text("serial") || changed(values, *previous, "bms_fw")
        || changed(values, *previous, "cells")) {
        return Suspicion::identity;
    }
    const bool cell_jumped = std::ranges::any_of(values.entries, [&](const NamedValue& entry) {
        return entry.first.starts_with("v_cell_") && jumped(values, *previous, entry.first, kCellJump);
    });
    const bool other_jumped = std::ranges::any_of(
        kBatteryJumps, [&](const Jump& jump) { return jumped(values, *previous, jump.name, jump.most); });
    return cell_jumped || other_jumped ? std::optional{Suspicion::jump} : std::nullopt;
}

bool counter_runs_wild(const NamedValue& entry, const Circumstances& circumstances, const Row& row) {
    const double* now = std::get_if<double>(&entry.second);
    const auto before = circumstances.previous->number(entry.first);
    if (now == nullptr || !before) {
        return false;
    }
    const bool today = entry.first.find("_today") != std::string_view::npos;
    if (*now < *before - (today ? kCounterTolerance : 0)) {
        const bool wrapped = !today && row.words() == 1 && *before > kWrapFrom && *now < kWrapTo;
        // The counter of the second string may fall to 0 after sunset.
        const bool restarted =
            today && (circumstances.near_midnight || (row.name == "e_pv2_today" && *now == 0));
        return !wrapped && !restarted;
    }
    const bool plant = live_bank(circumstances.model) != LiveBank::single_phase;
    const double most_kw = plant ? kMaxPowerPlant : kMaxPowerSinglePhase;
    return *now - *before > circumstances.elapsed_s / 3600.0 * most_kw + kRiseMargin;
}

bool counters_run_wild(const Request& request, const NamedValues& values,
                       const Circumstances& circumstances) {
    const Table table = table_of(request.address, request.function, request.base, circumstances.model);
    return std::ranges::any_of(values.entries, [&](const NamedValue& entry) {
        const auto row = std::ranges::find(table, entry.first, &Row::name);
        // IR29 and IR23 stand at constants on some models and mean nothing.
        return row != table.end() && row->unit == Unit::kWh && entry.first != "e_discharge_year"
               && entry.first != "e_diverter" && counter_runs_wild(entry, circumstances, *row);
    });
}

}  // namespace

std::string_view to_string(Suspicion suspicion) {
    static constexpr std::array<std::string_view, 8> kNames{"adapter memory instead of registers",
                                                            "all zero",
                                                            "more capacity left than there is",
                                                            "another device than before",
                                                            "no cell voltages",
                                                            "several temperatures exactly zero",
                                                            "a value jumped",
                                                            "an energy counter ran backwards or too fast"};
    return kNames[static_cast<std::size_t>(suspicion)];
}

std::optional<Suspicion> suspect(const Request& request, BankView bank, const NamedValues& values,
                                 const Circumstances& circumstances) {
    const NamedValues* previous = circumstances.previous;
    if (looks_like_memory(request, bank)) {
        return Suspicion::memory;
    }
    if (previous != nullptr && all_zero(bank) && had_values(*previous)) {
        return Suspicion::dropout;
    }
    const bool settings = request.function == Function::read_holding;
    if (settings && bank.covers(0) && bank[0] == 0) {
        return Suspicion::identity;
    }
    if (settings && previous != nullptr && bank.base == 0 && !previous->text("serial").empty()
        && values.find("serial") != nullptr && values.text("serial") != previous->text("serial")) {
        return Suspicion::identity;
    }
    if (!settings && device_at(request.address) == Device::battery && bank.base == 60) {
        return suspect_battery(values, previous);
    }
    if (previous != nullptr && counters_run_wild(request, values, circumstances)) {
        return Suspicion::counter;
    }
    return std::nullopt;
}

bool Gatekeeper::insists(Memory& memory, Suspicion why, const std::vector<std::uint16_t>& values) const {
    const bool same_kind = why == Suspicion::identity ? memory.refused == values : !memory.refused.empty();
    memory.refusals = same_kind ? memory.refusals + 1 : 1;
    memory.refused = values;
    // Memory of the adapter stays what it is; everything else may turn out to be the truth.
    return why != Suspicion::memory && memory.refusals >= kBelieved;
}

std::optional<Suspicion> Gatekeeper::admit(const Request& request, std::vector<std::uint16_t>& values,
                                           Clock::time_point now, bool near_midnight, bool calibrating) {
    constexpr std::uint16_t kSocRegister = 59, kPowerRegister = 52, kNotAvailable = 0xffff;
    const BankView bank{request.base, values};
    Memory& memory = memory_[request];
    const bool young = memory.accepted && now - memory.at < kYoung;
    NamedValues named = name_values(request.address, request.function, bank, model_);
    const Circumstances circumstances{model_, young ? &memory.values : nullptr,
                                      std::chrono::duration<double>(now - memory.at).count(), near_midnight};
    const auto why = suspect(request, bank, named, circumstances);
    if (why && !insists(memory, *why, values)) {
        return why;
    }
    const bool live = request.function == Function::read_input && request.address == kInverterAddress;
    if (live && bank.base == 0 && bank.covers(kSocRegister) && bank[kSocRegister] == 0 && !calibrating
        && bank[kPowerRegister] != 0) {
        const auto before = young ? memory.values.number("soc") : std::nullopt;
        values[kSocRegister] = before ? static_cast<std::uint16_t>(*before) : kNotAvailable;
        named = name_values(request.address, request.function, BankView{request.base, values}, model_);
    }
    memory = Memory{std::move(named), now, true, {}, 0};
    return std::nullopt;
}

}  // namespace givenergy
