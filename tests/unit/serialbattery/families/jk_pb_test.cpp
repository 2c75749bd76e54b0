#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

enum Type : std::uint8_t { kSettings = 1, kStatus = 2, kAbout = 3 };

class Block {
  public:
    explicit Block(Type type) : bytes_(300) {
        const std::array<std::uint8_t, 5> head{0x55, 0xaa, 0xeb, 0x90, type};
        std::copy(head.begin(), head.end(), bytes_.begin());
    }
    Block& word(std::size_t at, unsigned value) { return number(at, value, 2); }
    Block& longer(std::size_t at, unsigned value) { return number(at, value, 4); }
    Block& byte(std::size_t at, unsigned value) { return number(at, value, 1); }
    Block& text(std::size_t at, std::string_view text) {
        std::copy(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
        return *this;
    }
    [[nodiscard]] std::string hex() const {
        auto bytes = bytes_;
        bytes.back() = wire::sum8(wire::Bytes(bytes).first(299));
        return wire::to_hex(bytes);
    }

  private:
    Block& number(std::size_t at, unsigned value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) {
            bytes_[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
        }
        return *this;
    }
    wire::Buffer bytes_;
};

const std::string kAskSettings = "0110161e0001020000d22f";
const std::string kAskStatus =
    "01101620000102"
    "0000d6f1";
const std::string kAskAbout =
    "0110161c000102"
    "0000d3cd";
std::string ack(const std::string& unit, const std::string& reg) {
    return modbus_frame(unit + "10" + reg + "0001");
}

Block settings() {
    Block block(kSettings);
    block.longer(10, 2600).longer(18, 3650).longer(38, 3450).longer(50, 100'000).longer(62, 150'000);
    block.longer(114, 4).longer(118, 1).longer(122, 1).longer(126, 1).longer(130, 280'000);
    return block;
}
Block status(int milliamperes = -2500) {
    Block block(kStatus);
    for (std::size_t i = 0; i < 4; ++i) {
        block.word(6 + 2 * i, 3300);
    }
    block.longer(70, 0xf).word(144, 255).longer(150, 13'200).longer(158, static_cast<unsigned>(milliamperes));
    block.word(162, 210).word(164, 0xffce).byte(173, 80).longer(174, 224'000).byte(198, 1).byte(199, 1);
    return block.byte(214, 0x07);
}

std::string about(std::string_view hardware, std::string_view firmware) {
    Block block(kAbout);
    block.text(6, "JK_PB2A16S20P").text(22, hardware).text(30, firmware).text(46, "Garage");
    return block.text(62, "1234").text(86, "40812345678").hex() + ack("01", "161c");
}

test::ScriptedDevice unit(const Options& options = {}) {
    test::ScriptedDevice device(*find_family("jk_pb"), 1, options);
    device.answer(kAskSettings, settings().hex() + "00" + ack("01", "161e") + "00");
    device.answer(kAskStatus, status().hex() + ack("01", "1620"));
    device.answer(kAskAbout, about("15A", "15.41"));
    return device;
}

}  // namespace

TEST_CASE("jk_pb: a whole reading") {
    auto device = unit();
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 13.2);
    CHECK(battery.current_a == -2.5);
    CHECK(battery.soc_pct == 80.0);
    CHECK(battery.capacity_ah == 280.0);
    CHECK(battery.cells.size() == 4);
    CHECK(battery.temperatures
          == std::vector<Temperature>{{Place::mosfet, 25.5}, {Place::cell, 21.0}, {Place::cell, -5.0}});
    CHECK(battery.charge_voltage_limit_v == 13.8);
    CHECK(battery.charge_current_limit_a == 100.0);
    CHECK(battery.discharge_current_limit_a == 150.0);
    CHECK(battery.model == "JK_PB2A16S20P");
    CHECK(battery.device_name == "Garage");
    CHECK(battery.unique_id == "40812345678_1");
    CHECK(battery.charge_switch == true);
}

TEST_CASE("jk_pb: a block carries no address, so only its acknowledge tells whose it is") {
    SECTION("without one it is believed where the user says that nobody else is there") {
        auto device = unit({.sole_unit = true});
        device.answer(kAskStatus, status().hex());
        CHECK(device.poll());
        CHECK(device.battery().current_a == -2.5);
    }
    SECTION("else it is not") {
        auto device = unit();
        device.answer(kAskStatus, status().hex());
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().current_a);
        CHECK(device.times_asked(kAskStatus) == 2);
    }
    SECTION("a late one of another unit") {
        auto device = unit();
        REQUIRE(device.poll());
        device.answer(kAskStatus, status(77'000).hex() + ack("02", "1620"));
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().current_a);
    }
    SECTION("that in front of the own one") {
        auto device = unit();
        device.answer(kAskStatus,
                      status(77'000).hex() + ack("02", "1620") + status().hex() + "00" + ack("01", "1620"));
        CHECK(device.poll());
        CHECK(device.battery().current_a == -2.5);
    }
}

TEST_CASE("jk_pb: the about block is asked for again when it was lost") {
    auto device = unit();
    device.mute(kAskAbout);
    REQUIRE(device.poll());
    CHECK(device.battery().unique_id.empty());
    device.answer(kAskAbout, about("15A", "15.41"));
    REQUIRE(device.poll());
    CHECK(device.battery().unique_id == "40812345678_1");
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskAbout) == 2);
}

TEST_CASE("jk_pb: older boards heat by the lower temperatures of charging") {
    struct Board {
        const char* hardware;
        const char* firmware;
        double start;
        double stop;
    };
    const auto board = GENERATE(Board{"15A", "15.41", 2, 8}, Board{"19A", "10.07", 2, 8},
                                Board{"15A", "15.10", -5, 5}, Board{"14A", "15.41", -5, 5});
    INFO(board.hardware << ' ' << board.firmware);
    auto device = unit();
    auto block = settings();
    block.longer(98, static_cast<unsigned>(-50)).longer(102, 50).byte(284, 2).byte(285, 8);
    device.answer(kAskSettings, block.hex() + ack("01", "161e"));
    device.answer(kAskAbout, about(board.hardware, board.firmware));
    REQUIRE(device.poll());
    CHECK(device.battery().heater_start_c == board.start);
    CHECK(device.battery().heater_stop_c == board.stop);
}

TEST_CASE("jk_pb: under-voltage of a cell and of the pack are not confused") {
    auto device = unit();
    device.answer(kAskStatus, status().longer(166, 1u << 11).hex() + ack("01", "1620"));
    REQUIRE(device.poll());
    CHECK(device.battery().alarms[Alarm::low_cell_voltage] == Level::alarm);
    CHECK(device.battery().alarms[Alarm::low_voltage] == Level::ok);
    CHECK_FALSE(device.battery().alarms[Alarm::low_soc]);
    device.answer(kAskStatus, status().longer(166, 1u << 12).hex() + ack("01", "1620"));
    REQUIRE(device.poll());
    CHECK(device.battery().alarms[Alarm::low_cell_voltage] == Level::ok);
    CHECK(device.battery().alarms[Alarm::low_voltage] == Level::alarm);
}

TEST_CASE("jk_pb: a switch is written, then the settings are read") {
    auto device = unit();
    REQUIRE(device.poll());
    device.answer(
        "01101078000204000000003"
        "8ed",
        "0110107800"
        "02c511");
    device.answer(kAskSettings, settings().longer(126, 0).hex() + ack("01", "161e"));
    CHECK(device.control(Control::balancing, 0));
    CHECK(read_back(device.battery(), Control::balancing) == 0);
    CHECK(read_back(device.battery(), Control::charge) == 1);
}
