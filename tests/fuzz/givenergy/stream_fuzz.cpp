// Any bytes, however cut: the framer must neither crash, nor grow, nor depend on the cuts; and whatever it
// delivers must go through decoding, the sanity rules, detection and the plant without harm.

#include "givenergy/model/plant.hpp"
#include "givenergy/protocol/framer.hpp"
#include "givenergy/protocol/sanity.hpp"

#include <cstdlib>

using namespace givenergy;

namespace {

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

struct Run {
    std::vector<std::uint16_t> bases;
    std::size_t skipped, pending;
    friend bool operator==(const Run&, const Run&) = default;
};

Run cut(Bytes stream, std::size_t chunk) {
    Framer framer;
    Run run{};
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
        framer.feed(stream.subspan(at, std::min(chunk, stream.size() - at)),
                    [&](const Frame& frame) { run.bases.push_back(frame.base); });
    }
    require(framer.pending() <= kMaxFrame + 3);
    run.skipped = framer.skipped();
    run.pending = framer.pending();
    return run;
}

void use(const Frame& frame, Gatekeeper& gate, Registers& registers) {
    if (frame.kind != FrameKind::read_response) {
        require(frame.registers().empty());
        return;
    }
    std::vector<std::uint16_t> values(frame.registers().begin(), frame.registers().end());
    const Request request{frame.address, static_cast<Function>(frame.function), frame.base, frame.count};
    if (!gate.admit(request, values, {}, false)) {
        registers.store(request, values);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Bytes stream{data + 2, size - 2};
    const Run whole = cut(stream, stream.size() + 1);
    require(cut(stream, 1) == whole);
    require(cut(stream, 1u + data[0] % 64u) == whole);

    Gatekeeper gate;
    Registers registers;
    Framer framer;
    framer.feed(stream, [&](const Frame& frame) { use(frame, gate, registers); });
    // Registers straight from the input, since few mutations keep a check right.
    std::vector<std::uint16_t> words;
    for (std::size_t at = 0; at + 1 < stream.size() && words.size() < kMaxRegisters; at += 2) {
        words.push_back(wire::be16(stream, at));
    }
    Topology topology;
    topology.model = kModels[data[1] % kModels.size()].model;
    topology.batteries = 1;
    topology.stack_modules = {1};
    gate.set_model(topology.model);
    const auto count = static_cast<std::uint16_t>(words.size());
    for (const Request& request :
         {Request{0x11, Function::read_input, 0, count}, Request{0x32, Function::read_input, 60, count},
          Request{0x50, Function::read_input, 60, count}, Request{0x70, Function::read_input, 60, count},
          Request{0x11, Function::read_input, 1060, count}, Request{0x11, Function::read_input, 1600, count},
          Request{0x11, Function::read_input, 2040, count}}) {
        std::vector<std::uint16_t> values = words;
        if (!gate.admit(request, values, {}, false)) {
            registers.store(request, values);
        }
    }
    const Plant plant = plant_of(topology, registers);
    require(!plant.battery.soc_percent
            || (*plant.battery.soc_percent >= 0 && *plant.battery.soc_percent <= 100));
    Detector detector;
    for (int i = 0; i < 64 && detector.next(); ++i) {
        detector.answer({detector.next()->base, words});
    }
    require(!detector.next());
    return 0;
}
