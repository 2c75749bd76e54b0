#include "givenergy/driver/link.hpp"

#include <array>
#include <charconv>
#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kWriteAttempts = 3;
constexpr std::chrono::seconds kRefusalPause{2};
constexpr Request kThrowAway{kInverterAddress, Function::read_holding, 0, 1};

asio::awaitable<void> sleep_until(Clock::time_point when) {
    asio::steady_timer timer(co_await asio::this_coro::executor, when);
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

std::string AdapterAddress::text() const {
    return port == kAdapterPort ? host : host + ":" + std::to_string(port);
}

std::optional<AdapterAddress> parse_address(std::string_view text) {
    const auto from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) {
        return std::nullopt;
    }
    text = text.substr(from, text.find_last_not_of(" \t") - from + 1);
    AdapterAddress address;
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        const std::string_view digits = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
        if (error != std::errc{} || end != digits.data() + digits.size() || address.port == 0) {
            return std::nullopt;
        }
        text = text.substr(0, colon);
    }
    if (text.empty() || text.find_first_of(" \t:/") != std::string_view::npos) {
        return std::nullopt;
    }
    address.host = text;
    return address;
}

std::string_view to_string(LinkFault fault) {
    static constexpr std::array<std::string_view, 4> kNames{"the connection is gone", "no answer", "refused",
                                                            "echoed with another value"};
    return kNames[static_cast<std::size_t>(fault)];
}

/// Shared with the reading coroutine, which may outlive the Link for a moment.
class Link::Connection : public std::enable_shared_from_this<Link::Connection> {
  public:
    Connection(const asio::any_io_executor& executor, AdapterAddress where, LinkTiming pace)
        : address(std::move(where)), timing(pace), socket_(executor), answered_(executor) {}

    asio::awaitable<bool> connect(std::string* why);
    void close();
    [[nodiscard]] bool open() const { return socket_.is_open(); }
    asio::awaitable<wire::Expected<Frame, LinkFault>> ask_read(Request request);
    asio::awaitable<wire::Expected<WriteReply, LinkFault>> ask_write(ApprovedWrite write);
    asio::awaitable<bool> find_registered(ApprovedWrite write);

    AdapterAddress address;
    LinkTiming timing;
    std::string adapter_serial;
    LinkStatistics statistics;
    Clock::time_point next_write{};

  private:
    enum class Waiting : std::uint8_t { nothing, read, write };

    asio::awaitable<void> receive(std::uint64_t generation);
    void take(const Frame& frame);
    void send(Buffer bytes);
    void send_next();
    asio::awaitable<bool> exchange(Buffer bytes, Milliseconds timeout);

    tcp::socket socket_;
    asio::steady_timer answered_;
    Framer framer_;
    std::deque<Buffer> out_;
    Waiting waiting_ = Waiting::nothing;
    Request request_;
    std::uint16_t reg_ = 0, value_ = 0;
    std::optional<Frame> answer_;
    WriteReply write_reply_ = WriteReply::unsolicited;
    Clock::time_point next_request_{}, last_frame_{};
    int timeouts_ = 0;
    std::uint64_t generation_ = 0;
    bool discarding_ = false;
};

asio::awaitable<bool> Link::Connection::connect(std::string* why) {
    using namespace asio::experimental::awaitable_operators;
    close();
    const auto fail = [&](const std::string& reason) {
        if (why != nullptr) {
            *why = reason;
        }
        close();
        return false;
    };
    const auto attempt = [](Connection& self) -> asio::awaitable<error_code> {
        error_code error;
        tcp::resolver resolver(self.socket_.get_executor());
        const auto found =
            co_await resolver.async_resolve(self.address.host, std::to_string(self.address.port),
                                            asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            co_await asio::async_connect(self.socket_, found,
                                         asio::redirect_error(asio::use_awaitable, error));
        }
        co_return error;
    };
    asio::steady_timer limit(socket_.get_executor(), timing.connect_timeout);
    const auto outcome = co_await (attempt(*this) || limit.async_wait(asio::use_awaitable));
    if (outcome.index() == 1) {
        const std::string reason =
            "no connection within " + std::to_string(timing.connect_timeout.count()) + " ms";
        co_return fail(reason);
    }
    if (const error_code error = std::get<0>(outcome); error) {
        const std::string reason = error.message();
        co_return fail(reason);
    }
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    ++statistics.connections;
    ++generation_;
    timeouts_ = 0;
    last_frame_ = Clock::now();
    framer_.clear();
    discarding_ = true;
    asio::co_spawn(
        socket_.get_executor(),
        [self = shared_from_this(), generation = generation_] { return self->receive(generation); },
        asio::detached);
    co_await sleep_until(Clock::now() + timing.settle);
    discarding_ = false;
    // Adapters deliver leftovers of earlier clients first; this answer nobody needs.
    const auto leftover = co_await ask_read(kThrowAway);
    static_cast<void>(leftover);
    if (!open()) {
        const std::string reason = "closed by the adapter";
        co_return fail(reason);
    }
    co_return true;
}

