#include "serialbattery/driver/port.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace bms {
namespace asio = boost::asio;
namespace {

transport::LineSettings settings_of(const Line& line) {
    return {.baud = line.baud, .even_parity = line.parity == Parity::even};
}

}  // namespace

std::optional<SerialFault> LocalPort::open(const std::string& path, const Line& line) {
    return serial_.open(path, settings_of(line));
}

std::optional<SerialFault> LocalPort::set_line(const Line& line) {
    return serial_.set_line(settings_of(line));
}

asio::awaitable<void> LocalPort::pause(TimePoint until) {
    const auto beyond = until.time_since_epoch() % raster_;
    timer_.expires_at(beyond == Clock::duration::zero() ? until : until + raster_ - beyond);
    co_await timer_.async_wait(asio::use_awaitable);
}

}  // namespace bms
