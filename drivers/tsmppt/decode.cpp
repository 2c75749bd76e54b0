#include "tsmppt/decode.hpp"

#include "transport/modbus/frame.hpp"
#include "tsmppt/venus.hpp"
#include "wire/bytes.hpp"

#include <charconv>
#include <istream>
#include <ostream>
#include <utility>

namespace tristar {

namespace {

using Json = nlohmann::ordered_json;
namespace modbus = transport::modbus;

constexpr int kDecimals = 4;

template <class Value>
void put(Json& object, std::string_view key, const std::optional<Value>& value) {
    if (value) {
        object[std::string{key}] = *value;
    }
}

Json decoded_of(const Charger& charger, const Identity& identity) {
    Json object = Json::object();
    for (const auto& row : kRam) {
        if (row.key.empty()) {
            continue;
        }
        if (const auto* number = std::get_if<Register<Charger>::Number>(&row.member)) {
            const auto& value = charger.**number;
            put(object, row.key, value ? std::optional{rounded(*value, kDecimals)} : std::nullopt);
        } else {
            put(object, row.key, charger.*std::get<Register<Charger>::Word>(row.member));
        }
    }
    if (charger.remote_sensor_connected == false) {
        object["rts_temperature"] = nullptr;
    }
    put(object, "serial", identity.serial);
    put(object, "model", identity.product);
    put(object, "hardware_version", identity.hardware_version);
    return object;
}

/// Day 0 straight from the registers, without the history's knowledge of which day they belong to.
void put_today(Json& object, const Charger& charger) {
    const auto put_scaled = [&object](std::string_view path, auto value, double divisor, int decimals) {
        put(object, path, value ? std::optional{rounded(*value / divisor, decimals)} : std::nullopt);
    };
    const auto put_minutes = [&object](std::string_view path, std::optional<std::uint32_t> seconds) {
        put(object, path, seconds ? std::optional{*seconds / 60} : std::nullopt);
    };
    put_scaled("/History/Daily/0/Yield", charger.wh_today, 1000.0, 3);
    put_scaled("/History/Daily/0/MaxPower", charger.max_watts_today, 1.0, 0);
    put_scaled("/History/Daily/0/MaxPvVoltage", charger.array_max_volts_today, 1.0, 2);
    put_scaled("/History/Daily/0/MaxBatteryVoltage", charger.battery_max_volts_today, 1.0, 2);
    put_scaled("/History/Daily/0/MinBatteryVoltage", charger.battery_min_volts_today, 1.0, 2);
    put_minutes("/History/Daily/0/TimeInAbsorption", charger.absorption_seconds_today);
    put_minutes("/History/Daily/0/TimeInFloat", charger.float_seconds_today);
}

Json venus_of(const Charger& charger, const Identity& identity) {
    const auto values = to_venus(charger);
    Json object = Json::object();
    put(object, "/Dc/0/Voltage", values.dc_volts);
    put(object, "/Dc/0/Current", values.dc_amps);
    put(object, "/Dc/0/Temperature", values.dc_celsius);
    if (charger.remote_sensor_connected == false) {
        object["/Dc/0/Temperature"] = nullptr;
    }
    put(object, "/Pv/V", values.pv_volts);
    put(object, "/Pv/I", values.pv_amps);
    put(object, "/Yield/Power", values.pv_watts);
    put(object, "/State", values.state);
    put(object, "/MppOperationMode", values.mpp_mode);
    put(object, "/ErrorCode", values.error_code);
    put(object, "/Alarms/HighTemperature", values.high_temperature_alarm);
    put(object, "/Alarms/ShortCircuit", values.short_circuit_alarm);
    put(object, "/FirmwareVersion", values.firmware_version);
    put_today(object, charger);
    put(object, "/Serial", identity.serial);
    put(object, "/ProductName", identity.product);
    return object;
}

Json error(std::string text) {
    return Json{{"error", std::move(text)}};
}

/// The words of a captured answer to a register read, at the address of its request; false when it is none.
bool add_frames(const Json& adu, Image& image) {
    if (!adu.is_object() || !adu.contains("request") || !adu.contains("response")
        || !adu["request"].is_string() || !adu["response"].is_string()) {
        return false;
    }
    const auto asked = wire::from_hex(adu["request"].get<std::string>());
    const auto answered = wire::from_hex(adu["response"].get<std::string>());
    constexpr std::size_t kReadRequestBytes = 12;
    if (!asked || !answered || asked->size() != kReadRequestBytes || ((*asked)[7] != 3 && (*asked)[7] != 4)) {
        return false;
    }
    const modbus::Request request{(*asked)[6],
                                  static_cast<modbus::Function>((*asked)[7]),
                                  wire::be16(*asked, 8),
                                  wire::be16(*asked, 10),
                                  {}};
    modbus::FrameReader reader;
    reader.feed(*answered);
    const auto frame = reader.next();
    if (!frame || !frame->has_value()) {
        return false;
    }
    auto response = modbus::decode(request, **frame);
    if (!response) {
        return false;
    }
    image.add(request.address, std::move(response->registers));
    return true;
}

bool add_registers(const Json& registers, Image& image) {
    if (!registers.is_object()) {
        return false;
    }
    for (const auto& [key, value] : registers.items()) {
        std::uint16_t address = 0;
        const auto [end, fault] = std::from_chars(key.data(), key.data() + key.size(), address);
        if (fault != std::errc{} || end != key.data() + key.size() || !value.is_number_unsigned()
            || value.get<std::uint64_t>() > 0xFFFF) {
            return false;
        }
        image.add(address, value.get<std::uint16_t>());
    }
    return true;
}

}  // namespace

Json to_json(const Image& image) {
    const auto charger = decode_charger(image);
    if (!charger) {
        return error(charger.error() == ImageFault::no_scaling ? "no_scaling" : "implausible");
    }
    const auto identity = decode_identity(image);
    Json object{{"decoded", decoded_of(*charger, identity)}, {"venus", venus_of(*charger, identity)}};
    if (charger->dip_switches) {
        object["dip_switches_on"] = Json::array();
        for (int number = 1; number <= 8; ++number) {
            if ((*charger->dip_switches >> (number - 1) & 1) != 0) {
                object["dip_switches_on"].push_back(number);
            }
        }
    }
    return object;
}

Json decode_line(const std::string& line) {
    const auto input = Json::parse(line, nullptr, false);
    if (!input.is_object()) {
        return error("not a JSON object");
    }
    Image image;
    if (input.contains("registers")) {
        if (!add_registers(input["registers"], image)) {
            return error("\"registers\" must map addresses to words of 0 to 65535");
        }
    } else if (!input.contains("adu") || !add_frames(input["adu"], image)) {
        return error("neither \"registers\" nor the frames of a register read in \"adu\"");
    }
    return to_json(image);
}

bool decode_lines(std::istream& in, std::ostream& out) {
    bool all_good = true;
    for (std::string line; std::getline(in, line);) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) {
            continue;
        }
        const auto result = decode_line(line);
        all_good = all_good && !result.contains("error");
        out << result.dump() << '\n';
    }
    out.flush();
    return all_good;
}

}  // namespace tristar
