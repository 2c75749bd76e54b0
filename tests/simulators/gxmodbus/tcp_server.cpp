#include "simulators/gxmodbus/tcp_server.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace gxsim {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct TcpServer::Session {
    explicit Session(tcp::socket s) : socket(std::move(s)) {}
    tcp::socket socket;
    std::vector<std::uint8_t> buffer;
    bool forgotten = false;
};

namespace {

constexpr std::size_t kHeader = 7;
constexpr auto kCrashTime = std::chrono::seconds(2);

// Takes every whole request off the front of a buffer.
std::vector<std::vector<std::uint8_t>> take_requests(std::vector<std::uint8_t>& buffer) {
    std::vector<std::vector<std::uint8_t>> requests;
    while (buffer.size() >= kHeader + 1) {
        const std::size_t size = 6u + (std::size_t{buffer[4]} << 8 | buffer[5]);
        if (size < kHeader + 1 || buffer.size() < size) {
            break;
        }
        requests.emplace_back(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
        buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    }
    return requests;
}

std::vector<std::uint8_t> frame_of(const std::vector<std::uint8_t>& request,
                                   const std::vector<std::uint8_t>& pdu) {
    const std::size_t length = pdu.size() + 1;
    std::vector<std::uint8_t> frame(request.begin(), request.begin() + 4);
    frame.reserve(kHeader + pdu.size());
    frame.push_back(static_cast<std::uint8_t>(length >> 8));
    frame.push_back(static_cast<std::uint8_t>(length));
    frame.push_back(request[6]);
    frame.insert(frame.end(), pdu.begin(), pdu.end());
    return frame;
}

}  // namespace

TcpServer::TcpServer(asio::io_context& context, GxServer& server)
    : context_(context), server_(server), acceptor_(context) {}

TcpServer::~TcpServer() = default;

void TcpServer::open() {
    acceptor_ = tcp::acceptor(context_);
    acceptor_.open(endpoint_.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint_);
    acceptor_.listen();
    asio::co_spawn(context_, accept(), asio::detached);
}

std::uint16_t TcpServer::listen(std::uint16_t port, bool everywhere) {
    endpoint_ =
        everywhere ? tcp::endpoint(tcp::v4(), port) : tcp::endpoint(asio::ip::address_v4::loopback(), port);
    open();
    endpoint_.port(acceptor_.local_endpoint().port());
    return endpoint_.port();
}

void TcpServer::drop_connections() {
    for (const auto& session : sessions_) {
        error_code ignored;
        session->socket.close(ignored);
    }
}

void TcpServer::forget_connections() {
    for (const auto& session : sessions_) {
        session->forgotten = true;
    }
}

void TcpServer::go_away(std::chrono::milliseconds duration) {
    error_code ignored;
    acceptor_.close(ignored);
    drop_connections();
    read_before_.clear();
    asio::co_spawn(
        context_,
        [this, duration, ticket = ++away_]() -> asio::awaitable<void> {
            co_await pause(duration);
            if (ticket == away_) {
                open();
            }
        },
        asio::detached);
}

asio::awaitable<void> TcpServer::pause(std::chrono::milliseconds duration) {
    asio::steady_timer timer(context_, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> TcpServer::accept() {
    for (;;) {
        error_code error;
        auto socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return;
        }
        socket.set_option(tcp::no_delay(true));
        ++accepted_;
        auto session = std::make_shared<Session>(std::move(socket));
        sessions_.insert(session);
        asio::co_spawn(context_, serve(session),
                       [this, session](const std::exception_ptr&) { sessions_.erase(session); });
    }
}

asio::awaitable<void> TcpServer::serve(std::shared_ptr<Session> session) {
    std::array<std::uint8_t, 4096> chunk{};
    for (;;) {
        error_code error;
        const auto size = co_await session->socket.async_read_some(
            asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return;
        }
        session->buffer.insert(session->buffer.end(), chunk.begin(),
                               chunk.begin() + static_cast<std::ptrdiff_t>(size));
        if (misbehaviour.out_of_order) {
            co_await pause(std::chrono::milliseconds(20));  // lets pipelined requests gather
            error_code none;
            const auto more = session->socket.available(none) > 0
                                  ? session->socket.read_some(asio::buffer(chunk), none)
                                  : 0;
            session->buffer.insert(session->buffer.end(), chunk.begin(),
                                   chunk.begin() + static_cast<std::ptrdiff_t>(more));
        }
        auto requests = take_requests(session->buffer);
        if (misbehaviour.out_of_order) {
            std::reverse(requests.begin(), requests.end());
            reordered_ += requests.empty() ? 0 : requests.size() - 1;
        }
        for (auto& request : requests) {
            if (!co_await reply(*session, std::move(request))) {
                error_code ignored;
                session->socket.close(ignored);
                co_return;
            }
        }
    }
}

asio::awaitable<bool> TcpServer::reply(Session& session, std::vector<std::uint8_t> request) {
    const std::vector<std::uint8_t> pdu(request.begin() + kHeader, request.end());
    const auto answer = server_.handle(request[6], pdu);
    if (!answer) {
        go_away(kCrashTime);
        co_return false;
    }
    if (misbehaviour.mute || session.forgotten) {
        co_return true;
    }
    if (std::uniform_real_distribution<double>(0, 1)(random_) < misbehaviour.drop_probability) {
        co_return false;
    }
    const unsigned start = pdu.size() > 2 ? unsigned{pdu[1]} << 8 | pdu[2] : 0;
    const bool first = read_before_.insert(unsigned{request[6]} << 16 | start).second;
    const auto delay =
        misbehaviour.delay + (first ? misbehaviour.first_read_delay : std::chrono::milliseconds(0));
    if (delay.count() > 0) {
        co_await pause(delay);
    }
    auto frame = frame_of(request, *answer);
    if (misbehaviour.wrong_transaction) {
        frame[1] = static_cast<std::uint8_t>(frame[1] + 1);
    }
    if (misbehaviour.garbage) {
        frame.assign({0xde, 0xad, 0xbe, 0xef, 0xff, 0xff, 0, 1, 2, 3});
    }
    if (misbehaviour.cut) {
        frame.resize(frame.size() / 2);
        co_await send(session, frame);
        co_return false;
    }
    co_return co_await send(session, frame);
}

asio::awaitable<bool> TcpServer::send(Session& session, const std::vector<std::uint8_t>& frame) {
    const std::size_t piece = misbehaviour.trickle ? 1 : frame.size();
    for (std::size_t at = 0; at < frame.size(); at += piece) {
        error_code error;
        co_await asio::async_write(session.socket, asio::buffer(frame.data() + at, piece),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return false;
        }
        if (misbehaviour.trickle) {
            co_await pause(std::chrono::milliseconds(1));
        }
    }
    co_return true;
}

}  // namespace gxsim
