#include "gxmodbus/driver/ask.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace gxmodbus {
namespace {

namespace asio = boost::asio;
using transport::modbus::Error;
using transport::modbus::Fault;
using T = ServiceType;

Answer answer_of(const transport::modbus::Result<transport::modbus::Response>& result, Traffic& traffic) {
    if (result) {
        return {Answer::Kind::data, 0, result->registers};
    }
    const Error& error = result.error();
    if (error.fault == Fault::exception) {
        ++traffic.exceptions;
        return {Answer::Kind::exception, static_cast<std::uint8_t>(error.exception), {}};
    }
    return {error.fault == Fault::timeout ? Answer::Kind::timeout : Answer::Kind::lost, 0, {}};
}

struct Hint {
    std::string_view path;  // of the system service
    T type;
};
constexpr auto kHints = std::to_array<Hint>({
    {"/Dc/Pv/Power", T::solarcharger},
    {"/Dc/Pv/Current", T::solarcharger},
    {"/Ac/Grid/L1/Power", T::grid},
    {"/Ac/Grid/L2/Power", T::grid},
    {"/Ac/Grid/L3/Power", T::grid},
    {"/Ac/PvOnGrid/L1/Power", T::pvinverter},
    {"/Ac/PvOnOutput/L1/Power", T::pvinverter},
    {"/Ac/PvOnGenset/L1/Power", T::pvinverter},
    {"/Ac/Genset/L1/Power", T::genset},
    {"/Dc/Vebus/Current", T::vebus},
    {"/Dc/Vebus/Power", T::vebus},
    {"/Dc/Charger/Power", T::charger},
    {"/Dc/System/Power", T::dcsystem},
    {"/Dc/Battery/Voltage", T::battery},
});

}  // namespace

TcpClient::Options client_options(const std::string& host, std::uint16_t port, std::size_t in_flight) {
    TcpClient::Options options;
    options.host = host;
    options.port = port;
    options.in_flight = in_flight;
    options.connect_timeout = std::chrono::seconds(5);
    options.response_timeout = kReadTimeout;
    return options;
}

asio::awaitable<Answer> read_registers(TcpClient& client, Traffic& traffic, std::uint8_t unit,
                                       std::uint16_t first, std::uint16_t count,
                                       std::chrono::milliseconds timeout) {
    ++traffic.requests;
    const auto result =
        co_await client.ask(transport::modbus::read_holding_registers(unit, first, count), timeout);
    co_return answer_of(result, traffic);
}

asio::awaitable<Answer> write_registers(TcpClient& client, Traffic& traffic, std::uint8_t unit,
                                        std::uint16_t first, std::vector<std::uint16_t> words) {
    ++traffic.requests;
    auto request = words.size() == 1 ? transport::modbus::write_register(unit, first, words[0])
                                     : transport::modbus::write_registers(unit, first, std::move(words));
    const auto result = co_await client.ask(std::move(request));
    co_return answer_of(result, traffic);
}

asio::awaitable<std::optional<Identity>> identify(TcpClient& client, Traffic& traffic,
                                                  Identification::Recall recall) {
    Identification identification(std::move(recall));
    while (const auto question = identification.next()) {
        identification.answer(co_await read_registers(client, traffic, question->unit, question->first,
                                                      question->count, kFirstReadTimeout));
    }
    co_return identification.done() ? std::optional{identification.identity()} : std::nullopt;
}

asio::awaitable<std::optional<bool>> same_device(ReadBlock read, ReadPlan plan, Pair one, Pair other) {
    for (const Block& block : plan.blocks(one.type)) {
        Comparison comparison(block, plan.version(one.type));
        while (comparison.wants_more()) {
            const Answer first = co_await read(one.unit, block);
            const Answer second = co_await read(other.unit, block);
            if (first.absent() || second.absent()) {
                co_return false;
            }
            if (!first.has_data() || !second.has_data()) {
                co_return std::nullopt;
            }
            comparison.take(first.words, second.words);
        }
        if (!comparison.same()) {
            co_return false;
        }
    }
    co_return true;
}

asio::awaitable<std::optional<bool>> still_two_devices(ReadBlock read, ReadPlan plan, Pair one, Pair other,
                                                       Block block, std::vector<std::uint16_t> words) {
    std::vector<Block> blocks = plan.blocks(one.type);
    std::stable_partition(blocks.begin(), blocks.end(), [&](const Block& b) { return b == block; });
    for (const Block& next : blocks) {
        Answer before{Answer::Kind::data, 0, words};
        if (next != block) {
            before = co_await read(one.unit, next);
        }
        const Answer between = co_await read(other.unit, next);
        const Answer after = co_await read(one.unit, next);
        if (between.absent()) {
            co_return true;
        }
        if (!before.has_data() || !between.has_data() || !after.has_data()) {
            co_return std::nullopt;
        }
        if (told_apart(next, plan.version(one.type), before.words, between.words, after.words)) {
            co_return true;
        }
    }
    co_return false;
}

Scan::Outcome outcome_of(const Answer& answer) {
    if (answer.has_data()) {
        return Scan::Outcome::present;
    }
    if (answer.kind != Answer::Kind::exception) {
        return Scan::Outcome::no_answer;
    }
    return answer.refused(2) ? Scan::Outcome::unknown_type : Scan::Outcome::absent;
}

Hints hints_in(const Block& block, Words words, ServerVersion version) {
    Hints hints;
    for_each_row(block, words, version, [&](const Register& row, Words raw) {
        for (const Hint& hint : kHints) {
            if (row.type == T::system && row.path == hint.path && !all_zero(raw)) {
                hints.set(static_cast<std::size_t>(hint.type));
            }
        }
    });
    return hints;
}

}  // namespace gxmodbus
