#include "transport/modbus/tcp_client.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace transport::modbus {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr auto kResumed = asio::as_tuple(asio::use_awaitable);

/// So many unanswered questions on one connection, and it counts as dead.
constexpr std::size_t kMaxLate = 8;

Fault fault_of(const error_code& code) {
    using namespace asio::error;
    static constexpr auto kUnreachable = std::to_array<basic_errors>(
        {host_unreachable, network_unreachable, network_down, address_family_not_supported});
    if (code == eof) {
        return Fault::closed;
    }
    if (code == connection_refused) {
        return Fault::refused;
    }
    if (code == timed_out) {
        return Fault::timeout;
    }
    if (code == operation_aborted) {
        return Fault::cancelled;
    }
    if (code == connection_reset || code == connection_aborted || code == broken_pipe) {
        return Fault::reset;
    }
    if (code.category() == get_netdb_category() || code.category() == get_addrinfo_category()) {
        return Fault::unknown_host;
    }
    return std::ranges::any_of(kUnreachable, [&](auto candidate) { return code == candidate; })
               ? Fault::unreachable
               : Fault::network;
}

/// A timer used as a condition: wait() sleeps until wake() or the deadline.
class Signal {
  public:
    explicit Signal(const asio::any_io_executor& executor) : timer_(executor) {}

    asio::awaitable<void> wait() { co_await wait_until(asio::steady_timer::time_point::max()); }
    asio::awaitable<void> wait_until(asio::steady_timer::time_point deadline) {
        timer_.expires_at(deadline);
        co_await timer_.async_wait(kResumed);
    }
    void wake() { timer_.cancel(); }

  private:
    asio::steady_timer timer_;
};

}  // namespace

/// Resolving and connecting within one deadline. Lives by its own handlers, so that it serves all who wait for it
/// and a name lookup that hangs (it cannot be interrupted) delays nobody.
struct TcpClient::Attempt : std::enable_shared_from_this<Attempt> {
    using Finished = std::function<void(std::optional<Error>, tcp::socket)>;

    explicit Attempt(const asio::any_io_executor& executor)
        : resolver(executor), socket(executor), deadline(executor) {}

    void start(const Options& options, Finished when_finished) {
        finished = std::move(when_finished);
        deadline.expires_after(options.connect_timeout);
        deadline.async_wait([self = shared_from_this()](error_code code) {
            if (!code) {
                self->finish(Error{Fault::timeout});
            }
        });
        error_code not_numeric;
        const auto address = asio::ip::make_address(options.host, not_numeric);
        if (!not_numeric) {
            connect(
                tcp::resolver::results_type::create(tcp::endpoint{address, options.port}, options.host, ""));
            return;
        }
        resolver.async_resolve(options.host, std::to_string(options.port), tcp::resolver::numeric_service,
                               [self = shared_from_this()](error_code code, const auto& endpoints) {
                                   if (code) {
                                       self->finish(Error{fault_of(code)});
                                   } else if (self->finished) {
                                       self->connect(endpoints);
                                   }
                               });
    }

    void connect(const tcp::resolver::results_type& endpoints) {
        asio::async_connect(socket, endpoints,
                            [self = shared_from_this()](error_code code, const tcp::endpoint&) {
                                self->finish(code ? std::optional{Error{fault_of(code)}} : std::nullopt);
                            });
    }

    /// The first call counts.
    void finish(std::optional<Error> error) {
        if (!finished) {
            return;
        }
        const auto report = std::exchange(finished, nullptr);
        deadline.cancel();
        resolver.cancel();
        if (error) {
            error_code ignored;
            socket.close(ignored);
        }
        report(error, std::move(socket));
    }

    tcp::resolver resolver;
    tcp::socket socket;
    asio::steady_timer deadline;
    Finished finished;
};

/// One open socket with the questions that wait on it.
struct TcpClient::Connection : std::enable_shared_from_this<Connection> {
    struct Pending {
        Pending(const asio::any_io_executor& executor, const Request& question)
            : request(question), answered(executor) {}

        const Request& request;
        Signal answered;
        std::optional<Result<Response>> result;
    };

    Connection(tcp::socket connected, decltype(Options::tap) observer)
        : socket(std::move(connected)), tap(std::move(observer)) {
        error_code ignored;
        socket.set_option(tcp::no_delay{true}, ignored);
        socket.set_option(asio::socket_base::keep_alive{true}, ignored);
    }

    void start() { asio::co_spawn(socket.get_executor(), receive(shared_from_this()), asio::detached); }

