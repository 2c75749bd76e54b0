#include "serialbattery/driver/measurement.hpp"

#include "velib/service.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace bms {
namespace {

std::string key_of(std::string_view text) {
    std::string key;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        key += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
    }
    return key;
}

/// Neither empty nor something a maker left in all its boards.
bool credible(std::string_view serial) {
    constexpr std::size_t kShortest = 4;
    if (serial.size() < kShortest) {
        return false;
    }
    const bool one_letter = std::ranges::all_of(serial, [&](char c) { return c == serial.front(); });
    constexpr auto kDefaults =
        std::to_array<std::string_view>({"12345678", "123456", "00000001", "1234567890"});
    return !one_letter && std::ranges::find(kDefaults, serial) == kDefaults.end();
}

}  // namespace

control::Pack pack_of(const Battery& battery) {
    control::Pack pack;
    pack.cell_count = battery.cells.empty() ? battery.cell_count.value_or(0) : battery.cells.size();
    pack.capacity_ah = battery.capacity_ah ? battery.capacity_ah : battery.full_ah;
    if (pack.capacity_ah && *pack.capacity_ah <= 0) {
        pack.capacity_ah.reset();
    }
    return pack;
}

control::Pack pack_of(const Battery& battery, const control::Pack& known) {
    control::Pack pack = pack_of(battery);
    pack.cell_count = known.cell_count > 0 ? known.cell_count : pack.cell_count;
    pack.capacity_ah = pack.capacity_ah ? pack.capacity_ah : known.capacity_ah;
    return pack;
}

control::Measurement measurement_of(const Battery& battery, const control::Settings& settings) {
    control::Measurement reading;
    reading.cells.reserve(battery.cells.size());
    for (const auto& cell : battery.cells) {
        reading.cells.push_back(cell.volts);
        reading.balancing = reading.balancing || cell.balancing.value_or(false);
    }
    if (battery.cells.empty() && battery.min_cell_v && battery.max_cell_v) {
        reading.extremes = control::CellExtremes{*battery.min_cell_v, *battery.max_cell_v};
    }
    reading.voltage_v = battery.voltage_v;
    reading.current_a = battery.current_a;
    reading.soc_percent = battery.soc_pct;
    reading.remaining_ah = battery.remaining_ah;
    for (const auto& sensor : battery.temperatures) {
        if (sensor.place == Place::cell) {
            reading.temperatures_c.push_back(sensor.celsius);
        } else if (sensor.place == Place::mosfet && !reading.mosfet_c) {
            reading.mosfet_c = sensor.celsius;
        }
    }
    reading.charge_fet = battery.charge_fet;
    reading.discharge_fet = battery.discharge_fet;
    reading.balancing = reading.balancing || battery.balancing.value_or(false);
    reading.heating = battery.heating.value_or(false);
    reading.alarms = battery.alarms;
    reading.bms_charge_voltage_v = battery.charge_voltage_limit_v;
    reading.bms_charge_current_a = battery.charge_current_limit_a;
    reading.bms_discharge_current_a = battery.discharge_current_limit_a;
    // Where a protection trips is no rating, but more than that can never be asked for.
    const auto lower = static_cast<double>(control::LimitSource::lower);
    if (!reading.bms_charge_current_a && settings.charge_current_source == lower) {
        reading.bms_charge_current_a = battery.charge_overcurrent_a;
    }
    if (!reading.bms_discharge_current_a && settings.discharge_current_source == lower) {
        reading.bms_discharge_current_a = battery.discharge_overcurrent_a;
    }
    if (battery.cycles) {
        reading.history.charge_cycles = static_cast<double>(*battery.cycles);
    }
    reading.history.total_ah_drawn = battery.discharged_ah;
    reading.history.discharged_energy_kwh = battery.discharged_kwh;
    reading.history.charged_energy_kwh = battery.charged_kwh;
    return reading;
}

Options options_of(const control::Settings& settings) {
    Options options;
    options.first_sensor_is_mosfet = settings.first_sensor_is_mosfet;
    if (settings.renogy_pro != "AUTO") {
        options.tenfold_current = settings.renogy_pro == "YES";
    }
    options.direct_only = settings.up16s_direct;
    if (settings.lipro_start_address) {
        options.first_monitor = static_cast<std::uint8_t>(*settings.lipro_start_address);
    }
    return options;
}

std::string identity_key(const Battery& battery, std::string_view place, bool by_place) {
    if (!by_place && credible(battery.unique_id)) {
        return key_of(battery.unique_id);
    }
    if (!by_place && credible(battery.serial)) {
        return key_of(battery.serial);
    }
    return key_of(place);
}

std::string product_name(const Battery& battery, const Family& family) {
    const std::string maker = battery.manufacturer.empty() ? std::string(family.title) : battery.manufacturer;
    return battery.model.empty() || battery.model == maker ? maker : maker + " " + battery.model;
}

std::string port_name(std::string_view path) {
    const auto slash = path.rfind('/');
    std::string name(slash == std::string_view::npos ? path : path.substr(slash + 1));
    if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0) {
        name = "pts" + name;
    }
    return velib::bus_name_element(name);
}

std::string address_text(unsigned address) {
    return fmt::format("0x{:02X}", address);
}

}  // namespace bms
