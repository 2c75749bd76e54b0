#include "transport/modbus/tcp_client.hpp"

#include "support/catch.hpp"

#include <deque>
#include <functional>
#include <map>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

using namespace transport::modbus;
using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;
namespace asio = boost::asio;
using asio::ip::tcp;
using wire::Buffer;

namespace {

constexpr auto kResumed = asio::as_tuple(asio::use_awaitable);

/// What the server sends when the n-th request has arrived; may be nothing, and may close afterwards.
struct Reaction {
    std::vector<Buffer> pieces;
    bool close = false;
};
using Behaviour = std::function<Reaction(const Buffer& request)>;

Buffer answer_with(const Buffer& request, std::initializer_list<std::uint16_t> registers) {
    Buffer frame{request[0], request[1]};
    wire::put_be16(frame, 0);
    wire::put_be16(frame, static_cast<unsigned>(3 + registers.size() * 2));
    wire::put8(frame, request[6]);
    wire::put8(frame, request[7]);
    wire::put8(frame, static_cast<unsigned>(registers.size() * 2));
    for (const auto value : registers) {
        wire::put_be16(frame, value);
    }
    return frame;
}

/// A server whose every reaction is a function of the request; counts connections.
class Server {
  public:
    Server(asio::io_context& io, Behaviour behaviour)
        : acceptor_(io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}),
          behaviour_(std::move(behaviour)) {
        asio::co_spawn(io, accept(), asio::detached);
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    int connections = 0;
    std::vector<Buffer> requests;

  private:
    asio::awaitable<void> accept() {
        for (;;) {
            auto [code, socket] = co_await acceptor_.async_accept(kResumed);
            if (code) {
                co_return;
            }
            ++connections;
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket socket) {
        Buffer received;
        std::array<std::uint8_t, 512> bytes{};
        for (;;) {
            const auto [code, count] = co_await socket.async_read_some(asio::buffer(bytes), kResumed);
            if (code) {
                co_return;
            }
            wire::put(received, wire::Bytes{bytes}.first(count));
            while (received.size() >= 6 && received.size() >= 6u + wire::be16(received, 4)) {
                const auto end = received.begin() + 6 + wire::be16(received, 4);
                const Buffer request{received.begin(), end};
                received.erase(received.begin(), end);
                requests.push_back(request);
                const auto reaction = behaviour_(request);
                for (const auto& piece : reaction.pieces) {
                    co_await asio::async_write(socket, asio::buffer(piece), kResumed);
                }
                if (reaction.close) {
                    co_return;
                }
            }
        }
    }

    tcp::acceptor acceptor_;
    Behaviour behaviour_;
};

/// Runs one coroutine to its end; whatever it threw is thrown here. Keep co_await out of CHECK: g++ 12 also runs
/// the operand of its short-circuited second half.
void run(asio::io_context& io, asio::awaitable<void> task) {
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown) {
        failure = thrown;
        done = true;
        io.stop();
    });
    io.run_for(20s);
    REQUIRE(done);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

TcpClient::Options options(const Server& server, TcpClient::Mode mode) {
    TcpClient::Options result;
    result.host = "127.0.0.1";
    result.port = server.port();
    result.mode = mode;
    result.response_timeout = 2s;
    return result;
}

constexpr auto kSingle = TcpClient::Mode::one_request_per_connection;
constexpr auto kKept = TcpClient::Mode::keep_connection;

/// Asks once and returns the fault; fails the test when there is an answer.
Fault fault_of(Behaviour behaviour, std::chrono::milliseconds timeout = 2s) {
    asio::io_context io;
    Server server{io, std::move(behaviour)};
    TcpClient client{io.get_executor(), options(server, kKept)};
    Fault fault{};
    run(io, [](TcpClient& asked, std::chrono::milliseconds limit, Fault& out) -> asio::awaitable<void> {
        const auto result = co_await asked.ask(read_holding_registers(1, 0, 2), limit);
        REQUIRE_FALSE(result.has_value());
        out = result.error().fault;
    }(client, timeout, fault));
    return fault;
}

}  // namespace

TEST_CASE("a server that closes after each answer gets a connection for each question") {
    asio::io_context io;
    Server server{io, [](const Buffer& request) { return Reaction{{answer_with(request, {5, 6})}, true}; }};
    TcpClient client{io.get_executor(), options(server, kSingle)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            const auto result = co_await asked.ask(read_holding_registers(1, 0, 2));
            REQUIRE(result.has_value());
            CHECK(result->registers == std::vector<std::uint16_t>{5, 6});
            CHECK_FALSE(asked.is_connected());
        }
    }(client));
    CHECK(server.connections == 3);
}

TEST_CASE("questions asked at once to such a server follow one another") {
    asio::io_context io;
    Server server{io, [](const Buffer& request) {
                      return Reaction{{answer_with(request, {wire::be16(request, 8)})}, true};
                  }};
    TcpClient client{io.get_executor(), options(server, kSingle)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        const auto [a, b, c] =
            co_await (asked.ask(read_holding_registers(1, 7, 1)) && asked.ask(read_holding_registers(1, 8, 1))
                      && asked.ask(read_holding_registers(1, 9, 1)));
        CHECK(a->registers.at(0) == 7);
        CHECK(b->registers.at(0) == 8);
        CHECK(c->registers.at(0) == 9);
    }(client));
    CHECK(server.connections == 3);
    CHECK(server.requests.size() == 3);
}

