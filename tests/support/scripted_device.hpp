#pragma once
// A device made of requests and their answers, on a line with a clock that only the test moves.

#include "serialbattery/conversation.hpp"
#include "serialbattery/family.hpp"
#include "wire/checksum.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bms::test {

class ScriptedDevice {
  public:
    explicit ScriptedDevice(const Family& family, std::uint8_t address = 0, const Options& options = {})
        : session_(family.open(address, options)),
          talk_(std::make_unique<Conversation>(family, *session_, family.lines.front())) {}

    /// The answer to a request; a later one replaces it.
    ScriptedDevice& answer(std::string_view request, std::string_view reply) {
        answers_[key(request)] = wire::from_hex(reply).value();
        return *this;
    }
    void mute(std::string_view request) { answers_.erase(key(request)); }
    void echo(bool on) { echo_ = on; }
    /// Bytes in front of every answer.
    void prefix(std::string_view bytes) { prefix_ = wire::from_hex(bytes).value(); }
    /// What comes all the time, answers or not.
    void babble(std::string_view bytes) { babble_ = wire::from_hex(bytes).value(); }
    void deliver_in_chunks_of(std::size_t bytes) { chunk_ = bytes; }
    void damage_next(unsigned answers) { damaged_ = answers; }

    bool poll() {
        talk_->start_cycle();
        run();
        return talk_->succeeded();
    }
    bool control(Control control, double value) {
        if (!talk_->start_control({control, value, {2024, 5, 6, 7, 8, 9}})) {
            return false;
        }
        run();
        return talk_->succeeded();
    }

    [[nodiscard]] const Session& session() const { return *session_; }
    [[nodiscard]] Session& session() { return *session_; }
    [[nodiscard]] const Battery& battery() const { return session_->battery(); }
    [[nodiscard]] Conversation& talk() { return *talk_; }
    [[nodiscard]] TimePoint now() const { return now_; }
    [[nodiscard]] std::size_t times_asked(std::string_view request) const {
        return static_cast<std::size_t>(std::count(asked_.begin(), asked_.end(), key(request)));
    }
    [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }
    /// Answers nobody asked for.
    [[nodiscard]] std::vector<std::string> unasked() const {
        std::vector<std::string> left;
        for (const auto& [request, reply] : answers_) {
            if (times_asked(request) == 0) {
                left.push_back(request);
            }
        }
        return left;
    }

  private:
    static std::string key(std::string_view hex) { return wire::to_hex(wire::from_hex(hex).value()); }

    void run() {
        for (int steps = 0; steps < 100'000; ++steps) {
            const Step step = talk_->next(now_);
            switch (step.kind) {
                case Step::Kind::finished:
                    return;
                case Step::Kind::send:
                    send(step.bytes);
                    break;
                case Step::Kind::receive:
                    receive(step.until);
                    break;
                default:
                    now_ = std::max(now_, step.until);
            }
        }
        throw std::runtime_error("the conversation does not end");
    }
    void send(Bytes request) {
        asked_.push_back(wire::to_hex(request));
        pending_.clear();
        if (echo_) {
            wire::put(pending_, request);
        }
        if (const auto found = answers_.find(asked_.back()); found != answers_.end()) {
            wire::put(pending_, prefix_);
            const auto start = pending_.size();
            wire::put(pending_, found->second);
            if (damaged_ > 0) {
                --damaged_;
                pending_[start + found->second.size() / 2] ^= 0x10;
            }
        }
    }
    void receive(TimePoint until) {
        if (!babble_.empty()) {
            now_ = std::min(until, now_ + 10ms);
            talk_->received(babble_, now_);
            return;
        }
        if (pending_.empty()) {
            now_ = until;
            return;
        }
        now_ += 1ms;
        const auto count = std::min(chunk_, pending_.size());
        const wire::Buffer part(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
        talk_->received(part, now_);
    }

    std::unique_ptr<Session> session_;
    std::unique_ptr<Conversation> talk_;
    std::map<std::string, wire::Buffer> answers_;
    std::vector<std::string> asked_;
    wire::Buffer pending_;
    wire::Buffer prefix_;
    wire::Buffer babble_;
    std::size_t chunk_ = 4096;
    unsigned damaged_ = 0;
    bool echo_ = false;
    TimePoint now_{};
};

/// A JBD frame with its checksum made right.
[[nodiscard]] inline std::string with_jbd_checksum(wire::Buffer frame) {
    const auto sum = 0x10000 - wire::sum16(wire::Bytes(frame).subspan(2, frame.size() - 5));
    frame[frame.size() - 3] = static_cast<std::uint8_t>(sum >> 8);
    frame[frame.size() - 2] = static_cast<std::uint8_t>(sum);
    return wire::to_hex(frame);
}

}  // namespace bms::test
