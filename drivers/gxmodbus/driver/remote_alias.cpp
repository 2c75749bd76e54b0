// The part of Remote that keeps units 0 and 100 apart. Both stand for device instance 0, unless there is an instance 100,
// which may come and go while the connection stays (docs/protocols/gx-modbus.md, "Unit ids").

#include "gxmodbus/driver/remote.hpp"
#include "transport/modbus/error.hpp"

#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace asio = boost::asio;

// The pair that is used in place of this one should both be the same device.
std::optional<Pair> Remote::original_of(const Pair& pair) const {
    const auto other = possible_alias(pair);
    return other && pairs_.contains(*other) && preferred_alias(pair, *other) == *other ? other : std::nullopt;
}

// Readings that are to be compared follow each other closely: the less happens between them, the more they tell.
ReadBlock Remote::reader() {
    return [this](std::uint8_t unit, const Block& block) {
        return ask_now(unit, block.first, block.count, kReadTimeout);
    };
}

// Whether a pair is a known one under another unit, nothing when that can not be told now.
asio::awaitable<std::optional<bool>> Remote::is_alias(Pair pair) {
    const auto other = possible_alias(pair);
    if (!other || !pairs_.contains(*other)) {
        co_return false;
    }
    const Pair known = *other;
    const ReadBlock read = reader();
    const auto same = co_await same_device(read, plan_, pair, known);
    co_return same;
}

// The same for a pair of which words of a block were just read.
asio::awaitable<std::optional<bool>> Remote::is_still_alias(Pair pair, Block block,
                                                            std::vector<std::uint16_t> words) {
    const Pair original = *original_of(pair);
    const PairState before = pairs_.at(pair);
    if (before.distinct && !before.gone && pairs_.at(original).gone) {
        co_return false;  // there is nothing it could be mistaken for
    }
    if (before.distinct) {
        const ReadBlock read = reader();
        const auto two = co_await still_two_devices(read, plan_, pair, original, block, std::move(words));
        if (!two) {
            co_return std::nullopt;
        }
        if (*two) {
            co_return false;
        }
    }
    const auto alias = co_await is_alias(pair);
    const auto state = pairs_.find(pair);
    if (stopped_ || state == pairs_.end() || !alias) {
        co_return std::nullopt;
    }
    state->second.distinct = !*alias;
    if (!std::exchange(state->second.alias, *alias) && *alias) {
        spdlog::info("{}: {} is the same device as {}", options_.host, to_text(pair), to_text(original));
    }
    co_return alias;
}

// Reads a block. What belongs to the device of another pair counts as "not there": it is shown once.
asio::awaitable<Answer> Remote::read_own(Read read, std::chrono::milliseconds timeout) {
    Answer answer = co_await ask(read.unit, read.block.first, read.block.count, timeout);
    const Pair pair{read.unit, read.type};
    if (stopped_ || !answer.has_data() || !pairs_.contains(pair) || !original_of(pair)) {
        co_return answer;
    }
    const auto alias = co_await is_still_alias(pair, read.block, answer.words);
    if (!alias) {
        co_return Answer{Answer::Kind::timeout, 0, {}};
    }
    if (*alias) {
        const auto absent = static_cast<std::uint8_t>(transport::modbus::Exception::gateway_path);
        co_return Answer{Answer::Kind::exception, absent, {}};
    }
    co_return answer;
}

}  // namespace gxmodbus
