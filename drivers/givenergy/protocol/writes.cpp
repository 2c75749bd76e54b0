#include "givenergy/protocol/writes.hpp"

#include <algorithm>

namespace givenergy {

namespace {

using Kind = WriteRule::Kind;
constexpr std::uint8_t set(WriteSet one) {
    return static_cast<std::uint8_t>(one);
}
constexpr std::uint8_t kBase = set(WriteSet::single_phase), kThree = set(WriteSet::three_phase);
constexpr std::uint8_t kSlot2 = set(WriteSet::charge_slot_2), kTen = set(WriteSet::ten_slots);
constexpr std::uint8_t kAc = set(WriteSet::ac_block), kPause = set(WriteSet::pause),
                       kEms = set(WriteSet::ems);
constexpr std::uint8_t kAll = kBase | kThree;
constexpr std::uint8_t kLate = kTen | kThree;  // slots 3 to 10

constexpr std::uint16_t kSocLow = 4, kSocHigh = 100, kLastMinute = 2359, kReboot = 100, kExportLimit = 22000;

// clang-format off
constexpr auto kRules = std::to_array<WriteRule>({
    // first, last, every, kind, lowest, highest, sets
    {20,   20,   1, Kind::number,  0, 1, kAll},                   // stop AC charging at the target
    {27,   27,   1, Kind::number,  0, 1, kAll},                   // eco or full power
    {29,   29,   1, Kind::number,  0, 1, kAll},                   // calibration: off, start
    {29,   29,   1, Kind::exactly, 3, 3, kAll},                   // calibration: charge only
    {31,   32,   1, Kind::time,    0, kLastMinute, kSlot2},
    {35,   35,   1, Kind::number,  0, 99, kAll},                  // clock: year, month, day, hour, minute, second
    {36,   36,   1, Kind::number,  1, 12, kAll},
    {37,   37,   1, Kind::number,  1, 31, kAll},
    {38,   38,   1, Kind::number,  0, 23, kAll},
    {39,   40,   1, Kind::number,  0, 59, kAll},
    {44,   45,   1, Kind::time,    0, kLastMinute, kBase},        // discharge slot 2
    {50,   50,   1, Kind::number,  0, 100, kAll},                 // active power rate
    {56,   57,   1, Kind::time,    0, kLastMinute, kBase},        // discharge slot 1
    {59,   59,   1, Kind::number,  0, 1, kBase},                  // timed discharge
    {94,   95,   1, Kind::time,    0, kLastMinute, kBase},        // charge slot 1
    {96,   96,   1, Kind::number,  0, 1, kBase},                  // timed charge
    {110,  110,  1, Kind::number,  kSocLow, kSocHigh, kBase},     // reserve
    {111,  112,  1, Kind::number,  0, 50, kBase},                 // charge and discharge rate, C/100
    {114,  114,  1, Kind::number,  kSocLow, kSocHigh, kAll},      // cut-off
    {116,  116,  1, Kind::number,  kSocLow, kSocHigh, kBase},     // charge target
    {163,  163,  1, Kind::exactly, kReboot, kReboot, kAll},       // anything else is a factory reset
    {166,  166,  1, Kind::number,  0, 1, kAll},                   // settings in RAM only
    {242,  242,  1, Kind::number,  kSocLow, kSocHigh, kTen},      // charge target of slot 1
    {243,  244,  1, Kind::time,    0, kLastMinute, kTen},         // charge slot 2
    {245,  245,  1, Kind::number,  kSocLow, kSocHigh, kTen},
    {246,  267,  3, Kind::time,    0, kLastMinute, kLate},        // charge slots 3 to 10: start,
    {247,  268,  3, Kind::time,    0, kLastMinute, kLate},        // end,
    {248,  269,  3, Kind::number,  kSocLow, kSocHigh, kLate},     // target
    {272,  275,  3, Kind::number,  kSocLow, kSocHigh, kTen},      // floors of discharge slots 1 and 2
    {276,  297,  3, Kind::time,    0, kLastMinute, kLate},        // discharge slots 3 to 10: start,
    {277,  298,  3, Kind::time,    0, kLastMinute, kLate},        // end,
    {278,  299,  3, Kind::number,  kSocLow, kSocHigh, kLate},     // floor
    {311,  311,  1, Kind::number,  0, 2, kAc},                    // export priority
    {313,  314,  1, Kind::number,  1, 100, kAc},                  // AC charge and discharge rate
    {317,  317,  1, Kind::number,  0, 1, kAc},                    // backup output
    {318,  318,  1, Kind::number,  0, 3, kPause},                 // pause mode
    {319,  320,  1, Kind::time,    0, kLastMinute, kPause},       // pause window
    {1078, 1078, 1, Kind::number,  kSocLow, kSocHigh, kThree},    // plant reserve
    {1108, 1108, 1, Kind::number,  1, 100, kThree},               // discharge rate
    {1109, 1109, 1, Kind::number,  kSocLow, kSocHigh, kThree},    // discharge stop
    {1110, 1110, 1, Kind::number,  1, 100, kThree},               // charge rate
    {1111, 1111, 1, Kind::number,  kSocLow, kSocHigh, kThree},    // charge stop
    {1112, 1112, 1, Kind::number,  0, 1, kThree},                 // AC charge
    {1113, 1116, 1, Kind::time,    0, kLastMinute, kThree},       // charge slots 1 and 2
    {1118, 1121, 1, Kind::time,    0, kLastMinute, kThree},       // discharge slots 1 and 2
    {1122, 1123, 1, Kind::number,  0, 1, kThree},                 // force discharge, force charge
    {2040, 2040, 1, Kind::number,  0, 1, kEms},                   // plant control
    {2044, 2068, 3, Kind::time,    0, kLastMinute, kEms},         // discharge, charge, export 1 to 3: start,
    {2045, 2069, 3, Kind::time,    0, kLastMinute, kEms},         // end,
    {2046, 2070, 3, Kind::number,  kSocLow, kSocHigh, kEms},      // state of charge
    {2071, 2071, 1, Kind::number,  0, kExportLimit, kEms},        // export limit, W
});
// clang-format on

/// No register the device must keep to itself may slip in: those that erase, reset, protect or calibrate.
constexpr bool keeps_off(std::uint16_t first, std::uint16_t last) {
    return std::ranges::none_of(
        kRules, [&](const WriteRule& rule) { return rule.first <= last && rule.last >= first; });
}
static_assert(keeps_off(60, 93) && keeps_off(97, 109) && keeps_off(113, 113) && keeps_off(115, 115));
static_assert(keeps_off(162, 162) && keeps_off(164, 165) && keeps_off(174, 174) && keeps_off(200, 201));
static_assert(keeps_off(300, 310) && keeps_off(315, 316) && keeps_off(321, 359) && keeps_off(499, 510));
static_assert(keeps_off(1000, 1076) && keeps_off(1117, 1117) && keeps_off(2072, 0xffff));

bool matches(const WriteRule& rule, std::uint16_t reg) {
    return reg >= rule.first && reg <= rule.last && (reg - rule.first) % rule.every == 0;
}

bool in_range(const WriteRule& rule, std::uint16_t value) {
    return value >= rule.lowest && value <= rule.highest
           && (rule.kind != Kind::time || minute_of_day(value).has_value());
}

std::string range_text(const WriteRule& rule) {
    if (rule.kind == Kind::exactly) {
        return "only " + std::to_string(rule.lowest);
    }
    if (rule.kind == Kind::time) {
        return "time 0000-2359";
    }
    return "range " + std::to_string(rule.lowest) + "-" + std::to_string(rule.highest);
}

std::uint8_t sets_of(Model model, std::uint16_t arm_firmware, const Consent& consent) {
    if (model == Model::unknown) {
        return consent.unknown_model ? kBase : std::uint8_t{0};
    }
    const Capabilities can = capabilities(model, arm_firmware);
    switch (live_bank(model)) {
        case LiveBank::ems:
            return kEms;
        case LiveBank::three_phase:
            return kThree;
        case LiveBank::gateway:
            return kBase;
        case LiveBank::single_phase:
            break;
    }
    return static_cast<std::uint8_t>(kBase | (can.ten_slots ? kTen : 0) | (can.ac_block ? kAc : 0)
                                     | (can.pause_registers ? kPause : 0)
                                     | (consent.charge_slot_2 && !can.ten_slots ? kSlot2 : 0));
}

}  // namespace

const std::span<const WriteRule> kWriteRules{kRules};

wire::Expected<ApprovedWrite, WriteRefusal> approve(Model model, std::uint16_t arm_firmware,
                                                    const Consent& consent, std::uint16_t reg,
                                                    std::uint16_t value) {
    const std::uint8_t sets = sets_of(model, arm_firmware, consent);
    const WriteRule* nearest = nullptr;
    for (const WriteRule& rule : kRules) {
        if ((rule.sets & sets) == 0 || !matches(rule, reg)) {
            continue;
        }
        if (in_range(rule, value)) {
            return ApprovedWrite{reg, value};
        }
        nearest = nearest == nullptr ? &rule : nearest;
    }
    if (nearest != nullptr) {
        return wire::Unexpected{WriteRefusal{WriteRefusal::Why::out_of_range, range_text(*nearest)}};
    }
    return wire::Unexpected{WriteRefusal{
        WriteRefusal::Why::not_allowed,
        "register " + std::to_string(reg) + " is not to be written on " + std::string{to_string(model)}}};
}

bool forbidden_everywhere(std::uint8_t address, std::uint16_t reg, std::uint16_t value) {
    return address != kInverterAddress || std::ranges::none_of(kRules, [&](const WriteRule& rule) {
               return matches(rule, reg) && in_range(rule, value);
           });
}

Buffer encode(const ApprovedWrite& write, std::string_view adapter) {
    return detail::encode_write(write.reg(), write.value(), adapter);
}

}  // namespace givenergy
