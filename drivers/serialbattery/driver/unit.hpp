#pragma once
// One battery: polled over its port, controlled, published, obeying its users.

#include "serialbattery/control/control.hpp"
#include "serialbattery/control/persistence.hpp"
#include "serialbattery/conversation.hpp"
#include "serialbattery/detect/detector.hpp"
#include "serialbattery/driver/battery_settings.hpp"
#include "serialbattery/driver/host.hpp"
#include "serialbattery/driver/port.hpp"
#include "serialbattery/publication/extras.hpp"
#include "serialbattery/publication/table.hpp"
#include "velib/device.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>

namespace bms {

class Unit {
  public:
    struct Calls {
        std::function<void()> wake = [] {};      ///< there is something to do for a user
        std::function<void()> redetect = [] {};  ///< look at the port anew
    };

    /// `suffix` is its part of the bus name, `session` has been read already.
    Unit(Host& host, Location place, std::unique_ptr<Session> session, std::string port, std::string suffix,
         std::string connection, Calls calls);
    Unit(const Unit&) = delete;
    Unit& operator=(const Unit&) = delete;
    ~Unit();

    [[nodiscard]] const Location& place() const { return place_; }
    [[nodiscard]] const std::string& name() const { return suffix_; }
    [[nodiscard]] TimePoint due() const { return due_; }
    /// The smallest is next: of several that are due at once the one that has waited longest, for where polls take longer
    /// than their interval the last would else be asked half as often as the first.
    [[nodiscard]] std::pair<TimePoint, TimePoint> turn() const { return {due_, asked_}; }
    [[nodiscard]] bool has_commands() const { return !commands_.empty(); }
    [[nodiscard]] bool published() const { return device_ && device_->published(); }
    /// It was published and has been silent for so long that it left the bus.
    [[nodiscard]] bool gone() const { return gone_; }
    /// Polls without an answer since the last good one.
    [[nodiscard]] unsigned misses() const { return misses_; }

    /// Carries out what users asked for and polls once. Nothing, or why the port cannot be used any more.
    boost::asio::awaitable<std::optional<SerialFault>> serve(Port& port);
    /// Nothing was or could be asked: counts as a poll without an answer.
    boost::asio::awaitable<void> miss(TimePoint now);
    /// What was overheard on a bus of another master; true when it was of use.
    bool overhear(Bytes frame, Bytes request) { return session_->overheard(frame, request); }
    /// A poll's time has come on a bus that is only listened to.
    boost::asio::awaitable<void> overheard_poll(bool fresh, TimePoint now);

    /// Stores what is worth it, at the end everything.
    boost::asio::awaitable<void> save(bool everything);
    /// Says that it is about to go.
    void farewell();
    /// Leaves the limits to a bank, or takes them back; comes back under its name when that changes what is there.
    void show_limits(bool shown);

    // For the bank.
    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] const std::string& port() const { return port_; }
    [[nodiscard]] const control::Settings& settings() const { return settings_->now(); }
    [[nodiscard]] std::string config_error() const { return settings_->first_error(); }
    [[nodiscard]] const control::State& state() const { return state_; }
    [[nodiscard]] const control::Measurement* reading() const { return reading_ ? &*reading_ : nullptr; }
    [[nodiscard]] const control::Pack& pack() const { return pack_; }
    [[nodiscard]] const Battery& battery() const { return battery_; }
    [[nodiscard]] control::Millis interval() const;

  private:
    /// One poll's outcome.
    boost::asio::awaitable<void> digest(bool good, TimePoint now);
    boost::asio::awaitable<void> come_up(TimePoint now);
    /// False while it is not clear yet whether another battery has the same identity.
    bool settle_identity(TimePoint now);
    boost::asio::awaitable<void> obey(Port& port, std::optional<SerialFault>& fault);
    void note_pack();
    void control_poll(bool good, TimePoint now);
    void add_items();
    void add_controls();
    void publish();
    void show_switches(velib::Update& update);
    void queue(Control control, double value);
    void set_soc(double percent);
    [[nodiscard]] bool can(Control control) const;
    [[nodiscard]] control::Surroundings surroundings() const;
    [[nodiscard]] control::Context context(const control::Surroundings& around) const;

    Host& host_;
    Location place_;
    std::unique_ptr<Session> session_;
    Conversation talk_;
    std::string port_;
    std::string suffix_;
    std::string connection_;
    Calls calls_;

    Battery battery_;
    control::Pack pack_;
    std::size_t told_cells_ = 0;  ///< by the last reading
    std::optional<control::Measurement> reading_;
    control::State state_;
    unsigned plausible_polls_ = 0;
    unsigned misses_ = 0;
    bool gone_ = false;
    TimePoint due_{};
    TimePoint asked_{};
    std::deque<Command> commands_;

    std::string key_;  ///< what tells it from other batteries
    std::string id_;
    std::optional<HeldIdentity> identity_;
    std::optional<TimePoint> rival_since_;
    std::unique_ptr<BatterySettings> settings_;
    std::unique_ptr<velib::Device> device_;
    std::unique_ptr<velib::Publication<publication::View>> table_;
    std::unique_ptr<publication::LimitItems> limits_;
    std::unique_ptr<publication::CellItems> cells_;
    std::unique_ptr<publication::TimeToSocItems> times_;
    std::unique_ptr<publication::ExplanationItems> explanations_;
    std::unique_ptr<publication::JsonItem> json_;
    std::map<Control, velib::Item*> switches_;

    control::Persisted written_;
    TimePoint saved_{};
    TimePoint looked_{};
};

}  // namespace bms
