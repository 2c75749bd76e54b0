// dbus-givenergy: how many requests a refresh costs the adapter, and how much processor time the driver.
#include "bench.hpp"
#include "givenergy/protocol/framer.hpp"
#include "givenergy/protocol/poll_plan.hpp"
#include "givenergy/protocol/sanity.hpp"
#include "givenergy/publication/tables.hpp"
#include "simulators/givenergy/house.hpp"
#include "simulators/givenergy/wire_format.hpp"

#include <memory>

using namespace givenergy;

namespace {

constexpr unsigned kCycles = 12;  // every bank's turn comes within
constexpr double kPeriodSeconds = 10;

/// An installation answered by the simulated house, without a network in between.
class Bench {
  public:
    Bench(const std::string& model, int packs) : house_(model, packs, "SA2114G047") {
        house_.set_hour(13);
        Detector detector;
        while (const auto request = detector.next()) {
            const auto values =
                house_.registers().read(request->address, static_cast<std::uint8_t>(request->function),
                                        request->base, request->count);
            if (values) {
                detector.answer({request->base, *values});
            } else {
                detector.no_answer();
            }
        }
        topology_ = detector.topology();
        gate_.set_model(topology_.model);
        for (const ServiceKind kind : services_of(topology_, {}, false)) {
            trees_.push_back(std::make_unique<velib::ItemTree>());
            services_.emplace_back(*trees_.back(), kind, topology_);
        }
        for (const Request& request : full_requests(topology_)) {
            receive(request);
        }
    }

    void cycle(unsigned number) {
        for (const Request& request : quick_requests(topology_, number)) {
            receive(request);
        }
        const View view = view_of(topology_, registers_, {}, {});
        for (std::size_t i = 0; i < services_.size(); ++i) {
            velib::Update update(*trees_[i]);
            services_[i].publish(update, view);
        }
    }

    /// Lets the house go on, so that values change.
    void live(double seconds) { house_.advance(seconds); }
    [[nodiscard]] const Topology& topology() const { return topology_; }

  private:
    void receive(const Request& request) {
        const gesim::Request asked{request.address, static_cast<std::uint8_t>(request.function), request.base,
                                   request.count};
        const auto values = house_.registers().read(asked.address, asked.function, asked.first, asked.second);
        if (!values) {
            return;
        }
        framer_.feed(gesim::read_answer({"WF2125G316", "SA2114G047"}, asked, *values),
                     [&](const Frame& frame) {
                         std::vector<std::uint16_t> words(frame.registers().begin(), frame.registers().end());
                         if (answers(frame, request)
                             && !gate_.admit(request, words, std::chrono::steady_clock::now(), true)) {
                             registers_.store(request, words);
                         }
                     });
    }

    gesim::House house_;
    Topology topology_;
    Gatekeeper gate_;
    Registers registers_;
    Framer framer_;
    std::vector<std::unique_ptr<velib::ItemTree>> trees_;
    std::vector<ServiceItems> services_;
};

double requests_per_cycle(const Topology& topology) {
    std::size_t requests = 0;
    for (unsigned cycle = 0; cycle < kCycles; ++cycle) {
        requests += quick_requests(topology, cycle).size();
    }
    return static_cast<double>(requests) / kCycles;
}

/// What a client asks that reads everything every time.
std::size_t everything(const Topology& topology) {
    std::map<Request, int> all;
    for (unsigned cycle = 0; cycle < kCycles; ++cycle) {
        for (const Request& request : quick_requests(topology, cycle)) {
            all[request] = 1;
        }
    }
    for (const Request& request : full_requests(topology)) {
        all[request] = 1;
    }
    return all.size();
}

double seconds_per_cycle(Bench& bench, unsigned cycles) {
    double used = 0;
    for (unsigned i = 0; i < cycles; ++i) {
        bench.live(kPeriodSeconds);
        const double before = bench::cpu_seconds();
        bench.cycle(i);
        used += bench::cpu_seconds() - before;
    }
    return used / cycles;
}

}  // namespace

int main(int argc, char** argv) {
    const unsigned cycles = bench::is_short(argc, argv) ? kCycles : 6000;
    bench::Table table(
        "one refresh (the simulator's own time is part of the figure)",
        {"installation", "requests", "asking for everything", "CPU a refresh", "CPU a second"});
    for (const auto& [model, packs] : std::initializer_list<std::pair<const char*, int>>{
             {"gen1", 2}, {"ac", 1}, {"aio", 4}, {"three-phase", 6}, {"gateway", 1}, {"ems", 2}}) {
        Bench bench(model, packs);
        const double seconds = seconds_per_cycle(bench, cycles);
        char requests[16];
        std::snprintf(requests, sizeof requests, "%.1f", requests_per_cycle(bench.topology()));
        table.row({model, requests, std::to_string(everything(bench.topology())),
                   bench::microseconds(seconds), bench::microseconds(seconds / kPeriodSeconds)});
    }
}
