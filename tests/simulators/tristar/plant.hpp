#pragma once
// How the simulated controller behaves, without any network: registers over the day, coils, slave control, resets.

#include "simulators/tristar/day.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace tristar_simulator {

/// What a write is answered with; 0: accepted, else a Modbus exception code.
using ExceptionCode = int;

class Plant {
  public:
    /// `seconds` is a clock that only goes forward; it drives the 60 s limit of slave control and the restart.
    explicit Plant(std::function<double()> seconds);

    void set_serial(const std::string& eight_characters);
    /// Stands still in one scene.
    void show(Scene scene);
    /// Lets the day pass: `hour` of 0..24, measurements moving from scene to scene.
    void show_hour(double hour);
    /// Pins a register to a value, or lets it go again.
    void pin(std::uint16_t address, std::uint16_t word) { pinned_[address] = word; }
    void unpin(std::uint16_t address) { pinned_.erase(address); }
    /// Seconds without a new write after which slave control fails (60 on the real controller).
    void set_slave_limit(double seconds) { slave_limit_ = seconds; }
    /// Seconds until a set point that was written can be read.
    void set_memory_delay(double seconds) { memory_delay_ = seconds; }
    void set_refuse_writes(std::optional<bool> refuse) { refuse_ = refuse; }
    /// As after a power cut: no scaling for a while, then the daily registers anew.
    void reboot(double seconds_down);

    [[nodiscard]] std::optional<std::uint16_t> read(std::uint16_t address);
    [[nodiscard]] bool coil(std::uint16_t address);
    ExceptionCode write(std::uint16_t address, std::uint16_t word);
    ExceptionCode write_coil(std::uint16_t address, bool on);
    /// True once after a coil that restarts a processor: no answer is sent.
    [[nodiscard]] bool take_silence();
    [[nodiscard]] int eeprom_writes() const { return eeprom_writes_; }

  private:
    void refresh();
    void apply_control(std::map<std::uint16_t, std::uint16_t>& words);
    void stop_charging(std::map<std::uint16_t, std::uint16_t>& words, std::uint16_t state) const;
    void subtract_cleared(std::map<std::uint16_t, std::uint16_t>& words) const;
    [[nodiscard]] bool writes_refused();
    [[nodiscard]] bool slave_wanted() const;

    std::function<double()> seconds_;
    std::map<std::uint16_t, std::uint16_t> scene_;
    std::map<std::uint16_t, std::uint16_t> words_;
    std::map<std::uint16_t, std::uint16_t> pinned_;
    struct Storing {
        std::uint16_t word;
        double done;
    };

    std::map<std::uint16_t, std::uint16_t> eeprom_;
    std::map<std::uint16_t, Storing> storing_;        ///< what is being written into it
    std::map<std::uint16_t, std::uint16_t> cleared_;  ///< counters at their last reset
    std::array<std::uint16_t, 4> slave_{};            ///< registers 88..91
    double slave_written_ = 0;
    double slave_limit_ = 60;
    bool slave_failed_ = false;
    bool bad_exit_ = false;
    bool equalize_ = false;
    bool disconnect_ = false;
    std::uint16_t extra_faults_ = 0;
    double restart_until_ = 0;
    bool silence_ = false;
    double memory_delay_ = 0;
    int eeprom_writes_ = 0;
    std::optional<bool> refuse_;
};

}  // namespace tristar_simulator