void Link::Connection::close() {
    error_code ignored;
    socket_.close(ignored);
    ++generation_;
    out_.clear();
    answered_.cancel();
}

asio::awaitable<void> Link::Connection::receive(std::uint64_t generation) {
    std::array<std::uint8_t, 1024> chunk{};
    while (generation == generation_) {
        error_code error;
        const std::size_t size = co_await socket_.async_read_some(
            asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
        if (generation != generation_) {
            co_return;
        }
        if (error) {
            spdlog::debug("{}: {}", address.text(), error.message());
            close();
            co_return;
        }
        framer_.feed(Bytes{chunk.data(), size}, [this](const Frame& frame) { take(frame); });
    }
}

void Link::Connection::take(const Frame& frame) {
    if (!frame.intact) {
        ++statistics.bad_frames;
        return;
    }
    last_frame_ = Clock::now();
    if (adapter_serial.empty()) {
        adapter_serial = frame.adapter_serial;
    }
    if (frame.kind == FrameKind::heartbeat) {
        ++statistics.heartbeats;
        send(encode_heartbeat_reply(frame));
        return;
    }
    if (discarding_ || answer_) {
        return;
    }
    if (waiting_ == Waiting::read && answers(frame, request_)) {
        answer_ = frame;
        answered_.cancel();
        return;
    }
    if (waiting_ == Waiting::write) {
        write_reply_ = judge_write(frame, reg_, value_);
        if (write_reply_ != WriteReply::unsolicited) {
            answer_ = frame;
            answered_.cancel();
            return;
        }
    }
    ++statistics.foreign;
}

void Link::Connection::send(Buffer bytes) {
    out_.push_back(std::move(bytes));
    if (out_.size() == 1) {
        send_next();
    }
}

void Link::Connection::send_next() {
    asio::async_write(socket_, asio::buffer(out_.front()),
                      [self = shared_from_this(), generation = generation_](error_code error, std::size_t) {
                          if (generation != self->generation_ || self->out_.empty()) {
                              return;
                          }
                          self->out_.pop_front();
                          if (error) {
                              self->close();
                          } else if (!self->out_.empty()) {
                              self->send_next();
                          }
                      });
}

/// Sends and waits; true when answer_ is there. The caller has set what is waited for.
asio::awaitable<bool> Link::Connection::exchange(Buffer bytes, Milliseconds timeout) {
    answer_.reset();
    co_await sleep_until(next_request_);
    if (!open()) {
        waiting_ = Waiting::nothing;
        co_return false;
    }
    ++statistics.requests;
    send(std::move(bytes));
    answered_.expires_after(timeout);
    error_code cancelled;
    co_await answered_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    waiting_ = Waiting::nothing;
    next_request_ = Clock::now() + timing.gap;
    if (answer_) {
        timeouts_ = 0;
        ++statistics.answers;
        co_return true;
    }
    if (open()) {
        ++statistics.timeouts;
        const bool silent = Clock::now() - last_frame_ > timing.silence;
        if (++timeouts_ >= timing.timeouts_until_dead || silent) {
            spdlog::debug("{}: {} timeouts in a row, closing", address.text(), timeouts_);
            close();
        }
    }
    co_return false;
}

asio::awaitable<wire::Expected<Frame, LinkFault>> Link::Connection::ask_read(Request request) {
    waiting_ = Waiting::read;
    request_ = request;
    Buffer bytes = encode_read(request);
    const bool answered = co_await exchange(std::move(bytes), timing.read_timeout);
    if (!answered) {
        co_return wire::Unexpected{open() ? LinkFault::timeout : LinkFault::disconnected};
    }
    if (answer_->kind == FrameKind::error_response) {
        ++statistics.refusals;
        co_return wire::Unexpected{LinkFault::refused};
    }
    co_return *answer_;
}

asio::awaitable<wire::Expected<WriteReply, LinkFault>> Link::Connection::ask_write(ApprovedWrite write) {
    co_await sleep_until(next_write);
    waiting_ = Waiting::write;
    reg_ = write.reg();
    value_ = write.value();
    Buffer bytes = encode(write);
    const bool answered = co_await exchange(std::move(bytes), timing.write_timeout);
    next_write = Clock::now() + timing.write_gap;
    if (!answered) {
        co_return wire::Unexpected{open() ? LinkFault::timeout : LinkFault::disconnected};
    }
    if (answer_->kind == FrameKind::error_response) {
        ++statistics.refusals;
        co_return wire::Unexpected{LinkFault::refused};
    }
    co_return write_reply_;
}

/// True if the register holds the value although no answer to the write came.
asio::awaitable<bool> Link::Connection::find_registered(ApprovedWrite write) {
    const auto bank = co_await ask_read({kInverterAddress, Function::read_holding, write.reg(), 1});
    co_return bank && bank->registers().front() == write.value();
}

Link::Link(asio::any_io_executor executor, AdapterAddress address, LinkTiming timing)
    : connection_(std::make_shared<Connection>(std::move(executor), std::move(address), timing)) {}

Link::~Link() {
    connection_->close();
}

asio::awaitable<bool> Link::connect(std::string* why) {
    const auto connection = connection_;
    co_return co_await connection->connect(why);
}

void Link::close() {
    connection_->close();
}

bool Link::connected() const {
    return connection_->open();
}

asio::awaitable<wire::Expected<std::vector<std::uint16_t>, LinkFault>> Link::read(Request request,
                                                                                  int retries) {
    const auto connection = connection_;
    LinkFault fault = LinkFault::disconnected;
    for (int attempt = 0; attempt <= retries && connection->open(); ++attempt) {
        if (attempt > 0) {
            co_await sleep_until(Clock::now() + connection->timing.retry_pause);
        }
        const auto frame = co_await connection->ask_read(request);
        if (frame) {
            co_return std::vector<std::uint16_t>(frame->registers().begin(), frame->registers().end());
        }
        fault = frame.error();
        if (fault == LinkFault::refused) {
            break;
        }
    }
    co_return wire::Unexpected{fault};
}

asio::awaitable<std::optional<LinkFault>> Link::write(ApprovedWrite write) {
    const auto connection = connection_;
    LinkFault fault = LinkFault::disconnected;
    for (int attempt = 0; attempt < kWriteAttempts && connection->open(); ++attempt) {
        if (attempt > 0) {
            const bool registered = co_await connection->find_registered(write);
            if (registered) {
                co_return std::nullopt;
            }
        }
        const auto reply = co_await connection->ask_write(write);
        if (reply && *reply == WriteReply::success) {
            co_return std::nullopt;
        }
        if (reply && *reply == WriteReply::failure) {
            co_return LinkFault::mismatch;
        }
        fault = reply ? LinkFault::timeout : reply.error();
        if (fault == LinkFault::refused) {
            // Adapters refuse spuriously now and then.
            co_await sleep_until(
                Clock::now() + std::min<Clock::duration>(kRefusalPause, 2 * connection->timing.write_gap));
        }
    }
    co_return fault;
}

void Link::set_timing(const LinkTiming& timing) {
    connection_->timing = timing;
}

const AdapterAddress& Link::address() const {
    return connection_->address;
}

const std::string& Link::adapter_serial() const {
    return connection_->adapter_serial;
}

const LinkStatistics& Link::statistics() const {
    return connection_->statistics;
}

}  // namespace givenergy
