// Prints what a monitor sees, one line an event, until it is told to end:
//   settled | appeared NAME ITEMS | changed NAME PATH TEXT | gone NAME
// With --show PATH the text of that item follows its service: initial NAME PATH TEXT. With --until TEXT the monitor ends itself in the handler of the change to that text.
#include "velib/app.hpp"
#include "velib/monitor.hpp"

#include <chrono>
#include <iostream>
#include <memory>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace velib;
namespace asio = boost::asio;

int main(int argc, char** argv) {
    App app("velib-test-monitor", "Prints what a monitor sees.");
    std::vector<std::string> prefixes{"com.victronenergy."};
    std::string show;
    std::string until;
    app.cli().add_option("prefixes", prefixes);
    app.cli().add_option("--show", show);
    app.cli().add_option("--until", until);
    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        std::unique_ptr<Monitor> monitor;
        Monitor::Handlers handlers;
        handlers.settled = [] { std::cout << "settled" << std::endl; };
        handlers.appeared = [&](const MonitoredService& service) {
            std::cout << "appeared " << service.name << ' ' << service.items.size() << std::endl;
            if (const auto item = service.items.find(show); item != service.items.end()) {
                std::cout << "initial " << service.name << ' ' << show << ' ' << item->second.text
                          << std::endl;
            }
        };
        handlers.gone = [](const MonitoredService& service) {
            std::cout << "gone " << service.name << std::endl;
        };
        handlers.changed = [&](const MonitoredService& service, std::string_view path,
                               const MonitoredItem& item) {
            std::cout << "changed " << service.name << ' ' << path << ' ' << item.text << std::endl;
            if (!until.empty() && item.text == until) {
                monitor.reset();
                std::cout << "ended" << std::endl;
            }
        };
        monitor = std::make_unique<Monitor>(app.bus(), prefixes, std::move(handlers));
        asio::steady_timer forever(app.context(), asio::steady_timer::time_point::max());
        co_await forever.async_wait(asio::use_awaitable);
        co_return 0;
    });
}
