#include "givenergy/protocol/models.hpp"

#include "givenergy/protocol/input_registers.hpp"

#include <algorithm>

namespace givenergy {

namespace {

constexpr std::uint16_t kTenSlotsOfGen3 = 302;  // ARM firmware above it has the slots
constexpr std::uint16_t kPauseOfGen3 = 312;     // ARM firmware from it on answers HR318-320

struct Rating {
    std::uint16_t dtc;
    int watts;
};
constexpr auto kRatings = std::to_array<Rating>({
    {0x3001, 3000},  {0x3002, 3600},  {0x4001, 6000},  {0x4002, 8000},  {0x4003, 10000}, {0x4004, 11000},
    {0x4005, 15000}, {0x4006, 20000}, {0x4007, 5000},  {0x4101, 30000}, {0x4103, 50000}, {0x6001, 6000},
    {0x6002, 8000},  {0x6003, 10000}, {0x6004, 11000}, {0x6005, 15000}, {0x6006, 20000}, {0x8001, 6000},
    {0x8002, 3600},  {0x8003, 5000},  {0x8101, 6000},  {0x8102, 8000},  {0x8103, 10000}, {0x8201, 6000},
    {0x8202, 8000},  {0x8203, 10000}, {0x8204, 12000}, {0x8205, 11000}, {0x8301, 3600},  {0x8302, 4600},
    {0x8303, 5000},  {0x8304, 6000},
});
constexpr std::array<int, 6> kHybridRatings{5000, 4600, 3600, 6000, 7000, 8000};  // 20xx to 25xx: 01 to 06

constexpr auto kBatteryLimits = std::to_array<Rating>({
    {0x2201, 5400},
    {0x3001, 3000},
    {0x3002, 3000},
    {0x8001, 6000},
    {0x8002, 3600},
    {0x8003, 5000},
    {0x8102, 8000},
    {0x8103, 10000},
});

template <std::size_t size>
std::optional<int> lookup(const std::array<Rating, size>& ratings, std::uint16_t dtc) {
    const auto row = std::ranges::find(ratings, dtc, &Rating::dtc);
    return row == ratings.end() ? std::nullopt : std::optional{row->watts};
}

Model hybrid_generation(std::uint16_t arm_firmware) {
    const int century = arm_firmware / 100;
    if (century == 3) {
        return Model::hybrid_gen3;
    }
    return century == 8 || century == 9 ? Model::hybrid_gen2 : Model::hybrid_gen1;
}

}  // namespace

Model model_of(std::uint16_t dtc, std::uint16_t arm_firmware) {
    const auto high = static_cast<std::uint8_t>(dtc >> 8);
    if (high == 0x20) {
        return hybrid_generation(arm_firmware);
    }
    const auto row = std::ranges::find(kModels, high, &ModelInfo::dtc_high);
    return row == kModels.end() ? Model::unknown : row->model;
}

Model model_named(std::string_view name) {
    const auto row = std::ranges::find(kModels, name, &ModelInfo::name);
    return row == kModels.end() ? Model::unknown : row->model;
}

const ModelInfo* info(Model model) {
    const auto row = std::ranges::find(kModels, model, &ModelInfo::model);
    return row == kModels.end() ? nullptr : &*row;
}

std::string_view to_string(Model model) {
    const ModelInfo* row = info(model);
    return row == nullptr ? std::string_view{"UNKNOWN"} : row->name;
}

LiveBank live_bank(Model model) {
    const ModelInfo* row = info(model);
    return row == nullptr ? LiveBank::single_phase : row->bank;
}

std::optional<int> rated_w(std::uint16_t dtc) {
    const unsigned high = dtc >> 8, low = dtc & 0xff;
    if (high >= 0x20 && high <= 0x25) {
        return low >= 1 && low <= kHybridRatings.size() ? std::optional{kHybridRatings[low - 1]}
                                                        : std::nullopt;
    }
    return lookup(kRatings, dtc);
}

std::optional<int> rated_w_of_hr2(std::uint16_t hr2) {
    const int watts = (hr2 & 0xff) * 100;
    return watts == 0 ? std::nullopt : std::optional{watts};
}

std::optional<int> battery_limit_w(std::uint16_t dtc, std::uint16_t arm_firmware) {
    if (dtc >> 8 == 0x20) {
        return hybrid_generation(arm_firmware) == Model::hybrid_gen1 ? 2600 : 3600;
    }
    const auto limit = lookup(kBatteryLimits, dtc);
    return limit ? limit : rated_w(dtc);
}

std::optional<double> nominal_battery_v(Model model) {
    switch (model) {
        case Model::all_in_one:
        case Model::hybrid_hv_gen3:
            return 307.0;
        case Model::unknown:
        case Model::ems:
        case Model::ems_commercial:
        case Model::gateway:
        case Model::pv_only:
            return std::nullopt;
        default:
            return live_bank(model) == LiveBank::three_phase ? std::nullopt : std::optional{51.2};
    }
}

Capabilities capabilities(Model model, std::uint16_t arm_firmware) {
    const ModelInfo* row = info(model);
    if (row == nullptr) {
        return {};
    }
    Capabilities can;
    const bool single = row->bank == LiveBank::single_phase;
    const bool three = row->bank == LiveBank::three_phase;
    can.low_voltage_packs = single && row->hv_battery == false && model != Model::pv_only;
    can.high_voltage_stack = row->hv_battery.value_or(three);
    can.ten_slots = (model == Model::hybrid_gen3 && arm_firmware > kTenSlotsOfGen3) || three
                    || model == Model::hybrid_gen4 || model == Model::all_in_one
                    || model == Model::hybrid_hv_gen3;
    can.ac_block = model == Model::ac || model == Model::ac_3ph || model == Model::all_in_one;
    can.pause_registers = can.ac_block || (model == Model::hybrid_gen3 && arm_firmware >= kPauseOfGen3);
    can.metered_pv = model == Model::ac || model == Model::all_in_one;
    can.pv_strings = !can.metered_pv && model != Model::ac_3ph && (single || three);
    can.settings_60 = row->bank != LiveBank::ems;
    return can;
}

bool ignores_bank(Model model, std::uint16_t base) {
    if (model == Model::unknown) {
        return false;
    }
    const LiveBank bank = live_bank(model);
    if (base < 60) {
        return bank == LiveBank::three_phase || bank == LiveBank::gateway;
    }
    return base >= 1000 && base < 1600 && bank != LiveBank::three_phase;
}

Table meter_table(Model model) {
    if (model == Model::unknown) {
        return kMeter;
    }
    switch (live_bank(model)) {
        case LiveBank::three_phase:
            return kMeterThreePhase;
        case LiveBank::gateway:
            return kMeterGateway;
        case LiveBank::ems:
            return kMeterEms;
        default:
            return kMeterHybrid;
    }
}

}  // namespace givenergy
