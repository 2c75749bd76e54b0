// The part of Remote that writes.

#include "gxmodbus/driver/remote.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gxmodbus {
namespace asio = boost::asio;
using namespace std::chrono_literals;

void Remote::write(const Pair& pair, const Register& row, std::vector<std::uint16_t> words,
                   std::function<void(WriteOutcome)> done) {
    if (down_) {
        asio::post(executor_, [done = std::move(done)] { done(WriteOutcome::failed); });
        return;
    }
    writes_.push_back({pair, row, std::move(words), std::move(done)});
    wake();
}

asio::awaitable<void> Remote::carry_out(PendingWrite write) {
    if (original_of(write.pair)) {
        const auto alias = co_await is_alias(write.pair);  // another device must not get it
        if (stopped_) {
            co_return;
        }
        if (alias.value_or(true)) {
            write.done(alias ? WriteOutcome::gone : WriteOutcome::failed);
            co_return;
        }
    }
    co_await take_turn();
    if (stopped_) {
        co_return;
    }
    note_request();
    const auto answer =
        co_await write_registers(client_, status_.traffic, write.pair.unit, write.row.address, write.words);
    if (stopped_) {
        co_return;
    }
    note_answer(answer);
    if (answer.has_data()) {
        spawn(read_back(std::move(write)));
    } else {
        write.done(answer.absent()     ? WriteOutcome::no_path
                   : answer.refused(2) ? WriteOutcome::refused
                                       : WriteOutcome::failed);
    }
}

// The server confirms before the device has answered: look soon, and once more later.
asio::awaitable<void> Remote::read_back(PendingWrite write) {
    const unsigned conversation = conversation_;
    asio::steady_timer timer(executor_);
    Answer answer;
    for (const auto wait : {500ms, 1500ms}) {
        timer.expires_after(wait);
        co_await timer.async_wait(asio::use_awaitable);
        if (stopped_) {
            co_return;
        }
        if (conversation != conversation_) {
            answer = {};
            break;  // it may be another GX that would answer
        }
        answer = co_await ask(write.pair.unit, write.row.address, write.row.count, kReadTimeout);
        if (stopped_) {
            co_return;
        }
        for (const JobPtr& job : jobs_) {
            const Read& read = job->read;
            if (read.unit == write.pair.unit && write.row.address >= read.block.first
                && write.row.end() <= unsigned{read.block.first} + read.block.count) {
                job->due = Clock::now();  // the item shows the true value
            }
        }
        wake();
        if (answer.has_data() && answer.words == write.words) {
            break;
        }
    }
    write.done(!answer.has_data()            ? WriteOutcome::failed
               : answer.words == write.words ? WriteOutcome::taken
                                             : WriteOutcome::different);
}

}  // namespace gxmodbus
