#include "givenergy/control/plan_builder.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace givenergy {

namespace {

constexpr int kRegisterMax = 0xffff;

std::string_view first_name(std::string_view keys) {
    return keys.substr(0, keys.find(','));
}

bool names(std::string_view keys, std::string_view name) {
    while (!keys.empty()) {
        if (first_name(keys) == name) {
            return true;
        }
        keys.remove_prefix(std::min(keys.size(), first_name(keys).size() + 1));
    }
    return false;
}

std::optional<int> whole(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

}  // namespace

PlanBuilder& PlanBuilder::write(int reg, int value) {
    if (error_) {
        return *this;
    }
    // What no register can hold is out of every range and gets the range as its answer.
    const bool fits = value >= 0 && value <= kRegisterMax;
    const auto approved =
        approve(context_->model, context_->arm_firmware, context_->consent, static_cast<std::uint16_t>(reg),
                static_cast<std::uint16_t>(fits ? value : kRegisterMax));
    if (approved) {
        writes_.push_back(*approved);
    } else {
        error_ = CommandError{approved.error().text, approved.error().why == WriteRefusal::Why::out_of_range};
    }
    return *this;
}

Plan PlanBuilder::done() const {
    return error_ ? Plan{wire::Unexpected{*error_}} : Plan{writes_};
}

Argument<std::string> call_text(const CommandCall& call, std::string_view key) {
    const std::string_view name = first_name(key);
    auto found = call.arguments.find(name);
    if (found == call.arguments.end()) {
        found = call.arguments.find("");
    }
    if (found == call.arguments.end()) {
        return wire::Unexpected{CommandError{std::string{name} + " is missing"}};
    }
    return found->second;
}

Argument<int> call_number(const CommandCall& call, std::string_view key) {
    const auto text = call_text(call, key);
    if (!text) {
        return wire::Unexpected{text.error()};
    }
    const auto value = whole(*text);
    if (!value) {
        return wire::Unexpected{
            CommandError{std::string{first_name(key)} + " is not a whole number: " + *text}};
    }
    return *value;
}

Argument<int> call_time(const CommandCall& call, std::string_view key) {
    const auto text = call_text(call, key);
    if (!text) {
        return wire::Unexpected{text.error()};
    }
    const auto time = parse_time(*text);
    if (!time) {
        return wire::Unexpected{
            CommandError{std::string{first_name(key)} + " is not a time 0000-2359: " + *text}};
    }
    return *time;
}

Argument<int> call_flag(const CommandCall& call, std::string_view key, std::optional<bool> standard) {
    if (standard && !call.arguments.contains(key) && !call.arguments.contains("")) {
        return *standard ? 1 : 0;
    }
    const auto text = call_text(call, key);
    if (!text) {
        return wire::Unexpected{text.error()};
    }
    static constexpr std::array<std::string_view, 5> kOn{"enable", "true", "True", "1", "on"};
    static constexpr std::array<std::string_view, 5> kOff{"disable", "false", "False", "0", "off"};
    if (std::ranges::find(kOn, std::string_view{*text}) != kOn.end()) {
        return 1;
    }
    if (std::ranges::find(kOff, std::string_view{*text}) != kOff.end()) {
        return 0;
    }
    return wire::Unexpected{
        CommandError{std::string{first_name(key)} + " is neither enable nor disable: " + *text}};
}

Plan number_command(const CommandCall& call, std::string_view key, std::uint16_t reg) {
    const auto value = call_number(call, key);
    return value ? PlanBuilder{call.context}.write(reg, *value).done()
                 : Plan{wire::Unexpected{value.error()}};
}

Plan time_command(const CommandCall& call, std::string_view key, std::uint16_t reg) {
    const auto value = call_time(call, key);
    return value ? PlanBuilder{call.context}.write(reg, *value).done()
                 : Plan{wire::Unexpected{value.error()}};
}

Plan flag_command(const CommandCall& call, std::uint16_t reg) {
    const auto value = call_flag(call);
    return value ? PlanBuilder{call.context}.write(reg, *value).done()
                 : Plan{wire::Unexpected{value.error()}};
}

std::optional<CommandError> check_names(const Command& command, int slot, const Arguments& arguments) {
    for (const auto& [name, value] : arguments) {
        const bool bare = name.empty() && !command.keys.empty();
        const bool same_slot = name == "slot" && slot > 0 && value == std::to_string(slot);
        if (!bare && !same_slot && !names(command.keys, name)) {
            return CommandError{command.keys.empty()
                                    ? std::string{"takes no payload"}
                                    : name + " is not known here; it takes " + std::string{command.keys}};
        }
    }
    return std::nullopt;
}

std::optional<std::uint16_t> parse_time(std::string_view text) {
    const bool colon =
        (text.size() == 5 || text.size() == 8) && text[2] == ':' && (text.size() == 5 || text[5] == ':');
    if (!colon && text.size() != 4) {
        return std::nullopt;
    }
    const auto hour = whole(text.substr(0, 2)), minute = whole(text.substr(colon ? 3 : 2, 2));
    if (!hour || !minute || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59) {
        return std::nullopt;
    }
    return hhmm(*hour * 60 + *minute);
}

WallClock parse_date_time(std::string_view text) {
    static constexpr std::string_view kShape = "dd/mm/yyyy hh:mm:ss";
    if (text.size() != kShape.size() || text[2] != '/' || text[5] != '/' || text[10] != ' ' || text[13] != ':'
        || text[16] != ':') {
        return {};
    }
    const auto part = [&](std::size_t at, std::size_t size) {
        return whole(text.substr(at, size)).value_or(-1);
    };
    return {part(6, 4), part(3, 2), part(0, 2), part(11, 2), part(14, 2), part(17, 2)};
}

}  // namespace givenergy
