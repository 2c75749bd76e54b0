// A service with one item of every kind, for the statements of the object model. Commands on standard input
// change it, so that tests decide what happens when:
//   set PATH real|text|invalid [VALUE]   a lone change
//   batch PATH=NUMBER ...                several changes in one update
//   add PATH NUMBER / remove PATH        items at run time
//   silence                              the device is lost: measurements invalid, /Connected 0
//   leave / join                         off the bus and back
//   stubborn                             from now on the program ignores being cancelled
//   quit
// Items under /Handler have write handlers that do what a handler may do: leave the bus, come back, end the item.
#include "velib/app.hpp"
#include "velib/device.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace velib;
namespace asio = boost::asio;

namespace {

void add_items(ItemTree& tree) {
    const auto store = [](const Value&) { return WriteReply::store; };
    const auto refuse = [](const Value&) { return WriteReply::refuse; };
    tree.add("/Dc/0/Voltage", {Type::real, format::dc_volts});
    tree.add("/Dc/0/Current", {Type::real, format::amps}, Value(8.2));
    tree.add("/Soc", {Type::real, format::percent}, Value(55.5));
    tree.add("/Int", {.type = Type::integer, .on_write = store}, Value(5));
    tree.add("/Real", {.type = Type::real, .on_write = store}, Value(1.5));
    tree.add("/Text", {.type = Type::text, .on_write = store}, Value("abc"));
    tree.add("/Limited",
             {.type = Type::integer, .on_write = store, .min = 1, .max = 9, .default_value = Value(4)},
             Value(4));
    tree.add("/Refusing", {.type = Type::integer, .on_write = refuse}, Value(1));
    tree.add("/Pending",
             {.type = Type::integer, .on_write = [](const Value&) { return WriteReply::pending; }}, Value(1));
    tree.add("/Nullable", {.type = Type::integer, .on_write = store, .nullable = true}, Value(1));
    tree.add("/Numbers", {.type = Type::integers}, Value(std::vector<std::int32_t>{1, 2}));
    tree.add("/Texts", {.type = Type::texts}, Value(std::vector<std::string>{"grid", "pvinverter"}));
    tree.add("/Large", {.type = Type::integer}, Value(std::int64_t{1} << 40));
    tree.add("/NotANumber", {Type::real, format::watts}, Value(0.0 / 0.0 * -1));
    tree.add("/Dirty", {.type = Type::text},
             Value(std::string("ser\xff\xfe"
                               "ial\0hidden",
                               15)));
    for (int day = 0; day < 31; ++day) {
        for (const char* name :
             {"Yield", "MaxPower", "MaxPvVoltage", "MaxBatteryVoltage", "MinBatteryVoltage", "TimeInBulk",
              "TimeInAbsorption", "TimeInFloat", "LastError1", "LastError2", "LastError3", "LastError4",
              "Consumption", "Nr", "MaxBatteryCurrent"}) {
            tree.add(fmt::format("/History/Daily/{}/{}", day, name), {Type::real, format::kilowatt_hours},
                     Value(1.0));
        }
    }
}

// What a write handler may do to the service that calls it.
void add_handlers(Device& device, boost::asio::io_context& context) {
    auto& tree = device.items();
    const auto add = [&](const char* path, WriteHandler handler) {
        tree.add(path, {.type = Type::integer, .on_write = std::move(handler)}, Value(0));
    };
    add("/Handler/Leave", [&](const Value&) {
        device.withdraw();
        return WriteReply::store;
    });
    add("/Handler/Rejoin", [&](const Value&) {
        device.withdraw();
        device.publish();
        return WriteReply::store;
    });
    add("/Handler/Remove", [&](const Value&) {
        tree.remove("/Handler/Remove");
        return WriteReply::store;
    });
    add("/Handler/Throw", [](const Value&) -> WriteReply { throw std::runtime_error("no such device"); });
    // The device's answer to the write comes later and is a change of its own.
    add("/Handler/Later", [&](const Value& value) {
        asio::post(context, [&tree, value] { tree.set("/Soc", value); });
        return WriteReply::store;
    });
}

void lose_device(Device& device) {
    Update update(device.items());
    for (const auto* path : {"/Dc/0/Voltage", "/Dc/0/Current", "/Soc"}) {
        update.set(path, Value());
    }
    device.set_connected(update, false);
}

Value parse(const std::string& kind, const std::string& text) {
    if (kind == "invalid") {
        return {};
    }
    return kind == "text" ? Value(text) : Value(parse_real(text));
}

void obey(Device& device, const std::string& line) {
    std::istringstream words(line);
    std::string command, path, kind, text;
    words >> command;
    auto& tree = device.items();
    if (command == "set" && words >> path >> kind) {
        std::getline(words >> std::ws, text);
        tree.set(path, parse(kind, text));
    } else if (command == "batch") {
        Update update(tree);
        while (words >> text) {
            const auto equals = text.find('=');
            update.set(text.substr(0, equals), Value(parse_real(text.substr(equals + 1))));
        }
    } else if (command == "add" && words >> path >> text) {
        tree.add(path, {Type::real, format::watts}, Value(parse_real(text)));
    } else if (command == "remove" && words >> path) {
        tree.remove(path);
    } else if (command == "silence") {
        lose_device(device);
    } else if (command == "leave") {
        device.withdraw();
    } else if (command == "join") {
        device.publish();
    }
}

asio::awaitable<void> obey_stdin(App& app, Device& device) {
    asio::posix::stream_descriptor input(app.context(), dup(STDIN_FILENO));
    asio::streambuf buffer;
    for (;;) {
        boost::system::error_code end;
        co_await asio::async_read_until(input, buffer, '\n', asio::redirect_error(asio::use_awaitable, end));
        if (end == asio::error::eof) {  // nobody commands: serve until the end
            asio::steady_timer forever(app.context(), asio::steady_timer::time_point::max());
            co_await forever.async_wait(asio::use_awaitable);
        }
        std::istream stream(&buffer);
        std::string line;
        std::getline(stream, line);
        if (line == "quit") {
            co_return;
        }
        if (line == "stubborn") {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        }
        obey(device, line);
        std::cout << "done " << line << std::endl;
    }
}

// Shows that the event loop has time for others than the bus.
asio::awaitable<void> tick(ItemTree& tree) {
    auto& ticks = tree.add("/Ticks", {.type = Type::integer}, Value(0));
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int count = 1;; ++count) {
        timer.expires_after(std::chrono::milliseconds(20));
        co_await timer.async_wait(asio::use_awaitable);
        tree.set(ticks, count);
    }
}

}  // namespace

