#include "serialbattery/driver/runner.hpp"

#include <array>

namespace bms {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kBlock = 1024;
/// Adapters deliver a few bytes at a time, and waking up for each of them costs more than everything else: an answer is
/// looked for when it ought to be there, and while a part of it is missing, every so often.
constexpr auto kCollect = 15ms;

template <class Talk>
asio::awaitable<std::optional<SerialFault>> carry_on(Port& port, Talk& talk) {
    std::array<std::uint8_t, kBlock> buffer{};
    const std::span<std::uint8_t> into(buffer);
    bool begun = false;  ///< part of an answer is there
    for (;;) {
        const Step step = talk.next(port.now());
        std::optional<SerialFault> fault;
        begun = begun && step.kind == Step::Kind::receive;
        switch (step.kind) {
            case Step::Kind::finished:
                co_return std::nullopt;
            case Step::Kind::configure:
                fault = port.set_line(step.line);
                port.discard_input();
                break;
            case Step::Kind::send:
                port.discard_input();
                fault = co_await port.write(step.bytes);
                break;
            case Step::Kind::receive: {
                const auto look = begun ? port.now() + kCollect : step.look;
                if (look > port.now() && look < step.until && !port.keeps_times()) {
                    co_await port.pause(look);
                }
                const auto count = co_await port.read_some(into, step.until);
                if (!count) {
                    fault = count.error();
                } else if (*count > 0) {
                    talk.received(Bytes(buffer).first(*count), port.now());
                    begun = *count < buffer.size();
                }
                break;
            }
            case Step::Kind::pause:
                co_await port.pause(step.until);
                break;
        }
        if (fault) {
            co_return fault;
        }
    }
}

}  // namespace

asio::awaitable<std::optional<SerialFault>> run(Port& port, Conversation& talk) {
    return carry_on(port, talk);
}

asio::awaitable<std::optional<SerialFault>> run(Port& port, Detector& detector) {
    return carry_on(port, detector);
}

}  // namespace bms
