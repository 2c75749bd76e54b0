#include "view.hpp"

#include "support/catch.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <string>

using namespace velib;
using namespace velib::cli;

namespace {

Services two_services() {
    Services services;
    auto& solar = services["com.victronenergy.solarcharger.tsmppt"];
    solar.name = "com.victronenergy.solarcharger.tsmppt";
    solar.items["/Alarms/LowVoltage"] = {Value(2), "2"};
    solar.items["/Connected"] = {Value(1), "1"};
    solar.items["/Dc/0/Current"] = {Value(8.2), "8.2A"};
    solar.items["/Dc/0/Voltage"] = {Value(27.01), "27.01V"};
    solar.items["/DeviceInstance"] = {Value(3), "3"};
    solar.items["/History/Daily/0/Yield"] = {Value(1.5), "1.50kWh"};
    solar.items["/History/Daily/1/Yield"] = {Value(2.5), "2.50kWh"};
    solar.items["/Load/I"] = {Value(), "---"};
    solar.items["/ProductName"] = {Value("TriStar MPPT"), "TriStar MPPT"};
    auto& meter = services["com.victronenergy.grid.meter"];
    meter.name = "com.victronenergy.grid.meter";
    meter.items["/CustomName"] = {Value("Zähler"), "Zähler"};
    return services;
}

// Columns of a line on the screen, colours taken out.
std::size_t columns_of(const std::string& line) {
    std::string bare;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b') {
            i = line.find('m', i);
        } else {
            bare += line[i];
        }
    }
    return display_width(bare);
}

}  // namespace

TEST_CASE("a wide enough screen shows every item, history folded") {
    const auto screen = render(two_services(), {}, {.width = 80, .height = 0});
    const std::vector<std::string> expected{
        "2 services, 10 items",
        "com.victronenergy.grid.meter  Zähler",
        "  /CustomName         Zähler        Zähler",
        "",
        "com.victronenergy.solarcharger.tsmppt  TriStar MPPT · instance 3 · connected",
        "  /Alarms/LowVoltage             2  2",
        "  /Connected                     1  1",
        "  /Dc/0/Current                8.2  8.2A",
        "  /Dc/0/Voltage              27.01  27.01V",
        "  /DeviceInstance                3  3",
        "  /Load/I             —             ---",
        "  /ProductName        TriStar MPPT  TriStar MPPT",
        "  /History/... 2 items",
    };
    CHECK(screen.lines == expected);
    CHECK(screen.most_scroll == 0);

    const auto all = render(two_services(), {}, {.width = 80, .height = 0, .history = true});
    CHECK(all.lines.size() == expected.size() + 1);
}

TEST_CASE("a plain terminal gets plain characters") {
    const auto screen = render(two_services(), {}, {.width = 80, .height = 0, .unicode = false});
    for (const auto& line : screen.lines) {
        INFO(line);
        CHECK(std::ranges::all_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    }
    CHECK(screen.lines[1] == "com.victronenergy.grid.meter  Z?hler");
    CHECK(screen.lines[10] == "  /Load/I             --            ---");
}

TEST_CASE("no line is wider and no screen is higher than the terminal") {
    const auto services = two_services();
    for (const std::size_t width : {20, 25, 33, 40, 61, 80, 132, 200, 400}) {
        for (const std::size_t height : {0, 4, 5, 8, 13, 14, 15, 40}) {
            for (const bool color : {false, true}) {
                const auto screen =
                    render(services, {},
                           {.width = width, .height = height, .color = color, .scroll = 3, .title = {"t"}});
                INFO(width << " x " << height);
                CHECK((height == 0 || screen.lines.size() <= height));
                for (const auto& line : screen.lines) {
                    INFO(line);
                    CHECK(columns_of(line) <= width);
                }
            }
        }
    }
}

TEST_CASE("a low, wide screen shows columns side by side") {
    const auto screen = render(two_services(), {}, {.width = 160, .height = 9});
    CHECK(screen.most_scroll == 0);
    REQUIRE(screen.lines.size() == 9);
    CHECK(screen.lines[1].starts_with("com.victronenergy.grid.meter  Zähler"));
    CHECK(screen.lines[1].find("/Dc/0/Voltage") != std::string::npos);
    CHECK(screen.lines.back() == "q quit  h history");
}

TEST_CASE("a low, narrow screen is scrolled") {
    ViewStyle style{.width = 60, .height = 6};
    auto screen = render(two_services(), {}, style);
    CHECK(screen.most_scroll == 8);
    CHECK(screen.lines.back() == "8 more below  q quit  h history  arrows and page keys scroll");
    style.scroll = 8;
    screen = render(two_services(), {}, style);
    CHECK(screen.lines[4] == "  /History/... 2 items");
    style.scroll = 1000;
    CHECK(render(two_services(), {}, style).lines == screen.lines);
}

TEST_CASE("changes stand out for a while") {
    const std::string solar = "com.victronenergy.solarcharger.tsmppt";
    Changes changes;
    const Clock::time_point now{};
    CHECK_FALSE(changes.next_expiry());
    changes.note(solar, "/Dc/0/Current", now);
    changes.note(solar, "/Dc/0/Voltage", now + std::chrono::seconds(1));
    CHECK(changes.next_expiry() == now + kHighlight);

    const auto plain = render(two_services(), changes, {.width = 80, .height = 0});
    CHECK(plain.lines[7] == "* /Dc/0/Current                8.2  8.2A");
    const auto colored = render(two_services(), changes, {.width = 80, .height = 0, .color = true});
    CHECK(colored.lines[7] == "  /Dc/0/Current                \x1b[1;33m8.2\x1b[0m  \x1b[1;33m8.2A\x1b[0m");
    CHECK(colored.lines[5].find("\x1b[1;31m2\x1b[0m") != std::string::npos);

    changes.expire(now + kHighlight);
    CHECK_FALSE(changes.recent(solar, "/Dc/0/Current"));
    CHECK(changes.recent(solar, "/Dc/0/Voltage"));
    changes.forget(solar);
    CHECK_FALSE(changes.recent(solar, "/Dc/0/Voltage"));
}

TEST_CASE("nothing on the bus is said so") {
    const auto screen = render({}, {}, {.width = 80, .height = 24});
    CHECK(screen.lines == std::vector<std::string>{"waiting for services", "q quit  h history"});
}

TEST_CASE("a device cannot send commands to the terminal") {
    CHECK(for_terminal("a\x1b[2Jb\x7f\xc2\x9b", 80, true) == "a?[2Jb??");
    CHECK(for_terminal("bro\xff", 80, true) == "bro\xef\xbf\xbd");
}

TEST_CASE("texts are cut at the width of the screen, not in the middle of a character") {
    CHECK(for_terminal("abcdef", 6, true) == "abcdef");
    CHECK(for_terminal("abcdef", 5, true) == "abcd…");
    CHECK(for_terminal("abcdef", 5, false) == "abcd~");
    CHECK(for_terminal("日本語", 6, true) == "日本語");
    CHECK(for_terminal("日本語", 5, true) == "日本…");
    CHECK(for_terminal("日本語", 4, true) == "日…");
    CHECK(for_terminal("abc", 0, true).empty());
    CHECK(display_width("e\xcc\x81") == 1);
}
