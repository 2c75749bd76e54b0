// dbus-serialbattery: batteries with a serial management system on D-Bus.

#include "serialbattery/driver/service.hpp"
#include "velib/app.hpp"

namespace asio = boost::asio;

int serialbattery_main(int argc, char** argv) {
    velib::App app{"dbus-serialbattery", "Publishes batteries with a management system on a serial port."};
    bms::ServiceOptions options;
    app.cli().add_option("ports", options.ports, "serial ports, such as /dev/ttyUSB0")->required();
    app.cli().add_option("--config", options.config, "configuration file");
    app.cli().add_option("--state-dir", options.state_folder, "where to keep what was found on which port");
    return app.run(argc, argv, [&]() -> asio::awaitable<int> { return bms::serve(app, options); });
}
