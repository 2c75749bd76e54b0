#pragma once
// One serial port: opens it, finds out what is there, polls the batteries on it, looks for further ones, survives
// unplugging, and gives the port up when nothing of ours is there.

#include "serialbattery/detect/detector.hpp"
#include "serialbattery/driver/given_up.hpp"
#include "serialbattery/driver/host.hpp"
#include "serialbattery/driver/port_source.hpp"
#include "serialbattery/driver/unit.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace bms {

class PortWorker {
  public:
    PortWorker(Host& host, std::string path, OpenPort open_port);
    PortWorker(const PortWorker&) = delete;
    PortWorker& operator=(const PortWorker&) = delete;
    ~PortWorker();

    /// Serves the port until it is given up or cancelled.
    boost::asio::awaitable<GivenUp> run();
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::vector<std::unique_ptr<Unit>>& units() { return units_; }

  private:
    boost::asio::awaitable<std::optional<SerialFault>> open();
    boost::asio::awaitable<std::optional<Detected>> detect();
    boost::asio::awaitable<void> serve();
    boost::asio::awaitable<void> listen(const Detected& found);
    boost::asio::awaitable<void> wait_until(TimePoint when);
    boost::asio::awaitable<void> reopen();
    boost::asio::awaitable<void> look_for_more();
    [[nodiscard]] Unit* next_due();
    [[nodiscard]] bool all_gone() const;
    void add_unit(const Location& place, std::unique_ptr<Session> session);
    void plan_scan(const Location& found);
    [[nodiscard]] std::optional<Location> remembered() const;
    void remember(const Location& place) const;
    void wake() { wake_.cancel(); }

    Host& host_;
    std::string path_;
    std::string name_;
    OpenPort open_port_;
    control::Settings settings_;  ///< of the port, from the file
    std::vector<std::uint8_t> addresses_;
    std::unique_ptr<Port> port_;
    boost::asio::steady_timer wake_;
    std::vector<std::unique_ptr<Unit>> units_;
    std::vector<Location> unheard_;  ///< where further batteries may be
    std::size_t scan_at_ = 0;
    bool swept_ = false;
    TimePoint next_look_{};
    bool redetect_ = false;
};

}  // namespace bms
