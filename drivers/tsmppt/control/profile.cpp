#include "tsmppt/control/profile.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace tristar {

namespace {

using wire::Unexpected;

constexpr std::size_t kLongestName = 32;
constexpr std::string_view kFallback = "Custom";
static_assert(std::any_of(kProfiles.begin(), kProfiles.end(),
                          [](const NamedProfile& profile) { return profile.name == kFallback; }));

std::string lower_case(std::string_view text) {
    std::string lower{text};
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

std::optional<double> current_value(const SetPoints& points, std::uint16_t address) {
    for (const auto& row : kEeprom) {
        if (row.address != address) {
            continue;
        }
        if (const auto* number = std::get_if<Register<SetPoints>::Number>(&row.member)) {
            return points.**number;
        }
        const auto& word = points.*std::get<Register<SetPoints>::Word>(row.member);
        return word ? std::optional{static_cast<double>(*word)} : std::nullopt;
    }
    return std::nullopt;
}

std::optional<ProfileFault> check(const Profile& profile, double twelves, const SetPoints& current,
                                  const Charger& charger) {
    if (!charger.dip_switches || !has(*charger.dip_switches, DipBit::program_a)
        || !has(*charger.dip_switches, DipBit::program_b) || !has(*charger.dip_switches, DipBit::program_c)) {
        return ProfileFault::not_custom;
    }
    if (!has(*charger.dip_switches, DipBit::remote_writes)) {
        return ProfileFault::writes_refused;
    }
    if (profile.float_volts >= profile.absorption_volts) {
        return ProfileFault::float_above_absorption;
    }
    if (profile.float_volts > 0 && profile.float_cancel_volts >= profile.float_volts) {
        return ProfileFault::cancel_above_float;
    }
    const double limit = current.limit_volts.value_or(0) * twelves;
    if (limit > 0 && profile.absorption_volts >= limit) {
        return ProfileFault::above_limit;
    }
    return std::nullopt;
}

}  // namespace

Profile starting_profile(std::string_view name, int system_volts) {
    const auto called = [](std::string_view wanted) {
        return std::find_if(kProfiles.begin(), kProfiles.end(), [&](const NamedProfile& candidate) {
            return lower_case(candidate.name) == lower_case(wanted);
        });
    };
    const auto* found = called(name);
    Profile profile = (found != kProfiles.end() ? found : called(kFallback))->per_12v;
    for (const auto& field : kProfileFields) {
        if (field.is_voltage) {
            profile.*field.member *= system_volts / 12.0;
        }
    }
    return profile;
}

ProfileNames profile_names(std::string_view list) {
    ProfileNames names;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto name = trimmed(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        const bool known = std::ranges::any_of(
            names.usable, [&](const std::string& other) { return lower_case(other) == lower_case(name); });
        if (!is_name(name)) {
            if (!name.empty()) {
                names.refused.emplace_back(name);
            }
        } else if (!known) {
            names.usable.emplace_back(name);
        }
    }
    return names;
}

std::string_view describe(ProfileFault fault) {
    switch (fault) {
        case ProfileFault::unknown_system:
            return "the system voltage is not known: set DIP switches 2 and 3, or wait for absorption";
        case ProfileFault::voltage_out_of_range:
            return "a voltage is out of range for this system";
        case ProfileFault::time_out_of_range:
            return "the absorption time is out of range";
        case ProfileFault::float_above_absorption:
            return "the float voltage must be below the absorption voltage";
        case ProfileFault::cancel_above_float:
            return "the float cancel voltage must be below the float voltage";
        case ProfileFault::above_limit:
            return "the absorption voltage must be below the controller's voltage limit";
        case ProfileFault::not_custom:
            return "the custom battery program is not selected: DIP switches 4, 5 and 6 must be ON";
        case ProfileFault::writes_refused:
            break;
    }
    return "the controller refuses writes: DIP switch 8 must be ON";
}

wire::Expected<std::vector<SetPointWrite>, ProfileFault> plan_profile(const Profile& profile,
                                                                      std::optional<int> system_volts,
                                                                      const SetPoints& current,
                                                                      const Charger& charger) {
    if (!system_volts || !charger.volts_per_unit) {
        return Unexpected{ProfileFault::unknown_system};
    }
    const double twelves = *system_volts / 12.0;
    if (const auto fault = check(profile, twelves, current, charger)) {
        return Unexpected{*fault};
    }
    std::vector<SetPointWrite> writes;
    for (const auto& field : kProfileFields) {
        const double value = profile.*field.member / (field.is_voltage ? twelves : 1.0);
        const auto word = encode_set_point(field.address, value, *charger.volts_per_unit);
        if (!word) {
            return Unexpected{field.is_voltage ? ProfileFault::voltage_out_of_range
                                               : ProfileFault::time_out_of_range};
        }
        const auto now = current_value(current, field.address);
        const auto word_now = now ? encode_set_point(field.address, *now, *charger.volts_per_unit)
                                  : wire::Expected<std::uint16_t, CommandFault>{Unexpected{CommandFault{}}};
        if (!word_now || *word_now != *word) {
            writes.push_back({field.address, value, *word});
        }
    }
    std::ranges::sort(writes, {}, &SetPointWrite::value);
    return writes;
}

}  // namespace tristar
