#pragma once
// All batteries of the process as one: a service of its own that controls the system in their place.

#include "serialbattery/control/bank.hpp"
#include "serialbattery/control/persistence.hpp"
#include "serialbattery/conversation.hpp"
#include "serialbattery/driver/host.hpp"
#include "serialbattery/publication/table.hpp"
#include "velib/device.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace bms {

class BankService {
  public:
    explicit BankService(Host& host);
    BankService(const BankService&) = delete;
    BankService& operator=(const BankService&) = delete;
    ~BankService() = default;

    /// Until cancelled: once a second, while there are batteries.
    boost::asio::awaitable<void> run();
    /// A battery came: it may be time to begin.
    void note_poll();
    boost::asio::awaitable<void> save(bool everything);
    /// Says that it is about to go.
    void farewell();

  private:
    static constexpr std::size_t kShownMembers = 10;
    /// What the page of modules shows of a member.
    struct Module {
        velib::Item* id = nullptr;
        std::array<velib::Item*, kAlarmCount> alarms{};
    };

    boost::asio::awaitable<void> begin();
    void add_modules();
    void step();
    void take_part();
    void show_limits();
    void show_members(velib::Update& update);
    [[nodiscard]] bool wanted() const;
    [[nodiscard]] control::Settings settings() const;

    Host& host_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<velib::Device> device_;
    std::unique_ptr<velib::Publication<publication::View>> table_;
    std::unique_ptr<publication::LimitItems> limits_;
    std::array<Module, kShownMembers> modules_;
    bool enabled_ = true;  ///< by the user
    control::BankState state_;
    control::BankOutput out_;
    control::Settings settings_;
    control::Persisted written_;
    std::string written_members_;
    TimePoint saved_{};
    Battery nobody_;  ///< what only a single battery has is unknown of a bank
};

}  // namespace bms
