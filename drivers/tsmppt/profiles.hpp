#pragma once
// Charge profiles between the settings service and the controller.

#include "tsmppt/link.hpp"
#include "tsmppt/logbook.hpp"
#include "tsmppt/profile_run.hpp"
#include "tsmppt/publication.hpp"
#include "tsmppt/settings.hpp"
#include "velib/settings.hpp"

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace tristar {

class Profiles {
  public:
    /// What the owner is told while a profile is applied.
    struct Hooks {
        std::function<void(const Charger&)> reading;
        std::function<void()> status_changed;
    };

    /// Everything given by reference outlives this object.
    Profiles(boost::asio::any_io_executor executor, Link& link, Logbook& book, velib::Settings& settings,
             const Config& config, std::string label, Hooks hooks);

    /// Adds the settings of all named profiles, with values for this system voltage where there are none yet.
    /// Does nothing while the system voltage is not known.
    void add_settings();

    /// The profile's name as it is spelt in the settings; empty when there is none of that name.
    [[nodiscard]] std::string find(const std::string& name) const;

    [[nodiscard]] bool running() const { return running_; }
    [[nodiscard]] const ProfileStatus& status() const { return status_; }

    /// Brings the controller's set points to the profile. The new set points when anything was written.
    boost::asio::awaitable<std::optional<SetPoints>> apply(std::string name, Charger charger);

    /// Lets the controller charge again after a profile was written, or its writing cut short. False when the
    /// controller did not confirm it.
    boost::asio::awaitable<bool> let_charge();
    [[nodiscard]] bool holds_charging() const { return book_.state().stopped_for_profile; }

  private:
    boost::asio::awaitable<std::string> write(const std::string& name, const Charger& charger);
    [[nodiscard]] Profile profile_of(const std::string& name) const;
    void report(std::string_view phase, int percent);

    boost::asio::any_io_executor executor_;
    Link& link_;
    Logbook& book_;
    velib::Settings& settings_;
    const Config& config_;
    std::string label_;
    Hooks hooks_;
    ProfileStatus status_;
    bool running_ = false;
};

}  // namespace tristar