TEST_CASE("a kept connection serves many questions and comes back after it was lost") {
    asio::io_context io;
    Server server{io, [count = 0](const Buffer& request) mutable {
                      return Reaction{{answer_with(request, {1})}, ++count == 2};
                  }};
    TcpClient client{io.get_executor(), options(server, kKept)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        for (int i = 0; i < 4; ++i) {
            const auto result = co_await asked.ask(read_holding_registers(1, 0, 1));
            CHECK(result.has_value());
            // The end of a connection is noticed without asking.
            asio::steady_timer pause{co_await asio::this_coro::executor};
            while (i == 1 && asked.is_connected()) {
                pause.expires_after(1ms);
                co_await pause.async_wait(kResumed);
            }
        }
    }(client));
    CHECK(server.connections == 2);
}

TEST_CASE("answers in another order find their questions") {
    asio::io_context io;
    auto held = std::make_shared<std::deque<Buffer>>();
    Server server{io, [held](const Buffer& request) {
                      held->push_front(answer_with(request, {wire::be16(request, 8)}));
                      if (held->size() < 3) {
                          return Reaction{};
                      }
                      return Reaction{{held->begin(), held->end()}, false};  // the last question first
                  }};
    auto wanted = options(server, kKept);
    wanted.in_flight = 3;
    TcpClient client{io.get_executor(), wanted};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        const auto [a, b, c] =
            co_await (asked.ask(read_holding_registers(1, 7, 1)) && asked.ask(read_holding_registers(1, 8, 1))
                      && asked.ask(read_holding_registers(1, 9, 1)));
        REQUIRE((a && b && c));
        CHECK(a->registers.at(0) == 7);
        CHECK(b->registers.at(0) == 8);
        CHECK(c->registers.at(0) == 9);
    }(client));
    CHECK(server.connections == 1);
}

TEST_CASE("no more questions are in flight than allowed") {
    asio::io_context io;
    Server server{io, [](const Buffer&) { return Reaction{}; }};
    auto wanted = options(server, kKept);
    wanted.in_flight = 2;
    wanted.response_timeout = 50ms;
    TcpClient client{io.get_executor(), wanted};
    run(io, [](TcpClient& asked, Server& peer) -> asio::awaitable<void> {
        const auto [a, b, c] =
            co_await (asked.ask(read_holding_registers(1, 7, 1)) && asked.ask(read_holding_registers(1, 8, 1))
                      && asked.ask(read_holding_registers(1, 9, 1)));
        CHECK(a.error().fault == Fault::timeout);
        CHECK(c.error().fault == Fault::timeout);
        CHECK(peer.requests.size() == 3);
        static_cast<void>(b);
    }(client, server));
}

TEST_CASE("an answer in pieces is put together") {
    asio::io_context io;
    Server server{io, [](const Buffer& request) {
                      Reaction reaction;
                      for (const auto byte : answer_with(request, {0x1234})) {
                          reaction.pieces.push_back({byte});
                      }
                      return reaction;
                  }};
    TcpClient client{io.get_executor(), options(server, kKept)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        const auto result = co_await asked.ask(read_holding_registers(1, 0, 1));
        REQUIRE(result.has_value());
        CHECK(result->registers.at(0) == 0x1234);
    }(client));
}

TEST_CASE("each way to fail has its name") {
    const auto whole = [](const Buffer& request) { return answer_with(request, {1, 2}); };
    CHECK(fault_of([](const Buffer&) { return Reaction{}; }, 30ms) == Fault::timeout);
    CHECK(fault_of([](const Buffer&) { return Reaction{{}, true}; }) == Fault::closed);
    CHECK(fault_of([&](const Buffer& request) {
              auto frame = whole(request);
              frame.pop_back();
              return Reaction{{frame}, true};
          })
          == Fault::closed);
    CHECK(fault_of([&](const Buffer& request) {
              auto frame = whole(request);
              frame[6] = 2;
              return Reaction{{frame}};
          })
          == Fault::unit);
    CHECK(fault_of([](const Buffer& request) { return Reaction{{answer_with(request, {1})}}; })
          == Fault::byte_count);
    CHECK(fault_of([&](const Buffer& request) {
              auto frame = whole(request);
              frame[1] = static_cast<std::uint8_t>(frame[1] + 1);
              return Reaction{{frame}};
          })
          == Fault::transaction);
    CHECK(fault_of([](const Buffer&) {
              return Reaction{{Buffer{'H', 'T', 'T', 'P', '/', '1'}}};
          })
          == Fault::protocol_id);
    CHECK(fault_of([](const Buffer& request) {
              return Reaction{{Buffer{request[0], request[1], 0, 0, 0, 3, 1, 0x83, 2}}};
          })
          == Fault::exception);
}

