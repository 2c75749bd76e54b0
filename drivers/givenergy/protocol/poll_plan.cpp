#include "givenergy/protocol/poll_plan.hpp"

namespace givenergy {

namespace {

constexpr int kFailuresUntilRest = 3;

Request input(int address, std::uint16_t base, std::uint16_t count = kMaxRegisters) {
    return {static_cast<std::uint8_t>(address), Function::read_input, base, count};
}

Request settings(std::uint16_t base, std::uint16_t count = kMaxRegisters) {
    return {kInverterAddress, Function::read_holding, base, count};
}

bool due(unsigned cycle, unsigned every, unsigned phase = 0) {
    return cycle % every == phase;
}

void add_stacks(std::vector<Request>& requests, const Topology& topology, unsigned cycle, bool every_cycle) {
    const auto stacks = static_cast<int>(topology.stack_modules.size());
    const int modules = topology.modules();
    // Three-phase units with many modules report battery errors when these are polled hard.
    if (every_cycle || due(cycle, 3)) {
        for (int i = 0; i < stacks; ++i) {
            requests.push_back(input(kFirstStack + i, 60));
        }
    }
    if (modules > 0 && (every_cycle || due(cycle, 3, 1))) {
        const unsigned turn = every_cycle ? cycle : cycle / 3;
        requests.push_back(input(kFirstModule + static_cast<int>(turn % static_cast<unsigned>(modules)), 60));
    }
}

void add_single_phase(std::vector<Request>& requests, const Topology& topology, unsigned cycle) {
    requests.push_back(input(kInverterAddress, 0));
    for (int i = 0; i < topology.batteries; ++i) {
        requests.push_back(input(kFirstBattery + i, 60));
    }
    if (topology.model == Model::hybrid_gen1 && due(cycle, 3)) {
        requests.push_back(input(kInverterAddress, 180));
    }
    if (topology.lv_bcu_page && due(cycle, 6, 1)) {
        requests.push_back(input(kLvBcuAddress, 60));
    }
    add_stacks(requests, topology, cycle, true);
}

void add_three_phase(std::vector<Request>& requests, const Topology& topology, unsigned cycle) {
    requests.push_back(input(kInverterAddress, 1060));
    requests.push_back(input(kInverterAddress, 1120));
    if (due(cycle, 2)) {
        for (const std::uint16_t base : {1000, 1180, 1240}) {
            requests.push_back(input(kInverterAddress, base));
        }
    }
    if (due(cycle, 6)) {
        requests.push_back(input(kInverterAddress, 1300));
        requests.push_back(input(kInverterAddress, 1360, 54));
    }
    add_stacks(requests, topology, cycle, false);
}

void add_gateway(std::vector<Request>& requests, unsigned cycle) {
    for (const std::uint16_t base : {1600, 1660, 1780}) {
        requests.push_back(input(kInverterAddress, base));
    }
    if (due(cycle, 6)) {
        requests.push_back(input(kInverterAddress, 1720));
        requests.push_back(input(kInverterAddress, 1840));
    }
}

void add_ems(std::vector<Request>& requests, unsigned cycle) {
    requests.push_back(input(kInverterAddress, 2040, 55));
    if (due(cycle, 6)) {
        requests.push_back(input(kInverterAddress, 0));  // only its energy counters are used
    }
}

}  // namespace

std::vector<Request> full_requests(const Topology& topology) {
    std::vector<Request> requests{settings(0)};
    const Capabilities can = capabilities(topology.model, topology.arm_firmware);
    if (can.settings_60) {
        requests.push_back(settings(60));
        requests.push_back(settings(120));
    }
    if (can.ten_slots) {
        requests.push_back(settings(240));
    }
    if (can.ac_block) {
        requests.push_back(settings(300));
    } else if (can.pause_registers) {
        requests.push_back(settings(318, 3));
    }
    switch (live_bank(topology.model)) {
        case LiveBank::three_phase:
            requests.push_back(settings(1000));
            requests.push_back(settings(1060));
            requests.push_back(settings(1120, 5));
            break;
        case LiveBank::ems:
            requests.push_back(settings(2040, 36));
            break;
        default:
            break;
    }
    return requests;
}

std::vector<Request> quick_requests(const Topology& topology, unsigned cycle) {
    std::vector<Request> requests;
    switch (live_bank(topology.model)) {
        case LiveBank::single_phase:
            add_single_phase(requests, topology, cycle);
            break;
        case LiveBank::three_phase:
            add_three_phase(requests, topology, cycle);
            break;
        case LiveBank::gateway:
            add_gateway(requests, cycle);
            break;
        case LiveBank::ems:
            add_ems(requests, cycle);
            break;
    }
    if (due(cycle, 2)) {
        for (const int meter : topology.meters) {
            requests.push_back(input(meter, 60, 30));
        }
    }
    return requests;
}

Request settings_bank(std::uint16_t reg, const Topology& topology) {
    if (reg >= 318 && reg <= 320 && !capabilities(topology.model, topology.arm_firmware).ac_block) {
        return settings(318, 3);
    }
    if (reg >= 2040) {
        return settings(2040, 36);
    }
    if (reg >= 1120) {
        return settings(1120, 5);
    }
    if (reg >= 1000) {
        return settings(static_cast<std::uint16_t>(1000 + (reg - 1000) / kMaxRegisters * kMaxRegisters));
    }
    return settings(static_cast<std::uint16_t>(reg / kMaxRegisters * kMaxRegisters));
}

bool Suspensions::rests(const Request& request) const {
    const auto found = failures_.find(request);
    return found != failures_.end() && found->second >= kFailuresUntilRest;
}

bool Suspensions::failed(const Request& request) {
    return ++failures_[request] == kFailuresUntilRest;
}

}  // namespace givenergy
