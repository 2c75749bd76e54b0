#include "givenergy/publication/controls.hpp"

#include "givenergy/control/plan_builder.hpp"
#include "givenergy/readout/payload.hpp"

#include <fmt/format.h>

namespace givenergy {

namespace {

using velib::row;
using Word = velib::Value;
namespace format = velib::format;

// How a written value becomes the payload of a function.

Word as_is(const Word& value) {
    if (value.text() != nullptr) {
        return value;
    }
    return Word(fmt::format("{}", value.integer().value_or(-1)));
}
Word mode_word(const Word& value) {
    static constexpr std::array<std::string_view, 4> kWords{"Eco", "Eco (Paused)", "Timed Demand",
                                                            "Timed Export"};
    const auto number = value.integer().value_or(-1);
    return number >= 0 && number < 4 ? Word(kWords[static_cast<std::size_t>(number)]) : Word("none");
}
Word pause_word(const Word& value) {
    static constexpr std::array<std::string_view, 4> kWords{"Disabled", "PauseCharge", "PauseDischarge",
                                                            "PauseBoth"};
    const auto number = value.integer().value_or(-1);
    return number >= 0 && number < 4 ? Word(kWords[static_cast<std::size_t>(number)]) : Word("none");
}
/// Functions that are begun by writing 1 take no payload.
Word no_word(const Word&) {
    return {};
}

using Needs = bool (*)(const Topology&);
bool battery_settings(const Topology& topology) {
    return live_bank(topology.model) != LiveBank::ems;
}
bool single_phase(const Topology& topology) {
    const LiveBank bank = live_bank(topology.model);
    return bank == LiveBank::single_phase || bank == LiveBank::gateway;
}
bool pause_registers(const Topology& topology) {
    return capabilities(topology.model, topology.arm_firmware).pause_registers;
}
bool always(const Topology&) {
    return true;
}

struct ControlRow {
    ViewRow row;
    std::string_view function;
    Word (*word)(const Word&);
    double lowest, highest;
    Needs needs;
};

int nothing_yet(const View&) {
    return 0;
}
std::string_view no_command(const View&) {
    return "";
}

constexpr double kMostW = 50000, kMinutes = 1439;
constexpr auto kControls = std::to_array<ControlRow>({
    {row<&View::mode>("/GivEnergy/Mode"), "setBatteryMode", mode_word, 0, 3, single_phase},
    {row<&View::charge_enable>("/GivEnergy/ChargeEnable"), "enableChargeSchedule", as_is, 0, 1,
     battery_settings},
    {row<&View::discharge_enable>("/GivEnergy/DischargeEnable"), "enableDischargeSchedule", as_is, 0, 1,
     battery_settings},
    {row<&View::charge_target>("/GivEnergy/ChargeTarget"), "setChargeTarget", as_is, 4, 100,
     battery_settings},
    {row<&View::reserve>("/GivEnergy/Reserve"), "setBatteryReserve", as_is, 4, 100, battery_settings},
    {row<&View::cutoff>("/GivEnergy/Cutoff"), "setBatteryCutoff", as_is, 4, 100, battery_settings},
    {row<&View::charge_rate_w>("/GivEnergy/ChargeRate"), "setChargeRate", as_is, 0, kMostW, battery_settings},
    {row<&View::discharge_rate_w>("/GivEnergy/DischargeRate"), "setDischargeRate", as_is, 0, kMostW,
     battery_settings},
    {row<&View::pause_mode>("/GivEnergy/PauseMode"), "setBatteryPauseMode", pause_word, 0, 3,
     pause_registers},
    {row<&View::pause_start>("/GivEnergy/PauseStart"), "setPauseStart", as_is, 0, 0, pause_registers},
    {row<&View::pause_end>("/GivEnergy/PauseEnd"), "setPauseEnd", as_is, 0, 0, pause_registers},
    {row<&View::force_charge_minutes>("/GivEnergy/ForceCharge"), "forceCharge", as_is, 0, kMinutes,
     battery_settings},
    {row<&View::force_export_minutes>("/GivEnergy/ForceExport"), "forceExport", as_is, 0, kMinutes,
     battery_settings},
    {row<&View::pause_charge_minutes>("/GivEnergy/PauseCharge"), "tempPauseCharge", as_is, 0, kMinutes,
     battery_settings},
    {row<&View::pause_discharge_minutes>("/GivEnergy/PauseDischarge"), "tempPauseDischarge", as_is, 0,
     kMinutes, battery_settings},
    {row<&View::active_power_rate>("/GivEnergy/ActivePowerRate"), "setActivePowerRate", as_is, 0, 100,
     battery_settings},
    {row<nothing_yet>("/GivEnergy/Clock/Sync"), "syncDateTime", no_word, 0, 1, battery_settings},
    {row<nothing_yet>("/GivEnergy/Reboot"), "rebootInverter", no_word, 0, 1, battery_settings},
    {row<no_command>("/GivEnergy/Command"), "", as_is, 0, 0, always},
});

constexpr std::string_view kChargeSlots = "/GivEnergy/ChargeSlot/",
                           kDischargeSlots = "/GivEnergy/DischargeSlot/";

/// "setChargeTarget {...}" as one text: any function there is, for scripts.
std::pair<std::string, std::string_view> split_command(std::string_view text) {
    const auto blank = text.find(' ');
    return {std::string{text.substr(0, blank)},
            blank == std::string_view::npos ? std::string_view{} : text.substr(blank + 1)};
}

}  // namespace

velib::WriteHandler ControlItems::handler(std::string function, Word (*word)(const Word&)) const {
    return [submit = submit_, function = std::move(function), word](const Word& written) {
        Arguments arguments;
        std::string name = function;
        if (name.empty()) {
            const std::string* text = written.text();
            const auto [command, payload] = split_command(text != nullptr ? *text : std::string_view{});
            const auto parsed = arguments_of_message(payload);
            if (!parsed) {
                return velib::WriteReply::refuse;
            }
            name = command;
            arguments = *parsed;
        } else if (const Word payload = word(written); payload.text() != nullptr) {
            arguments[""] = *payload.text();
        } else if (written.integer() != 1) {
            return velib::WriteReply::refuse;
        }
        return submit(name, std::move(arguments)) ? velib::WriteReply::pending : velib::WriteReply::refuse;
    };
}

ControlItems::ControlItems(velib::ItemTree& tree, const Topology& topology, const Consent& consent,
                           Submit submit)
    : submit_(std::move(submit)) {
    add_table(tree, topology);
    add_slots(tree, topology, consent, true);
    add_slots(tree, topology, consent, false);
}

void ControlItems::add_table(velib::ItemTree& tree, const Topology& topology) {
    for (const ControlRow& control : kControls) {
        if (!control.needs(topology)) {
            continue;
        }
        velib::Item& item = tree.add(std::string{control.row.path}, {control.row.type, control.row.format});
        if (control.highest > 0) {
            item.set_limits(control.lowest, control.highest);
        }
        item.set_write_handler(handler(std::string{control.function}, control.word));
        rows_.emplace_back(&control.row, &item);
    }
}

void ControlItems::add_slots(velib::ItemTree& tree, const Topology& topology, const Consent& consent,
                             bool charge) {
    constexpr std::uint16_t kLegacySlotTwo = 31;
    if (!battery_settings(topology)) {
        return;
    }
    for (int number = 1; number <= 10; ++number) {
        const auto reg = charge ? charge_slot_register(topology.model, topology.arm_firmware, number)
                                : discharge_slot_register(topology.model, topology.arm_firmware, number);
        if (reg == 0 || (reg == kLegacySlotTwo && !consent.charge_slot_2)) {
            continue;
        }
        const std::string root = fmt::format("{}{}/", charge ? kChargeSlots : kDischargeSlots, number);
        const std::string_view kind = charge ? "Charge" : "Discharge";
        Slot& slot = (charge ? charge_ : discharge_)[static_cast<std::size_t>(number - 1)];
        const auto add = [&](std::string_view what, velib::Type type, std::string_view function) {
            velib::Item& item = tree.add(root + std::string{what}, {type});
            item.set_write_handler(handler(fmt::format("set{}{}{}", kind, function, number), as_is));
            return &item;
        };
        slot.start = add("Start", velib::Type::text, "Start");
        slot.end = add("End", velib::Type::text, "End");
        const bool three_phase = live_bank(topology.model) == LiveBank::three_phase;
        if (capabilities(topology.model, topology.arm_firmware).ten_slots && !(three_phase && number < 3)) {
            slot.target = add("Target", velib::Type::integer, "Target");
            slot.target->set_limits(4, 100);
        }
    }
}

void ControlItems::publish(velib::Update& update, const View& view) {
    for (const auto& [row, item] : rows_) {
        row->publish(update, *item, view);
    }
    for (const bool charge : {true, false}) {
        const auto& slots = charge ? charge_ : discharge_;
        const auto& times = charge ? view.charge_slot : view.discharge_slot;
        const auto& targets = charge ? view.charge_slot_target : view.discharge_slot_target;
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (slots[i].start != nullptr) {
                update.set(*slots[i].start, times[i][0]);
                update.set(*slots[i].end, times[i][1]);
            }
            if (slots[i].target != nullptr) {
                update.set(*slots[i].target, targets[i]);
            }
        }
    }
}

void ControlItems::invalidate(velib::Update& update) {
    for (const auto& [row, item] : rows_) {
        update.invalidate(*item);
    }
    for (const auto& slots : {charge_, discharge_}) {
        for (const Slot& slot : slots) {
            for (velib::Item* item : {slot.start, slot.end, slot.target}) {
                if (item != nullptr) {
                    update.invalidate(*item);
                }
            }
        }
    }
}

}  // namespace givenergy