TEST_CASE("a port nobody listens on refuses, a name nobody has is unknown") {
    asio::io_context io;
    std::uint16_t free_port = 0;
    {
        tcp::acceptor gone{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
        free_port = gone.local_endpoint().port();
    }
    run(io, [](asio::any_io_executor executor, std::uint16_t port) -> asio::awaitable<void> {
        TcpClient::Options to;
        to.host = "127.0.0.1";
        to.port = port;
        TcpClient refused{executor, to};
        const auto no_listener = co_await refused.ask(read_coils(1, 0, 1));
        CHECK(no_listener.error().fault == Fault::refused);
        to.host = "no.such.host.invalid";
        TcpClient unknown{executor, to};
        const auto no_host = co_await unknown.ask(read_coils(1, 0, 1));
        CHECK(no_host.error().fault == Fault::unknown_host);
    }(io.get_executor(), free_port));
}

TEST_CASE("a request outside the limits opens no connection") {
    asio::io_context io;
    Server server{io, [](const Buffer&) { return Reaction{}; }};
    TcpClient client{io.get_executor(), options(server, kKept)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        const auto result = co_await asked.ask(read_coils(1, 0, 0));
        CHECK(result.error().fault == Fault::bad_request);
        CHECK_FALSE(asked.is_connected());
    }(client));
    CHECK(server.connections == 0);
}

TEST_CASE("an answer after its time is dropped and the next question is served") {
    asio::io_context io;
    auto late = std::make_shared<Buffer>();
    Server server{io, [late](const Buffer& request) {
                      if (late->empty()) {
                          *late = answer_with(request, {111});
                          return Reaction{};
                      }
                      return Reaction{{*late, answer_with(request, {222})}};
                  }};
    TcpClient client{io.get_executor(), options(server, kKept)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        const auto first = co_await asked.ask(read_holding_registers(1, 0, 1), 30ms);
        CHECK(first.error().fault == Fault::timeout);
        const auto second = co_await asked.ask(read_holding_registers(1, 0, 1));
        REQUIRE(second.has_value());
        CHECK(second->registers.at(0) == 222);
    }(client));
    CHECK(server.connections == 1);
}

TEST_CASE("a connection on which nothing is ever answered is replaced") {
    asio::io_context io;
    Server server{io, [](const Buffer&) { return Reaction{}; }};
    TcpClient client{io.get_executor(), options(server, kKept)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        for (int i = 0; i < 10; ++i) {
            const auto result = co_await asked.ask(read_coils(1, 0, 1), 5ms);
            CHECK(result.error().fault == Fault::timeout);
        }
    }(client));
    CHECK(server.connections == 2);
}

TEST_CASE("a question that is given up leaves the client usable") {
    const auto mode = GENERATE(kSingle, kKept);
    asio::io_context io;
    Server server{io, [asked = 0](const Buffer& request) mutable {
                      return ++asked == 1 ? Reaction{} : Reaction{{answer_with(request, {9})}};
                  }};
    TcpClient client{io.get_executor(), options(server, mode)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        asio::steady_timer patience{co_await asio::this_coro::executor, 30ms};
        // The second question waits behind the first; both are given up.
        co_await ((asked.ask(read_holding_registers(1, 0, 1)) && asked.ask(read_holding_registers(1, 0, 1)))
                  || patience.async_wait(asio::use_awaitable));
        const auto result = co_await asked.ask(read_holding_registers(1, 0, 1));
        REQUIRE(result.has_value());
        CHECK(result->registers.at(0) == 9);
    }(client));
}

TEST_CASE("closing ends every question under way") {
    asio::io_context io;
    Server server{io, [](const Buffer&) { return Reaction{}; }};
    TcpClient client{io.get_executor(), options(server, kKept)};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        asio::steady_timer soon{co_await asio::this_coro::executor, 30ms};
        soon.async_wait([&](auto) { asked.close(); });
        const auto [a, b] = co_await (asked.ask(read_coils(1, 0, 1)) && asked.ask(read_coils(1, 0, 1)));
        CHECK(a.error().fault == Fault::cancelled);
        CHECK(b.error().fault == Fault::cancelled);
    }(client));
}

TEST_CASE("the tap sees what passes") {
    asio::io_context io;
    Server server{io, [](const Buffer& request) { return Reaction{{answer_with(request, {1})}}; }};
    std::string seen;
    auto wanted = options(server, kSingle);
    wanted.tap = [&seen](TcpClient::Direction direction, wire::Bytes bytes) {
        seen += (direction == TcpClient::Direction::sent ? "> " : "< ") + wire::to_hex(bytes) + "\n";
    };
    TcpClient client{io.get_executor(), wanted};
    run(io, [](TcpClient& asked) -> asio::awaitable<void> {
        const auto result = co_await asked.ask(read_holding_registers(1, 0, 1));
        CHECK(result.has_value());
    }(client));
    CHECK(seen == "> 000100000006010300000001\n< 0001000000050103020001\n");
}