    void send(wire::Buffer frame) {
        const bool idle = outgoing.empty();
        outgoing.push_back(std::move(frame));
        if (idle) {
            asio::co_spawn(socket.get_executor(), transmit(shared_from_this()), asio::detached);
        }
    }

    static asio::awaitable<void> transmit(std::shared_ptr<Connection> self) {
        while (self->is_open && !self->outgoing.empty()) {
            const auto& frame = self->outgoing.front();
            if (self->tap) {
                self->tap(Direction::sent, frame);
            }
            const auto [code, count] =
                co_await asio::async_write(self->socket, asio::buffer(frame), kResumed);
            self->outgoing.pop_front();
            if (code) {
                self->end(fault_of(code));
            }
        }
    }

    static asio::awaitable<void> receive(std::shared_ptr<Connection> self) {
        std::array<std::uint8_t, 1024> bytes{};
        while (self->is_open) {
            const auto [code, count] = co_await self->socket.async_read_some(asio::buffer(bytes), kResumed);
            if (code) {
                self->end(fault_of(code));
                co_return;
            }
            self->take(wire::Bytes{bytes}.first(count));
        }
    }

    void take(wire::Bytes bytes) {
        if (tap) {
            tap(Direction::received, bytes);
        }
        reader.feed(bytes);
        while (is_open) {
            const auto frame = reader.next();
            if (!frame) {
                end(frame.error().fault);
            } else if (!frame->has_value()) {
                return;
            } else {
                dispatch(**frame);
            }
        }
    }

    void dispatch(const Frame& frame) {
        const auto found = pending.find(frame.transaction);
        if (found == pending.end()) {
            if (late.erase(frame.transaction) == 0) {
                end(Fault::transaction);
            }
            return;
        }
        Pending& question = *found->second;
        pending.erase(found);
        question.result = decode(question.request, frame);
        question.answered.wake();
        if (!*question.result && is_malformed(question.result->error().fault)) {
            end(Fault::closed);
        }
    }

    /// Closes the socket; every question that still waits gets `fault`.
    void end(Fault fault) {
        if (!is_open) {
            return;
        }
        is_open = false;
        error_code ignored;
        socket.close(ignored);
        for (auto& [transaction, question] : std::exchange(pending, {})) {
            question->result = Result<Response>{wire::Unexpected{Error{fault}}};
            question->answered.wake();
        }
    }

    /// Nobody waits for this answer any longer.
    void forget(std::uint16_t transaction) {
        if (pending.erase(transaction) != 0) {
            late.insert(transaction);
            if (late.size() > kMaxLate) {
                end(Fault::timeout);
            }
        }
    }

    tcp::socket socket;
    decltype(Options::tap) tap;
    FrameReader reader;
    std::map<std::uint16_t, Pending*> pending;
    std::set<std::uint16_t> late;
    std::deque<wire::Buffer> outgoing;
    bool is_open = true;
};

struct TcpClient::Core : std::enable_shared_from_this<Core> {
    /// Waits for whatever changes in the core: a place in flight, the end of a connection attempt.
    struct Waiter {
        explicit Waiter(const asio::any_io_executor& executor) : turn(executor) {}
        Signal turn;
        bool called = false;
        std::optional<Error> error;
    };
    /// A list of waiters. One that is cancelled leaves it, and passes on a call it got but could not follow.
    struct Queue {
        void call_first() {
            const auto waiting = std::ranges::find(waiters, false, &Waiter::called);
            if (waiting != waiters.end()) {
                call(**waiting, {});
            }
        }
        void call_all(std::optional<Error> error) {
            for (auto* waiter : waiters) {
                call(*waiter, error);
            }
        }
        static void call(Waiter& waiter, std::optional<Error> error) {
            waiter.called = true;
            waiter.error = error;
            waiter.turn.wake();
        }
        asio::awaitable<std::optional<Error>> wait(const asio::any_io_executor& executor) {
            struct Place {
                Place(Queue& joined, const asio::any_io_executor& ex) : queue(joined), waiter(ex) {
                    queue.waiters.push_back(&waiter);
                }
                Place(const Place&) = delete;
                Place& operator=(const Place&) = delete;
                ~Place() {
                    std::erase(queue.waiters, &waiter);
                    if (waiter.called && !resumed) {
                        queue.call_first();
                    }
                }
                Queue& queue;
                Waiter waiter;
                bool resumed = false;
            } place{*this, executor};
            while (!place.waiter.called) {
                co_await place.waiter.turn.wait();
            }
            place.resumed = true;
            co_return place.waiter.error;
        }
        std::deque<Waiter*> waiters;
    };
    /// One of the places in flight; given back when the question is over, however it ends.
    struct Slot {
        explicit Slot(Core& owner) : core(owner) { ++core.busy; }
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;
        ~Slot() {
            --core.busy;
            core.slots.call_first();
        }
        Core& core;
    };
    /// A question on its connection; taken off it when the asking coroutine ends, however it ends.
    struct Exchange {
        Exchange(Core& owner, std::shared_ptr<Connection> on, const Request& request)
            : core(owner), connection(std::move(on)), pending(core.executor, request) {
            do {
                transaction = ++core.last_transaction;
            } while (connection->pending.contains(transaction) || connection->late.contains(transaction));
            connection->pending.emplace(transaction, &pending);
        }
        Exchange(const Exchange&) = delete;
        Exchange& operator=(const Exchange&) = delete;
        ~Exchange() {
            connection->forget(transaction);
            if (core.options.mode == Mode::one_request_per_connection) {
                connection->end(Fault::cancelled);
            }
        }
        Core& core;
        std::shared_ptr<Connection> connection;
        Connection::Pending pending;
        std::uint16_t transaction = 0;
    };

