#include "givenergy/protocol/topology.hpp"

#include "givenergy/protocol/holding_registers.hpp"
#include "givenergy/protocol/input_registers.hpp"
#include "givenergy/protocol/plant_registers.hpp"

#include <algorithm>
#include <numeric>

namespace givenergy {

namespace {

constexpr std::uint16_t kDevicePage = 60, kHvSystemCount = 5, kMeterCount = 30;

std::uint8_t address(int first, int index) {
    return static_cast<std::uint8_t>(first + index);
}

int whole(std::optional<double> value) {
    return value ? static_cast<int>(*value) : 0;
}

std::string two_part_firmware(std::uint16_t dsp, std::uint16_t arm) {
    return "D0." + std::to_string(dsp) + "-A0." + std::to_string(arm);
}

}  // namespace

int Topology::modules() const {
    return std::accumulate(stack_modules.begin(), stack_modules.end(), 0);
}

std::optional<Request> Detector::next() const {
    switch (step_) {
        case Step::identity:
            return Request{kInverterAddress, Function::read_holding, 0, kMaxRegisters};
        case Step::packs:
            return Request{address(kFirstBattery, index_), Function::read_input, kDevicePage, kMaxRegisters};
        case Step::lv_limits:
            return Request{kLvBcuAddress, Function::read_input, kDevicePage, kMaxRegisters};
        case Step::hv_system:
            return Request{kHvSystemAddress, Function::read_input, kDevicePage, kHvSystemCount};
        case Step::stacks:
            return Request{address(kFirstStack, index_), Function::read_input, kDevicePage, kMaxRegisters};
        case Step::firmware:
            return Request{kInverterAddress, Function::read_input,
                           static_cast<std::uint16_t>(found_.model == Model::gateway ? 1600 : 1300),
                           kMaxRegisters};
        case Step::meters:
            return Request{address(1, index_), Function::read_input, kDevicePage, kMeterCount};
        case Step::done:
            return std::nullopt;
    }
    return std::nullopt;
}

void Detector::identify(BankView bank) {
    constexpr std::uint16_t kModule2 = 2, kDsp = 19, kArm = 21;
    found_.dtc = bank[0];
    found_.arm_firmware = bank[kArm];
    found_.model = model_of(found_.dtc, found_.arm_firmware);
    static constexpr In<kHolding> kSerial{"serial"};
    found_.serial = text(*kSerial.row, bank);
    found_.firmware = two_part_firmware(bank[kDsp], found_.arm_firmware);
    const auto by_module = rated_w_of_hr2(bank[kModule2]);
    found_.rated_w = rated_w(found_.dtc) ? rated_w(found_.dtc) : by_module;
    after_identity();
}

void Detector::after_identity() {
    const Capabilities can = capabilities(found_.model, found_.arm_firmware);
    index_ = 0;
    if (!identified()) {
        step_ = Step::done;
    } else if (can.low_voltage_packs) {
        step_ = Step::packs;
    } else if (can.high_voltage_stack) {
        step_ = Step::hv_system;
    } else {
        after_batteries();
    }
}

void Detector::after_batteries() {
    const LiveBank bank = live_bank(found_.model);
    index_ = bank == LiveBank::three_phase || bank == LiveBank::gateway ? 0 : 1;
    step_ = index_ == 0 ? Step::firmware : Step::meters;
    index_ = 0;
}

void Detector::advance_meter() {
    if (++index_ == kMaxMeters) {
        step_ = Step::done;
    }
}

void Detector::answer(BankView bank) {
    static constexpr In<kBattery> kPackSerial{"serial"};
    static constexpr In<kHvSystem> kStacks{"bcu_count"};
    static constexpr In<kBcu> kModules{"modules"};
    static constexpr In<kThreePhase> kAc{"ac_dsp_fw"}, kDc{"dc_dsp_fw"}, kArm{"arm_fw"};
    const auto wanted = next();
    if (!wanted || bank.base != wanted->base || bank.values.size() != wanted->count) {
        no_answer();
        return;
    }
    switch (step_) {
        case Step::identity:
            identify(bank);
            break;
        case Step::packs:
            if (is_serial(text(*kPackSerial.row, bank)) && ++index_ < kMaxBatteries) {
                found_.batteries = index_;
            } else {
                found_.batteries = index_;
                step_ = Step::lv_limits;
            }
            break;
        case Step::lv_limits:
            found_.lv_bcu_page =
                std::ranges::any_of(bank.values.first(4), [](auto word) { return word != 0; });
            after_batteries();
            break;
        case Step::hv_system:
            stacks_ = std::min(whole(number(*kStacks.row, bank)), kMaxStacks);
            index_ = 0;
            step_ = Step::stacks;
            if (stacks_ == 0) {
                after_batteries();
            }
            break;
        case Step::stacks:
            found_.stack_modules.push_back(
                std::clamp(whole(number(*kModules.row, bank)), 0, kMaxModules - found_.modules()));
            if (++index_ == stacks_) {
                after_batteries();
            }
            break;
        case Step::firmware:
            found_.firmware = found_.model == Model::gateway
                                  ? software_version(bank.values.first<4>())
                                  : std::to_string(whole(number(*kAc.row, bank))) + "-"
                                        + std::to_string(whole(number(*kDc.row, bank))) + "-"
                                        + std::to_string(whole(number(*kArm.row, bank)));
            step_ = Step::meters;
            index_ = 0;
            break;
        case Step::meters:
            if (bank[kDevicePage] != 0) {
                found_.meters.push_back(index_ + 1);
            }
            advance_meter();
            break;
        case Step::done:
            break;
    }
}

void Detector::no_answer() {
    const bool same = !known_.serial.empty() && known_.serial == found_.serial;
    switch (step_) {
        case Step::identity:
            step_ = Step::done;
            break;
        case Step::packs:
            found_.batteries = same ? std::max(known_.batteries, index_) : index_;
            step_ = Step::lv_limits;
            break;
        case Step::lv_limits:
            found_.lv_bcu_page = same && known_.lv_bcu_page;
            after_batteries();
            break;
        case Step::hv_system:
            found_.stack_modules = same ? known_.stack_modules : std::vector<int>{};
            after_batteries();
            break;
        case Step::stacks:
            found_.stack_modules = same ? known_.stack_modules : found_.stack_modules;
            after_batteries();
            break;
        case Step::firmware:
            found_.firmware = same ? known_.firmware : found_.firmware;
            step_ = Step::meters;
            index_ = 0;
            break;
        case Step::meters:
            if (same && std::ranges::find(known_.meters, index_ + 1) != known_.meters.end()) {
                found_.meters.push_back(index_ + 1);
            }
            advance_meter();
            break;
        case Step::done:
            break;
    }
}

}  // namespace givenergy
