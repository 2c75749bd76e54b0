#include "serialbattery/driver/handover.hpp"

#include "common/pause.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
using Stream = asio::local::stream_protocol;
using namespace std::chrono_literals;
namespace {

constexpr auto kFirstWord = 5s;     ///< for a guest's first word
constexpr auto kFarewell = 1500ms;  ///< for the port, when its process has to end
constexpr std::size_t kLongestLine = 4096;

// One line each way: the guest's is the path of its port, the answer comes at the end.
constexpr std::array<std::pair<GivenUp, std::string_view>, 4> kAnswers{{
    {GivenUp::excluded, "excluded"},
    {GivenUp::no_port, "no port"},
    {GivenUp::nothing, "nothing"},
    {GivenUp::failed, "failed"},
}};

/// No file: it needs no clearing away after a crash, and there can be only one of a name.
std::optional<Stream::endpoint> meeting_place(const std::filesystem::path& state_folder) {
    const auto name = "dbus-serialbattery:" + std::filesystem::weakly_canonical(state_folder).string();
    constexpr std::size_t kLongestName = 106;
    if (name.size() > kLongestName) {
        return std::nullopt;
    }
    return std::string(1, '\0') + name;
}

bool is_trusted(Stream::socket& peer) {
    ucred who{};
    socklen_t size = sizeof who;
    return ::getsockopt(peer.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0
           && (who.uid == 0 || who.uid == ::geteuid());
}

/// One line without its end; nothing when the other side has gone, or says more than a line can hold.
asio::awaitable<std::optional<std::string>> read_line(Stream::socket& socket) {
    std::string text;
    boost::system::error_code fault;
    const auto size = co_await asio::async_read_until(socket, asio::dynamic_buffer(text, kLongestLine), '\n',
                                                      asio::redirect_error(asio::use_awaitable, fault));
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (fault) {
        co_return std::nullopt;
    }
    co_return text.substr(0, size - 1);
}

asio::awaitable<void> write_line(Stream::socket& socket, std::string_view line) {
    const auto text = std::string(line) + '\n';
    boost::system::error_code ignored;  // who has gone needs no answer
    co_await asio::async_write(socket, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, ignored));
}

/// Returns when the other side has nothing more to say.
asio::awaitable<void> read_to_end(Stream::socket& socket) {
    std::array<char, 256> unused{};
    boost::system::error_code fault;
    while (!fault) {
        co_await socket.async_read_some(asio::buffer(unused),
                                        asio::redirect_error(asio::use_awaitable, fault));
    }
}

asio::awaitable<bool> connect(Stream::socket& socket, std::filesystem::path state_folder) {
    const auto place = meeting_place(state_folder);
    if (!place) {
        co_return false;
    }
    boost::system::error_code fault;
    co_await socket.async_connect(*place, asio::redirect_error(asio::use_awaitable, fault));
    co_return !fault && is_trusted(socket);
}

}  // namespace

// ------------------------------------------------------------------------------------ who takes ports

Reception::Reception(const asio::any_io_executor& executor, const std::filesystem::path& state_folder)
    : acceptor_(executor, Stream()) {
    const auto place = meeting_place(state_folder);
    if (!place) {
        throw std::runtime_error("the path of the state folder is too long to take over ports: "
                                 + state_folder.string());
    }
    boost::system::error_code fault;
    acceptor_.bind(*place, fault);
    if (fault) {
        throw std::runtime_error("another process takes the ports of " + state_folder.string()
                                 + " already: " + fault.message());
    }
    acceptor_.listen();
}

asio::awaitable<Guest> Reception::next() {
    for (;;) {
        auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
        if (is_trusted(socket)) {
            co_return Guest(std::move(socket));
        }
        spdlog::warn("a port of another user was refused");
    }
}

asio::awaitable<std::optional<std::string>> Guest::port() {
    auto line = read_line(socket_);
    auto enough = common::pause(kFirstWord);
    const auto said = co_await (std::move(line) || std::move(enough));
    const auto* path = std::get_if<0>(&said);
    if (path == nullptr || !*path) {
        co_return std::nullopt;  // it only looked whether somebody is here
    }
    if (!(*path)->starts_with('/')) {
        spdlog::warn("a process wanted to hand over something else than a port");
        co_return std::nullopt;
    }
    co_return *path;
}

asio::awaitable<void> Guest::leaving() {
    return read_to_end(socket_);
}

asio::awaitable<void> Guest::dismiss(GivenUp why) {
    for (const auto& [reason, answer] : kAnswers) {
        if (reason == why) {
            co_await write_line(socket_, answer);
        }
    }
}

// ---------------------------------------------------------------------------------- who hands one over

asio::awaitable<bool> is_somebody_there(std::filesystem::path state_folder) {
    Stream::socket socket(co_await asio::this_coro::executor);
    co_return co_await connect(socket, std::move(state_folder));
}

asio::awaitable<Handover> hand_over(std::filesystem::path state_folder, std::string port) {
    Stream::socket socket(co_await asio::this_coro::executor);
    const bool connected = co_await connect(socket, std::move(state_folder));
    if (!connected) {
        co_return Handover{};
    }
    spdlog::info("{}: handed over to the process that serves all ports, and logs what it finds", port);
    co_await write_line(socket, port);
    std::optional<std::string> answer;
    std::exception_ptr cancelled;
    try {
        answer = co_await read_line(socket);
    } catch (...) {
        cancelled = std::current_exception();
    }
    if (cancelled) {
        // Whoever is started next on this port may have it at once.
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        boost::system::error_code ignored;
        socket.shutdown(Stream::socket::shutdown_send, ignored);
        auto end = read_to_end(socket);
        auto enough = common::pause(kFarewell);
        co_await (std::move(end) || std::move(enough));
        std::rethrow_exception(cancelled);
    }
    Handover done{.taken = true, .why = {}};
    for (const auto& [reason, text] : kAnswers) {
        if (answer == text) {
            done.why = reason;
        }
    }
    co_return done;
}

}  // namespace bms
