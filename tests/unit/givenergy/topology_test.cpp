// Detection and the poll plan.

#include "givenergy/protocol/poll_plan.hpp"
#include "support/catch.hpp"

using namespace givenergy;

namespace {

using Words = std::vector<std::uint16_t>;

/// Answers the detector from a set of banks; what is not there is not answered.
struct Site {
    std::map<Request, Words> banks;
    std::vector<Request> asked;

    void put(std::uint8_t address, Function function, std::uint16_t base, Words words) {
        const auto count = static_cast<std::uint16_t>(words.size());
        banks[{address, function, base, count}] = std::move(words);
    }
    Topology detect(const Topology& known = {}) {
        Detector detector{known};
        while (const auto request = detector.next()) {
            asked.push_back(*request);
            REQUIRE(asked.size() < 60);
            const auto found = banks.find(*request);
            if (found == banks.end()) {
                detector.no_answer();
            } else {
                detector.answer({request->base, found->second});
            }
        }
        return detector.topology();
    }
};

Words identity(std::uint16_t dtc, std::uint16_t arm) {
    Words words(60, 0);
    words[0] = dtc;
    words[13] = 0x5341;
    words[14] = 0x3231;
    words[15] = 0x3134;
    words[16] = 0x4730;
    words[17] = 0x3037;
    words[19] = arm;
    words[21] = arm;
    return words;
}

Words pack(bool present) {
    Words words(60, 0);
    words[45] = 100;  // counters of the plant, mirrored into empty slots too
    if (present) {
        std::copy_n(identity(0, 0).begin() + 13, 5, words.begin() + 50);
    }
    return words;
}

}  // namespace

TEST_CASE("a hybrid with two packs and its clamp as meter 1") {
    Site site;
    site.put(0x11, Function::read_holding, 0, identity(0x2001, 449));
    site.put(0x32, Function::read_input, 60, pack(true));
    site.put(0x33, Function::read_input, 60, pack(true));
    site.put(0x34, Function::read_input, 60, pack(false));
    site.put(0x01, Function::read_input, 60, Words(30, 2400));
    site.put(0x02, Function::read_input, 60, Words(30, 0));
    const Topology topology = site.detect();
    CHECK(topology.model == Model::hybrid_gen1);
    CHECK(topology.serial == "SA2114G007");
    CHECK(topology.firmware == "D0.449-A0.449");
    CHECK(topology.rated_w == 5000);
    CHECK(topology.batteries == 2);
    CHECK_FALSE(topology.lv_bcu_page);
    CHECK(topology.meters == std::vector<int>{1});

    CHECK(quick_requests(topology, 1).size() == 3);
    CHECK(quick_requests(topology, 3).size() == 4);  // with the counters at 180
    CHECK(quick_requests(topology, 6).size() == 5);  // and the meter
    CHECK(full_requests(topology).size() == 3);
}

TEST_CASE("what was known stays known while the device does not answer") {
    Site site;
    site.put(0x11, Function::read_holding, 0, identity(0x2001, 449));
    Topology known;
    known.serial = "SA2114G007";
    known.batteries = 2;
    known.meters = {1};
    CHECK(site.detect(known).batteries == 2);
    CHECK(site.detect(known).meters == std::vector<int>{1});
    known.serial = "SA2114G008";
    CHECK(site.detect(known).batteries == 0);
    Site dead;
    CHECK(dead.detect(known).model == Model::unknown);
    CHECK(dead.asked.size() == 1);
}

TEST_CASE("an all-in-one with a stack of four modules") {
    Site site;
    site.put(0x11, Function::read_holding, 0, identity(0x8001, 612));
    site.put(0xa0, Function::read_input, 60, {0, 1, 4, 96, 48});
    Words stack(60, 0);
    stack[4] = 4;
    site.put(0x70, Function::read_input, 60, stack);
    const Topology topology = site.detect();
    CHECK(topology.stack_modules == std::vector<int>{4});
    for (unsigned cycle = 0; cycle < 8; ++cycle) {
        const auto requests = quick_requests(topology, cycle);
        REQUIRE(requests.size() == 3);
        CHECK(requests[0].base == 0);
        CHECK(requests[1].address == 0x70);
        CHECK(requests[2].address == 0x50 + cycle % 4);
    }
    CHECK(full_requests(topology).size() == 5);
}

TEST_CASE("a hostile stack does not make the plan grow without bound") {
    Site site;
    site.put(0x11, Function::read_holding, 0, identity(0x8001, 612));
    site.put(0xa0, Function::read_input, 60, {0, 0xffff, 0xffff, 0, 0});
    Words stack(60, 0xffff);
    for (std::uint8_t i = 0; i < 16; ++i) {
        site.put(static_cast<std::uint8_t>(0x70 + i), Function::read_input, 60, stack);
    }
    const Topology topology = site.detect();
    CHECK(topology.stack_modules.size() <= 4);
    CHECK(topology.modules() <= kMaxModules);
}

TEST_CASE("every request of every model stays within a page") {
    for (const ModelInfo& model : kModels) {
        Topology topology;
        topology.model = model.model;
        topology.arm_firmware = 312;
        topology.batteries = 6;
        topology.lv_bcu_page = true;
        topology.stack_modules = {4, 4};
        topology.meters = {1, 2, 3};
        for (const Request& request : full_requests(topology)) {
            CHECK(within_page(request.base, request.count));
            CHECK(request.function == Function::read_holding);
        }
        for (unsigned cycle = 0; cycle < 12; ++cycle) {
            const auto requests = quick_requests(topology, cycle);
            REQUIRE_FALSE(requests.empty());
            CHECK(requests.front().address == kInverterAddress);
            for (const Request& request : requests) {
                CHECK(within_page(request.base, request.count));
                CHECK_FALSE(ignores_bank(model.model,
                                         device_at(request.address) == Device::inverter ? request.base : 60));
            }
        }
    }
}

TEST_CASE("a bank that keeps failing rests until the next full refresh") {
    Suspensions rest;
    const Request request{};
    CHECK_FALSE(rest.failed(request));
    CHECK_FALSE(rest.failed(request));
    rest.succeeded(request);
    CHECK_FALSE(rest.failed(request));
    CHECK_FALSE(rest.failed(request));
    CHECK(rest.failed(request));
    CHECK(rest.rests(request));
    rest.refresh();
    CHECK_FALSE(rest.rests(request));
}