int main(int argc, char** argv) {
    App app("velib-test-service", "A service with one item of every kind.");
    std::string name = "com.victronenergy.battery.test";
    std::string id = "test_1";
    std::string second;
    std::string device_class = "battery";
    std::string firmware;
    bool ticks = false;
    app.cli().add_option("--name", name);
    app.cli().add_option("--id", id);
    app.cli().add_option("--second", second, "name of a second service in the same process");
    app.cli().add_option("--class", device_class);
    app.cli().add_option("--firmware", firmware, "a firmware version that is a string");
    app.cli().add_flag("--ticks", ticks, "count in /Ticks");
    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        Settings settings(app.bus());
        Identity identity{.device_class = device_class,
                          .id = id,
                          .preferred_instance = 1,
                          .process_name = app.name(),
                          .process_version = suite_version(),
                          .connection = "test",
                          .product_id = 0xBF01,
                          .product_name = "Test battery",
                          .firmware_version = firmware.empty() ? Value(0x0157) : Value(firmware),
                          .serial = "T1"};
        Device device(app.bus(), settings, name, identity);
        co_await device.prepare();
        add_items(device.items());
        add_handlers(device, app.context());
        if (ticks) {
            asio::co_spawn(app.context(), tick(device.items()), asio::detached);
        }
        device.publish();
        std::unique_ptr<Device> other;
        if (!second.empty()) {
            identity.id = id + "_2";
            identity.serial = "T2";
            other = std::make_unique<Device>(app.bus(), settings, second, identity);
            co_await other->prepare();
            other->publish();
        }
        std::cout << "ready" << std::endl;
        co_await obey_stdin(app, device);
        co_return 0;
    });
}
