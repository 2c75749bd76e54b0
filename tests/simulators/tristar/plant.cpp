#include "simulators/tristar/plant.hpp"

#include <algorithm>
#include <cmath>

namespace tristar_simulator {

namespace {

constexpr std::uint16_t kState = 50;
constexpr std::uint16_t kFaults = 44;
constexpr std::uint16_t kDip = 48;
constexpr std::uint16_t kFirstSlave = 88;
constexpr std::uint16_t kEepromStart = 0x1500;
constexpr std::uint16_t kRelease = 0xFFF0;
constexpr std::uint16_t kIllegalFunction = 1;
constexpr std::uint16_t kIllegalAddress = 2;

struct Hour {
    Scene scene;
    double begins;
};
constexpr std::array<Hour, 8> kHours{{{Scene::before_dawn, 0},
                                      {Scene::night_check, 6.5},
                                      {Scene::stale_morning, 7},
                                      {Scene::fresh_morning, 7.1},
                                      {Scene::bulk, 11.5},
                                      {Scene::absorption, 13.5},
                                      {Scene::float_, 16},
                                      {Scene::evening, 20}}};
constexpr double kFaultBegins = 17.5;
constexpr double kFaultEnds = 18;

/// What moves from scene to scene instead of jumping: voltages, currents, temperatures, power, and what has been
/// charged today.
bool moves(std::uint16_t address) {
    return (address >= 24 && address <= 39 && address != 36) || (address >= 58 && address <= 62)
           || address == 67 || address == 68 || address == 77 || address == 79;
}

bool is_daily(std::uint16_t address) {
    return address >= 64 && address <= 79;
}

std::uint16_t between(std::uint16_t from, std::uint16_t to, double part, bool is_signed) {
    const double a = is_signed ? static_cast<std::int16_t>(from) : from;
    const double b = is_signed ? static_cast<std::int16_t>(to) : to;
    return static_cast<std::uint16_t>(static_cast<std::int32_t>(std::lround(a + (b - a) * part)));
}

std::map<std::uint16_t, std::uint16_t> image_at(double hour) {
    std::size_t now = 0;
    while (now + 1 < kHours.size() && kHours[now + 1].begins <= hour) {
        ++now;
    }
    auto words = image(kHours[now].scene);
    if (now + 1 < kHours.size() && kHours[now].scene >= Scene::fresh_morning) {
        const auto next = image(kHours[now + 1].scene);
        const double part = (hour - kHours[now].begins) / (kHours[now + 1].begins - kHours[now].begins);
        for (auto& [address, word] : words) {
            if (moves(address)) {
                word = between(word, next.at(address), part, !is_daily(address));
            }
        }
    }
    if (hour >= kFaultBegins && hour < kFaultEnds) {
        for (const auto& row : kRows) {
            const bool counter = is_daily(row.address) || row.address == 56 || row.address == 57;
            if (!counter) {
                words[row.address] = row.words[static_cast<std::size_t>(Scene::fault)];
            }
        }
    }
    return words;
}

}  // namespace

Plant::Plant(std::function<double()> seconds)
    : seconds_(std::move(seconds)), scene_(image(Scene::before_dawn)) {
    for (const auto& [address, word] : kEeprom) {
        eeprom_[address] = word;
    }
    refresh();
}

void Plant::set_serial(const std::string& eight_characters) {
    std::uint16_t address = 0xE0C0;
    for (std::size_t i = 0; i < 8 && eight_characters.size() == 8; i += 2) {
        const auto low = static_cast<std::uint8_t>(eight_characters[i]);
        const auto high = static_cast<std::uint8_t>(eight_characters[i + 1]);
        eeprom_[address++] = static_cast<std::uint16_t>(high << 8 | low);
    }
}

void Plant::show(Scene scene) {
    scene_ = image(scene);
}

void Plant::show_hour(double hour) {
    scene_ = image_at(hour);
}

void Plant::reboot(double seconds_down) {
    restart_until_ = seconds_() + seconds_down;
    refresh();
    for (const auto& [address, word] : scene_) {
        if (is_daily(address)) {
            cleared_[address] = word;
        }
    }
    slave_ = {};
    slave_failed_ = bad_exit_ = equalize_ = disconnect_ = false;
    extra_faults_ = 0;
}

std::optional<std::uint16_t> Plant::read(std::uint16_t address) {
    refresh();
    const auto& table = address >= kEepromStart ? eeprom_ : words_;
    const auto found = table.find(address);
    return found == table.end() ? std::nullopt : std::optional{found->second};
}

bool Plant::coil(std::uint16_t address) {
    return (address == 0 && equalize_) || (address == 2 && disconnect_);
}

bool Plant::writes_refused() {
    return refuse_.value_or((read(kDip).value_or(0) & 0x80) == 0);
}

ExceptionCode Plant::write(std::uint16_t address, std::uint16_t word) {
    if (writes_refused()) {
        return kIllegalFunction;
    }
    if (address >= kFirstSlave && address < kFirstSlave + slave_.size()) {
        const bool was_slave = slave_wanted();
        slave_[address - kFirstSlave] = word;
        slave_written_ = seconds_();
        slave_failed_ = false;
        if (word == kRelease) {
            bad_exit_ = false;
        } else if (was_slave && !slave_wanted()) {
            bad_exit_ = true;  // 0 and -1 leave an undocumented state behind
        }
        return 0;
    }
    if (eeprom_.contains(address)) {
        storing_[address] = {word, seconds_() + memory_delay_};
        ++eeprom_writes_;
        extra_faults_ |= 1u << 6;
        return 0;
    }
    return kIllegalAddress;
}

ExceptionCode Plant::write_coil(std::uint16_t address, bool on) {
    if (writes_refused()) {
        return kIllegalFunction;
    }
    const auto clear = [&](std::initializer_list<std::uint16_t> counters) {
        for (const auto counter : counters) {
            cleared_[counter] = scene_.at(counter);
        }
    };
    switch (address) {
        case 0:
            equalize_ = on;
            return 0;
        case 2:
            disconnect_ = on;
            return 0;
        case 16:
            clear({52, 53});
            return 0;
        case 18:
            clear({56});
            return 0;
        case 20:
            extra_faults_ = 0;
            return 0;
        case 255:
            reboot(0.5);
            silence_ = true;
            return 0;
        case 4351:
            silence_ = true;
            return 0;
        default:
            return address < 26 ? 0 : kIllegalAddress;
    }
}

bool Plant::take_silence() {
    return std::exchange(silence_, false);
}

bool Plant::slave_wanted() const {
    const auto positive = [](std::uint16_t word) { return word != 0 && word < 0x8000; };
    return positive(slave_[0]) || positive(slave_[1]);
}

void Plant::stop_charging(std::map<std::uint16_t, std::uint16_t>& words, std::uint16_t state) const {
    words[kState] = state;
    for (const std::uint16_t address : {28, 29, 39, 58, 59}) {
        words[address] = 0;
    }
}

void Plant::subtract_cleared(std::map<std::uint16_t, std::uint16_t>& words) const {
    for (const auto& [address, word] : cleared_) {
        auto& value = words[address];
        value = value >= word ? static_cast<std::uint16_t>(value - word) : value;
    }
}

void Plant::apply_control(std::map<std::uint16_t, std::uint16_t>& words) {
    const auto scene_state = words[kState];
    const bool awake = scene_state >= 5 && scene_state <= 8;
    if (slave_wanted() && seconds_() - slave_written_ > slave_limit_) {
        slave_failed_ = true;
    }
    auto address = kFirstSlave;
    for (const auto word : slave_) {
        words[address++] = word;
    }
    words[kFaults] = static_cast<std::uint16_t>(words[kFaults] | extra_faults_);
    if (disconnect_) {
        stop_charging(words, 2);
    } else if (slave_wanted() && slave_failed_) {
        words[kFaults] = static_cast<std::uint16_t>(words[kFaults] | 1u << 11);
        stop_charging(words, 4);
    } else if (slave_wanted() && awake) {
        words[kState] = 9;
        words[51] = slave_[1];
    } else if (bad_exit_ && awake) {
        words[kState] = 10;
    } else if (equalize_ && awake) {
        words[kState] = 8;
    }
}

void Plant::refresh() {
    words_ = scene_;
    subtract_cleared(words_);
    apply_control(words_);
    if (seconds_() < restart_until_) {
        words_[0] = words_[1] = words_[2] = words_[3] = 0;
    }
    std::erase_if(storing_, [this](const auto& entry) {
        const bool done = seconds_() >= entry.second.done;
        if (done) {
            eeprom_[entry.first] = entry.second.word;
        }
        return done;
    });
    for (const auto& [address, word] : pinned_) {
        (address >= kEepromStart ? eeprom_ : words_)[address] = word;
    }
}

}  // namespace tristar_simulator