    Core(asio::any_io_executor ex, Options given) : executor(std::move(ex)), options(std::move(given)) {
        const bool kept = options.mode != Mode::one_request_per_connection;
        options.in_flight = kept ? std::max<std::size_t>(options.in_flight, 1) : 1;
    }

    void connect() {
        attempt = std::make_shared<Attempt>(executor);
        attempt->start(options, [weak = weak_from_this()](std::optional<Error> error, tcp::socket socket) {
            if (const auto core = weak.lock()) {
                core->attempt.reset();
                if (!error) {
                    core->connection = std::make_shared<Connection>(std::move(socket), core->options.tap);
                    core->connection->start();
                }
                core->connecting.call_all(error);
            }
        });
    }

    asio::awaitable<Result<std::shared_ptr<Connection>>> connected() {
        while (!connection || !connection->is_open) {
            if (connection && options.mode == Mode::until_lost) {
                co_return wire::Unexpected{Error{Fault::closed}};
            }
            if (!attempt) {
                connect();
            }
            const auto error = co_await connecting.wait(executor);
            if (error) {
                co_return wire::Unexpected{*error};
            }
        }
        co_return connection;
    }

    static asio::awaitable<Result<Response>> ask(std::shared_ptr<Core> core, Request request,
                                                 milliseconds timeout) {
        if (const auto checked = encode(0, request); !checked) {
            co_return wire::Unexpected{checked.error()};
        }
        while (core->busy >= core->options.in_flight) {
            const auto error = co_await core->slots.wait(core->executor);
            if (error) {
                co_return wire::Unexpected{*error};
            }
        }
        const Slot slot{*core};
        const auto connection = co_await core->connected();
        if (!connection) {
            co_return wire::Unexpected{connection.error()};
        }
        Exchange exchange{*core, *connection, request};
        (*connection)->send(*encode(exchange.transaction, request));
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        while (!exchange.pending.result && std::chrono::steady_clock::now() < deadline) {
            co_await exchange.pending.answered.wait_until(deadline);
        }
        if (!exchange.pending.result) {
            co_return wire::Unexpected{Error{Fault::timeout}};
        }
        co_return std::move(*exchange.pending.result);
    }

    void close() {
        slots.call_all(Error{Fault::cancelled});
        if (attempt) {
            attempt->finish(Error{Fault::cancelled});
        }
        if (connection) {
            connection->end(Fault::cancelled);
            connection.reset();
        }
    }

    asio::any_io_executor executor;
    Options options;
    std::shared_ptr<Attempt> attempt;
    std::shared_ptr<Connection> connection;
    Queue slots;
    Queue connecting;
    std::size_t busy = 0;
    std::uint16_t last_transaction = 0;
};

TcpClient::TcpClient(asio::any_io_executor executor, Options options)
    : core_(std::make_shared<Core>(std::move(executor), std::move(options))) {}

TcpClient::~TcpClient() {
    close();
}

asio::awaitable<Result<Response>> TcpClient::ask(Request request,
                                                 std::optional<milliseconds> response_timeout) {
    return Core::ask(core_, std::move(request), response_timeout.value_or(core_->options.response_timeout));
}

void TcpClient::close() {
    core_->close();
}

bool TcpClient::is_connected() const {
    return core_->connection && core_->connection->is_open;
}

}  // namespace transport::modbus
