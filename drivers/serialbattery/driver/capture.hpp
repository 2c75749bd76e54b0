#pragma once
// Records every byte of the ports while BMS_CAPTURE_RAW_DATA is on, and switches it off by itself after a while.

#include "serialbattery/control/settings.hpp"
#include "serialbattery/driver/host.hpp"
#include "transport/serial/recorder.hpp"

#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

namespace bms {

class Capture {
  public:
    /// The file is called after `name`. Null: something else is recorded, or nothing can be.
    Capture(Host& host, std::shared_ptr<transport::Recorder> recorder, std::string name);

    /// Does what the settings say now.
    void apply();
    /// ... and from now on: the settings service knows them.
    void follow();

  private:
    void begin(const control::Settings& settings);
    void expire();

    Host& host_;
    std::shared_ptr<transport::Recorder> recorder_;
    std::string name_;
    boost::asio::steady_timer timer_;
    velib::Settings::Subscription changes_;
    bool done_ = false;  ///< has been on for long enough; not again before it was off
};

}  // namespace bms
