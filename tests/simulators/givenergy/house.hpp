#pragma once
// A house with a GivEnergy installation that lives through a day, as the registers its adapter shows.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace gesim {

constexpr std::uint8_t kInverter = 0x11;          // its address
constexpr std::uint8_t kHolding = 3, kInput = 4;  // functions
constexpr double kPackWh = 8192;

/// Registers of every device behind the adapter, by address, function and page.
class RegisterFile {
  public:
    /// Makes a page of `size` zeros, beginning at `base`.
    void add_page(std::uint8_t address, std::uint8_t function, std::uint16_t base, std::uint16_t size = 60);
    /// All of a run, nothing if any of it is not there or it crosses a page.
    [[nodiscard]] std::optional<std::vector<std::uint16_t>> read(std::uint8_t address, std::uint8_t function,
                                                                 std::uint16_t base,
                                                                 std::uint16_t count) const;
    [[nodiscard]] std::optional<std::uint16_t> get(std::uint8_t address, std::uint8_t function,
                                                   std::uint16_t reg) const;
    /// False if there is no such register.
    bool set(std::uint8_t address, std::uint8_t function, std::uint16_t reg, std::uint16_t value);

  private:
    std::map<std::tuple<std::uint8_t, std::uint8_t, std::uint16_t>, std::vector<std::uint16_t>> pages_;
};

/// What is going on, W and kWh. Battery + = discharge, grid + = export, inverter + = out: as the device counts.
struct Now {
    double pv = 0, load = 0, backup = 0, battery = 0, grid = 0, inverter = 0, soc = 50;
    struct Counters {
        double pv = 0, import = 0, export_ = 0, load = 0, ac_charge = 0, out = 0, charge = 0, discharge = 0;
    } today{}, total{};
};

class House {
  public:
    /// model: gen1, gen2, gen3, ac, aio, hv, three-phase, gateway or ems. Throws std::invalid_argument for others.
    House(const std::string& model, int packs, std::string serial);

    /// Lets time pass and brings the registers up to date.
    void advance(double seconds);
    void set_hour(double hour);
    [[nodiscard]] double hour() const { return seconds_ / 3600; }
    [[nodiscard]] const Now& now() const { return now_; }
    [[nodiscard]] RegisterFile& registers() { return registers_; }
    /// Carries out a client's write; false if the device refuses it.
    bool write(std::uint16_t reg, std::uint16_t value);
    /// Registers keep what a test put into them while time passes.
    void freeze(bool on) { frozen_ = on; }
    [[nodiscard]] std::string serial_of(std::uint8_t address) const;

  private:
    void build_single_phase();
    void build_high_voltage();
    void build_settings(std::uint16_t dtc, std::uint16_t arm);
    void step(double seconds);
    void show();
    void show_single_phase();
    void show_packs();
    void show_stack();
    void show_three_phase();
    void show_gateway();
    void show_ems();
    void show_clock();
    [[nodiscard]] bool in_slot(std::uint16_t start_register) const;
    [[nodiscard]] double wanted_battery() const;
    [[nodiscard]] std::uint16_t holding(std::uint16_t reg) const;
    void put(std::uint16_t reg, double raw, std::uint8_t address = kInverter);
    void put32(std::uint16_t reg, double raw, std::uint8_t address = kInverter);
    void put_text(std::uint8_t address, std::uint8_t function, std::uint16_t reg, const std::string& text);

    std::string model_;
    int packs_;
    std::string serial_;
    bool high_voltage_ = false, three_phase_ = false;
    double seconds_ = 6 * 3600;
    int day_ = 0;
    bool frozen_ = false;
    Now now_;
    RegisterFile registers_;
};

}  // namespace gesim
