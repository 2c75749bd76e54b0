// velib-settings: the settings service for machines that have none.
#include "settings_service.hpp"
#include "velib/app.hpp"

#include <filesystem>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace asio = boost::asio;

namespace {

// Until a signal, or the loss of the bus.
asio::awaitable<void> until_stopped(velib::App& app) {
    asio::steady_timer forever(app.context(), asio::steady_timer::time_point::max());
    boost::system::error_code cancelled;
    co_await forever.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

}  // namespace

int main(int argc, char** argv) {
    velib::App app(
        "velib-settings",
        "Offers com.victronenergy.settings where there is no GX: keeps settings in a file, hands out "
        "VRM instances.");
    std::string directory = "/data/conf";
    std::string presets = "/etc/venus/settings.d";
    app.cli().add_option("--path", directory, "directory of settings.xml")->capture_default_str();
    app.cli()
        .add_option("--presets", presets, "directory of files with settings that shall exist")
        ->capture_default_str();
    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        std::filesystem::create_directories(directory);
        velib::settings::SettingsService service(app.bus(), {directory, presets});
        service.start();
        co_await until_stopped(app);
        co_return service.stop() ? 0 : 1;
    });
}
