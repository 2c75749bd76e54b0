#include "transport/serial/serial_port.hpp"

#include "support/catch.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

using transport::LineSettings;
using transport::SerialFault;
using transport::SerialPort;
using namespace std::chrono_literals;

namespace {

/// The master side of a pseudo-terminal: the far end of the cable.
class Cable {
  public:
    Cable() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
        REQUIRE(master_ >= 0);
        REQUIRE(::grantpt(master_) == 0);
        REQUIRE(::unlockpt(master_) == 0);
        std::array<char, 64> name{};
        REQUIRE(::ptsname_r(master_, name.data(), name.size()) == 0);
        path_ = name.data();
    }
    ~Cable() { unplug(); }
    Cable(const Cable&) = delete;
    Cable& operator=(const Cable&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    void put(std::string_view text) {
        REQUIRE(::write(master_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string get_hex() {
        std::array<std::uint8_t, 64> buffer{};
        const auto count = ::read(master_, buffer.data(), buffer.size());
        return count > 0 ? wire::to_hex(wire::Bytes(buffer).first(static_cast<std::size_t>(count)))
                         : std::string();
    }
    [[nodiscard]] speed_t speed() const {
        termios now{};
        REQUIRE(::tcgetattr(master_, &now) == 0);
        return ::cfgetospeed(&now);
    }
    void unplug() {
        if (master_ >= 0) {
            ::close(master_);
            master_ = -1;
        }
    }

  private:
    int master_;
    std::string path_;
};

template <class Body>
void run(Body body) {
    boost::asio::io_context context;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, body(context),
                          [&failure](std::exception_ptr thrown) { failure = thrown; });
    context.run();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace

TEST_CASE("bytes pass unchanged in both directions") {
    Cable cable;
    run([&](boost::asio::io_context& context) -> boost::asio::awaitable<void> {
        SerialPort port(context.get_executor());
        CHECK_FALSE(port.open(cable.path(), {9600}));
        const std::array<std::uint8_t, 4> out{0x00, 0x0d, 0x0a, 0xff};
        const auto fault = co_await port.write(out);  // CHECK would evaluate it more than once
        CHECK_FALSE(fault);
        CHECK(cable.get_hex() == "000d0aff");
        cable.put(std::string_view("\x03\x11\x13\x7f", 4));
        std::array<std::uint8_t, 16> in{};
        const auto count = co_await port.read_some(in, SerialPort::Clock::now() + 5s);
        REQUIRE(count);
        CHECK(wire::to_hex(wire::Bytes(in).first(*count)) == "0311137f");
    });
}

TEST_CASE("a read waits for what comes later") {
    Cable cable;
    run([&](boost::asio::io_context& context) -> boost::asio::awaitable<void> {
        SerialPort port(context.get_executor());
        CHECK_FALSE(port.open(cable.path(), {9600}));
        std::array<std::uint8_t, 16> in{};
        const std::array<std::string, 2> texts{"first", "second"};
        for (const auto& text : texts) {
            boost::asio::post(context, [&] { cable.put(text); });
            const auto count = co_await port.read_some(in, SerialPort::Clock::now() + 5s);
            REQUIRE(count);
            CHECK(std::string(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(*count)) == text);
        }
    });
}

TEST_CASE("a read ends at its deadline with nothing") {
    Cable cable;
    run([&](boost::asio::io_context& context) -> boost::asio::awaitable<void> {
        SerialPort port(context.get_executor());
        CHECK_FALSE(port.open(cable.path(), {9600}));
        std::array<std::uint8_t, 16> in{};
        const auto until = SerialPort::Clock::now() + 20ms;
        const auto count = co_await port.read_some(in, until);
        REQUIRE(count);
        CHECK(*count == 0);
        CHECK(SerialPort::Clock::now() >= until);
    });
}

TEST_CASE("the line changes on the open port, and what waited is thrown away") {
    Cable cable;
    run([&](boost::asio::io_context& context) -> boost::asio::awaitable<void> {
        SerialPort port(context.get_executor());
        CHECK_FALSE(port.open(cable.path(), {9600}));
        CHECK(cable.speed() == B9600);
        CHECK_FALSE(port.set_line({115200}));
        CHECK(port.line() == LineSettings{115200});
        CHECK(cable.speed() == B115200);
        cable.put("stale");
        port.discard_input();
        cable.put("new");
        std::array<std::uint8_t, 16> in{};
        const auto count = co_await port.read_some(in, SerialPort::Clock::now() + 5s);
        REQUIRE(count);
        CHECK(std::string(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(*count)) == "new");
    });
}

TEST_CASE("a port is held alone and given back") {
    Cable cable;
    boost::asio::io_context context;
    SerialPort first(context.get_executor());
    SerialPort second(context.get_executor());
    CHECK_FALSE(first.open(cable.path(), {9600}));
    CHECK(second.open(cable.path(), {9600}) == SerialFault::busy);
    CHECK_FALSE(second.is_open());
    first.close();
    CHECK_FALSE(second.open(cable.path(), {9600}));
}

TEST_CASE("what cannot be opened is named") {
    boost::asio::io_context context;
    SerialPort port(context.get_executor());
    CHECK(port.open("/dev/ttyNOSUCH0", {9600}) == SerialFault::missing);
    CHECK(port.open("/dev/null", {9600}) == SerialFault::not_a_port);
    CHECK_FALSE(transport::describe(SerialFault::busy).empty());
}

TEST_CASE("an unplugged cable is reported by the read under way") {
    Cable cable;
    run([&](boost::asio::io_context& context) -> boost::asio::awaitable<void> {
        SerialPort port(context.get_executor());
        CHECK_FALSE(port.open(cable.path(), {9600}));
        cable.unplug();
        std::array<std::uint8_t, 16> in{};
        const auto count = co_await port.read_some(in, SerialPort::Clock::now() + 5s);
        REQUIRE_FALSE(count);
        CHECK(count.error() == SerialFault::gone);
    });
}
