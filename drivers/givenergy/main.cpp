// dbus-givenergy: GivEnergy inverters on D-Bus, MQTT and the command line.

#include "givenergy/driver/serve.hpp"
#include "givenergy/tool/command_line.hpp"
#include "velib/app.hpp"

int givenergy_main(int argc, char** argv) {
    velib::App app("dbus-givenergy", "Publishes GivEnergy inverters and batteries on D-Bus and MQTT.");
    givenergy::CommandLine command_line(app);
    return app.run(argc, argv, [&]() -> boost::asio::awaitable<int> {
        if (command_line.given()) {
            co_return co_await command_line.run();
        }
        co_return co_await givenergy::serve(app, command_line.serve_options());
    });
}
