// A service with one item of every kind, for the statements of the object model. Commands on standard input
// change it, so that tests decide what happens when:
//   set PATH real|text|invalid [VALUE]   a lone change
//   batch PATH=NUMBER ...                several changes in one update
//   add PATH NUMBER / remove PATH        items at run time
//   leave / join                         off the bus and back
//   quit
#include "velib/app.hpp"
#include "velib/device.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <sstream>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
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
        co_await asio::async_read_until(input, buffer, '\n', asio::use_awaitable);
        std::istream stream(&buffer);
        std::string line;
        std::getline(stream, line);
        if (line == "quit") {
            co_return;
        }
        obey(device, line);
        std::cout << "done " << line << std::endl;
    }
}

}  // namespace

int main(int argc, char** argv) {
    App app("velib-test-service", "A service with one item of every kind.");
    std::string name = "com.victronenergy.battery.test";
    std::string id = "test_1";
    std::string second;
    app.cli().add_option("--name", name);
    app.cli().add_option("--id", id);
    app.cli().add_option("--second", second, "name of a second service in the same process");
    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        Settings settings(app.bus());
        Identity identity{.device_class = "battery",
                          .id = id,
                          .preferred_instance = 1,
                          .process_name = app.name(),
                          .process_version = suite_version(),
                          .connection = "test",
                          .product_id = 0xBF01,
                          .product_name = "Test battery",
                          .firmware_version = Value(0x0157),
                          .serial = "T1"};
        Device device(app.bus(), settings, name, identity);
        co_await device.prepare();
        add_items(device.items());
        device.publish();
        std::unique_ptr<Device> other;
        if (!second.empty()) {
            identity.id = id + "_2";
            other = std::make_unique<Device>(app.bus(), settings, second, identity);
            co_await other->prepare();
            other->publish();
        }
        std::cout << "ready" << std::endl;
        co_await obey_stdin(app, device);
        co_return 0;
    });
}
