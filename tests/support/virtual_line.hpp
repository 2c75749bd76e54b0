#pragma once
// A serial line in memory with simulated units on it: true byte times, baud rates that must match, a clock that
// only moves when somebody waits.

#include "../simulators/serialbattery/simulator.hpp"
#include "serialbattery/conversation.hpp"
#include "wire/bytes.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace bms::test {

class VirtualLine {
  public:
    bool echo = false;
    bool silent = false;           ///< nobody answers
    milliseconds delay{0};         ///< of an adapter, on top of what the unit takes to answer
    wire::Buffer prefix;           ///< stands before every answer
    std::size_t garble_every = 0;  ///< flip a bit in every n-th byte that comes, 0: never

    sim::Unit& add(std::string_view family, unsigned address) {
        const auto* simulator = sim::find_simulator(family);
        if (simulator == nullptr) {
            throw std::runtime_error("no simulator for " + std::string(family));
        }
        return add(*simulator, address);
    }
    /// `simulator` has to outlive the line.
    sim::Unit& add(const sim::Simulator& simulator, unsigned address) {
        units_.push_back(std::make_unique<sim::Unit>(simulator, address));
        return *units_.back();
    }
    sim::Unit& add(std::string_view family) { return add(family, sim::find_simulator(family)->unit); }

    /// Somebody who speaks unasked at `baud`, every `period`.
    void chatter(unsigned baud, wire::Buffer bytes, milliseconds period) {
        chatter_ = std::move(bytes);
        chatter_baud_ = baud;
        chatter_period_ = period;
    }

    [[nodiscard]] TimePoint now() const { return now_; }
    void pass(milliseconds time) { now_ += time; }
    void open_at(const Line& line) { line_ = line; }
    [[nodiscard]] const std::vector<std::pair<Line, wire::Buffer>>& sent() const { return sent_; }
    void forget_sent() { sent_.clear(); }
    /// How often something was read.
    [[nodiscard]] std::size_t reads() const { return reads_; }

    /// Does what the machine says until it has finished.
    template <class Machine>
    void run(Machine& machine) {
        for (int steps = 0; steps < 1'000'000; ++steps) {
            const Step step = machine.next(now_);
            switch (step.kind) {
                case Step::Kind::finished:
                    return;
                case Step::Kind::configure:
                    line_ = step.line;
                    incoming_.clear();
                    break;
                case Step::Kind::send:
                    send(step.bytes);
                    break;
                case Step::Kind::pause:
                    now_ = std::max(now_, step.until);
                    discard(now_);
                    break;
                case Step::Kind::receive:
                    now_ = std::max(now_, std::min(step.look, step.until));
                    receive(machine, step.until);
                    break;
            }
        }
        throw std::runtime_error("the machine does not end");
    }

  private:
    struct Arrival {
        TimePoint when;
        std::uint8_t byte;
    };

    [[nodiscard]] bool matches(const sim::Simulator& simulator) const {
        return simulator.baud == line_.baud && simulator.even_parity == (line_.parity == Parity::even);
    }
    void arrive(TimePoint from, Bytes bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            ++arrived_;
            const bool damaged = garble_every != 0 && arrived_ % garble_every == 0;
            const Arrival arrival{from + wire_time(line_, i + 1),
                                  static_cast<std::uint8_t>(bytes[i] ^ (damaged ? 4 : 0))};
            const auto place =
                std::upper_bound(incoming_.begin(), incoming_.end(), arrival,
                                 [](const Arrival& a, const Arrival& b) { return a.when < b.when; });
            incoming_.insert(place, arrival);
        }
    }
    /// What waits in the input is thrown away, and what meets our own bytes on the wire is lost.
    void discard(TimePoint until) {
        std::erase_if(incoming_, [&](const Arrival& arrival) { return arrival.when <= until; });
    }
    void send(Bytes bytes) {
        sent_.emplace_back(line_, wire::Buffer(bytes.begin(), bytes.end()));
        const auto end = now_ + wire_time(line_, bytes.size());
        discard(end);
        if (echo) {
            arrive(now_, bytes);
        }
        for (auto& unit : units_) {
            if (silent || !matches(unit->simulator())) {
                continue;
            }
            if (auto answer = unit->hear(bytes)) {
                answer->insert(answer->begin(), prefix.begin(), prefix.end());
                arrive(end + unit->simulator().latency + delay, *answer);
            }
            unit->silence();
        }
    }
    void speak_unasked(TimePoint until) {
        while (!chatter_.empty() && next_chatter_ < until) {
            if (line_.baud == chatter_baud_ && next_chatter_ >= now_) {
                arrive(next_chatter_, chatter_);
            }
            next_chatter_ += chatter_period_;
        }
    }
    template <class Machine>
    void receive(Machine& machine, TimePoint until) {
        speak_unasked(until);
        if (incoming_.empty() || incoming_.front().when > until) {
            now_ = std::max(now_, until);
            return;
        }
        // As an adapter does: what came within some milliseconds is one block.
        now_ = std::max(now_, std::min(until, incoming_.front().when + std::chrono::milliseconds(4)));
        wire::Buffer block;
        while (!incoming_.empty() && incoming_.front().when <= now_) {
            block.push_back(incoming_.front().byte);
            incoming_.pop_front();
        }
        ++reads_;
        machine.received(block, now_);
    }

    std::vector<std::unique_ptr<sim::Unit>> units_;
    std::deque<Arrival> incoming_;
    std::vector<std::pair<Line, wire::Buffer>> sent_;
    wire::Buffer chatter_;
    unsigned chatter_baud_ = 0;
    milliseconds chatter_period_{1000};
    TimePoint next_chatter_{};
    std::size_t arrived_ = 0;
    std::size_t reads_ = 0;
    Line line_{};
    TimePoint now_{};
};

}  // namespace bms::test
