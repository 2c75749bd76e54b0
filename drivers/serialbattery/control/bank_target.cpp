// What the members of a bank allow together.
#include "serialbattery/control/bank.hpp"

#include <algorithm>
#include <functional>

namespace bms::control {
namespace {

/// How the current divides among the members: by 1/resistance when all are known, else by capacity, else evenly.
std::function<double(const MemberMemory&)> weights(std::span<const MemberMemory> members,
                                                   const Settings& settings) {
    const auto all = [members](double MemberMemory::*value) {
        return std::ranges::all_of(members, [value](const auto& m) { return !m.known || m.*value > 0; });
    };
    if (saturated(settings.bank_share_by) == 1 && all(&MemberMemory::resistance_ohm)) {
        return [](const MemberMemory& member) { return 1 / member.resistance_ohm; };
    }
    if (all(&MemberMemory::capacity_ah)) {
        return [](const MemberMemory& member) { return member.capacity_ah; };
    }
    return [](const MemberMemory&) { return 1.0; };
}

/// One direction of split_sums.
void split_sum(std::span<MemberMemory> members, std::optional<double> MemberMemory::*stated,
               LimitTarget MemberMemory::*limit) {
    for (auto& member : members) {
        if (!member.known || !member.live || !member.limits_are_sums || !(member.*stated)) {
            continue;
        }
        double left_a = *(member.*stated);
        for (const auto& other : members) {
            if (&other != &member && other.known && other.bus == member.bus) {
                left_a -= (other.*stated).value_or(0);
            }
        }
        left_a = std::max(0.0, left_a);
        if (left_a < (member.*limit).amps) {
            (member.*limit).amps = left_a;
            (member.*limit).limiters = limiter_bit(Limiter::bms_settings);
        }
    }
}

}  // namespace

void split_sums(std::span<MemberMemory> members) {
    split_sum(members, &MemberMemory::bms_charge_a, &MemberMemory::charge);
    split_sum(members, &MemberMemory::bms_discharge_a, &MemberMemory::discharge);
}

LimitTarget bank_target(std::span<const MemberMemory> members, Direction direction, const Settings& settings,
                        Millis now) {
    constexpr double kNoise = 1e-9;
    const bool charging = direction == Direction::charge;
    const auto weight_of = weights(members, settings);
    LimitTarget result;
    std::optional<double> lowest;  // amps per weight
    double carrying = 0;           // weight of those whose limits are known well enough
    bool blocked = false;
    bool reduced = false;
    for (const auto& member : members) {
        if (!member.known || (charging ? member.charge_fet_off : member.discharge_fet_off)) {
            continue;
        }
        const bool expired = !member.live && now - member.seen > member.safe_time;
        const LimitTarget& one = charging ? member.charge : member.discharge;
        const double ratio = one.amps / weight_of(member);
        if (!lowest || ratio < *lowest - kNoise) {
            lowest = ratio;
            result.limiters = 0;
        }
        if (ratio <= *lowest + kNoise) {
            result.limiters = static_cast<std::uint16_t>(result.limiters | one.limiters);
        }
        result.maximum_a += one.maximum_a;
        carrying += expired ? 0 : weight_of(member);
        blocked = blocked || (expired && member.blocks_when_lost);
        reduced = reduced || expired;
    }
    result.amps = blocked ? 0 : lowest.value_or(0) * carrying;
    if (reduced || !lowest) {
        result.limiters = limiter_bit(reduced ? Limiter::connection_lost : Limiter::fet_off);
    }
    const auto& most = charging ? settings.bank_max_charge_current_a : settings.bank_max_discharge_current_a;
    if (most && *most < result.amps) {
        result.amps = *most;
        result.limiters = limiter_bit(Limiter::user);
    }
    result.amps = round_to(std::max(0.0, result.amps), 3);
    result.bound_a = std::min(result.maximum_a, most.value_or(result.maximum_a));
    return result;
}

Settings bank_settings(std::span<const Settings* const> members) {
    if (members.empty()) {
        return {};
    }
    Settings merged = *members.front();
    for (const Settings* one : members) {
        merged.max_cell_v = std::min(merged.max_cell_v, one->max_cell_v);
        merged.float_cell_v = std::min(merged.float_cell_v, one->float_cell_v);
        merged.min_cell_v = std::max(merged.min_cell_v, one->min_cell_v);
        merged.soc_reset_cell_v = std::min(merged.soc_reset_cell_v, one->soc_reset_cell_v);
        merged.voltage_drop_v = std::min(merged.voltage_drop_v, one->voltage_drop_v);
        merged.bms_cable_alarm = merged.bms_cable_alarm || one->bms_cable_alarm;
    }
    merged.history = false;  // a bank keeps none
    merged.float_cell_v = std::min(std::max(merged.float_cell_v, merged.min_cell_v), merged.max_cell_v);
    merged.soc_reset_cell_v = std::max(merged.soc_reset_cell_v, merged.max_cell_v);
    return merged;
}

}  // namespace bms::control
