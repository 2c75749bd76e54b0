#pragma once
// One controller: finds it, publishes it, polls it, obeys, and survives its absence.

#include "tsmppt/clock.hpp"
#include "tsmppt/link.hpp"
#include "tsmppt/logbook.hpp"
#include "tsmppt/profiles.hpp"
#include "tsmppt/publication.hpp"
#include "tsmppt/settings.hpp"
#include "tsmppt/slave_control.hpp"
#include "velib/device.hpp"

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tristar {

class Controller final : private Operator {
  public:
    /// What all controllers of the process share; outlives them.
    struct Surroundings {
        velib::BusContext bus;
        velib::Settings& settings;
        const Config& config;  ///< follows the settings
        const Clock& clock;
        std::filesystem::path state_folder;
        std::chrono::seconds leave_after;  ///< without a reading for so long a service leaves the bus
        std::set<std::string>& serials;    ///< of the controllers that are being served
    };

    /// The first controller of a process has the bus name without a serial number.
    Controller(const Surroundings& around, const Endpoint& endpoint, bool is_first);
    ~Controller() override;

    /// Runs until cancelled; then releases overrides and keeps the state. Throws std::system_error when the bus
    /// name is taken by another process.
    boost::asio::awaitable<void> run();

    /// The names of the charge profiles may have changed.
    void profiles_changed();

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    using Job = std::function<boost::asio::awaitable<void>()>;

    boost::asio::awaitable<void> live();
    boost::asio::awaitable<void> find();
    boost::asio::awaitable<std::optional<std::string>> identify();  ///< what is wrong
    bool take_serial(const std::string& name);
    void open_book(const std::string& name);
    boost::asio::awaitable<void> publish();
    boost::asio::awaitable<void> serve();
    boost::asio::awaitable<void> leave();

    boost::asio::awaitable<void> poll();
    void take(const Charger& charger);
    void miss(const LinkFault& fault);
    void recognise_system();
    boost::asio::awaitable<void> follow_up();
    boost::asio::awaitable<void> refresh_coils();
    boost::asio::awaitable<void> refresh_set_points();
    boost::asio::awaitable<void> reset_stuck_network();
    [[nodiscard]] std::chrono::milliseconds pace() const;
    boost::asio::awaitable<void> wait_until(SteadyTime due);
    void hurry();

    boost::asio::awaitable<void> do_jobs();
    boost::asio::awaitable<void> write_coil_now(Coil coil, bool on);
    boost::asio::awaitable<void> restart_now();
    boost::asio::awaitable<void> apply_now(std::string name);
    void order(Job job);

    bool set_coil(Coil coil, bool on) override;
    bool trigger(Coil coil) override;
    bool override_volts(double volts) override;
    bool override_amps(double amps) override;
    bool apply_profile(const std::string& name) override;
    void link_network_mode(std::int32_t mode) override;
    void link_volts(double volts) override;
    void link_amps(double amps) override;
    void begin_link();
    [[nodiscard]] bool may_write(std::string_view what) const;

    void show_all();
    void show_profile();
    [[nodiscard]] SystemSetPoints system_points();

    Surroundings around_;
    Endpoint endpoint_;
    bool is_first_;
    std::string label_;  ///< how log lines begin
    Link link_;
    boost::asio::steady_timer waiting_;
    bool hurry_ = false;

    // What is known of the controller.
    Identity identity_;
    Charger charger_;
    SetPoints points_;
    std::optional<Coils> coils_;
    ReadStatistics statistics_;
    std::string name_;  ///< of its book: the serial number, or the host where it has none
    std::unique_ptr<Logbook> book_;
    std::unique_ptr<SlaveControl> slave_;
    std::unique_ptr<Profiles> profiles_;

    bool connected_ = false;  ///< as shown by /Connected
    SteadyTime last_good_{};
    SteadyTime coils_read_{};
    SteadyTime points_read_{};
    std::deque<Job> jobs_;
    std::string complaint_;  ///< the last one in the log while the controller is not found

    std::unique_ptr<velib::Device> device_;
    std::unique_ptr<Panel> panel_;
};

}  // namespace tristar
