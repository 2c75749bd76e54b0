#include "tsmppt/controller.hpp"

#include "velib/app.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace tristar {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kServiceName = "com.victronenergy.solarcharger.tsmppt";
constexpr int kProductId = 0xABCD;
constexpr int kPreferredInstance = 1;
constexpr double kUnknownRating = 60;

/// Between attempts to find a controller that was never reached or has been away for long.
constexpr auto kSearchPauses = std::to_array<std::chrono::seconds>({5s, 10s, 20s, 60s});
/// How long values stay without a good reading, whichever comes first.
constexpr int kForgivenMisses = 3;
constexpr auto kForgivenTime = 30s;
constexpr int kSlowest = 4;
constexpr int kNightPace = 3;
/// While an override lasts: often enough to write it again in time, and to follow the GX, whatever the interval is.
constexpr milliseconds kOverridePace{10000};
constexpr auto kCoilsEvery = 60s;
/// Reading the EEPROM often is said to make the network processor fail.
constexpr auto kSetPointsEvery = 30min;
constexpr auto kParting = 1500ms;

Link::Options link_options(const Config& config, const Endpoint& endpoint) {
    return {endpoint.host, endpoint.port, config.unit, config.connect_timeout, config.response_timeout};
}

}  // namespace

Controller::Controller(const Surroundings& around, const Endpoint& endpoint, bool is_first)
    : around_(around),
      endpoint_(endpoint),
      is_first_(is_first),
      label_(endpoint.host),
      link_(around.bus.executor, link_options(around.config, endpoint)),
      waiting_(around.bus.executor) {}

Controller::~Controller() {
    around_.serials.erase(name_);
}

asio::awaitable<void> Controller::run() {
    std::exception_ptr ended;
    try {
        co_await live();
    } catch (...) {
        ended = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await leave();
    if (ended) {
        std::rethrow_exception(ended);
    }
}

asio::awaitable<void> Controller::live() {
    for (;;) {
        co_await find();
        co_await publish();
        co_await serve();
        spdlog::warn("{}: away for {} s, leaving the bus", label_, around_.leave_after.count());
        device_->withdraw();
    }
}

// Finding and leaving

asio::awaitable<void> Controller::find() {
    for (std::size_t attempt = 0;; ++attempt) {
        const auto fault = co_await identify();
        if (!fault) {
            complaint_.clear();
            co_return;
        }
        if (*fault != complaint_) {
            complaint_ = *fault;
            spdlog::warn("{}:{}: no controller: {}", endpoint_.host, endpoint_.port, complaint_);
        }
        if (book_) {
            book_->roll(around_.clock.now());
        }
        const auto due = steady_clock::now() + kSearchPauses[std::min(attempt, kSearchPauses.size() - 1)];
        co_await wait_until(due);
    }
}

asio::awaitable<std::optional<std::string>> Controller::identify() {
    const auto charger = co_await link_.read_charger(true);
    if (!charger) {
        co_return charger.error().text();
    }
    const auto identity = co_await link_.read_identity();
    if (!identity) {
        co_return identity.error().text();
    }
    const auto name = identity->serial.value_or("host_" + velib::bus_name_element(endpoint_.host));
    if (!take_serial(name)) {
        co_return fmt::format("the controller {} is served already, under another address", name);
    }
    identity_ = *identity;
    if (!book_ || name_ != name) {
        open_book(name);
    }
    charger_ = *charger;
    coils_read_ = {};
    co_await refresh_set_points();
    take(*charger);
    co_return std::nullopt;
}

/// False when another address of the list leads to the same controller.
bool Controller::take_serial(const std::string& name) {
    if (name == name_) {
        return true;
    }
    if (!around_.serials.insert(name).second) {
        return false;
    }
    around_.serials.erase(name_);
    return true;
}

void Controller::open_book(const std::string& name) {
    name_ = name;
    label_ = fmt::format("{} ({})", endpoint_.host, name);
    panel_.reset();
    device_.reset();
    profiles_.reset();
    slave_.reset();
    book_ = std::make_unique<Logbook>(around_.state_folder, name, label_);
    slave_ = std::make_unique<SlaveControl>(link_, *book_, around_.config,
                                            identity_.rated_amps.value_or(kUnknownRating), label_);
    Profiles::Hooks hooks;
    hooks.reading = [this](const Charger& charger) {
        take(charger);
        show_all();
    };
    hooks.status_changed = [this] { show_profile(); };
    profiles_ = std::make_unique<Profiles>(around_.bus.executor, link_, *book_, around_.settings,
                                           around_.config, label_, std::move(hooks));
}

asio::awaitable<void> Controller::publish() {
    if (!device_) {
        velib::Identity identity;
        identity.device_class = "solarcharger";
        identity.id = "tsmppt_" + velib::bus_name_element(name_);
        identity.preferred_instance = kPreferredInstance;
        identity.process_name = "dbus-tsmppt";
        identity.process_version = velib::suite_version();
        identity.connection = "Modbus TCP " + endpoint_.host;
        identity.product_id = kProductId;
        identity.product_name = identity_.product.value_or("TriStar MPPT");
        identity.hardware_version = velib::Value(identity_.hardware_version);
        identity.serial = identity_.serial.value_or("");
        auto service = std::string{kServiceName};
        if (!is_first_) {
            service += "_" + velib::bus_name_element(name_);
        }
        device_ = std::make_unique<velib::Device>(around_.bus, around_.settings, service, identity);
        co_await device_->prepare();
        const auto rated =
            around_.config.external_control
                ? std::optional{static_cast<double>(identity_.rated_amps.value_or(kUnknownRating))}
                : std::nullopt;
        panel_ = std::make_unique<Panel>(device_->items(), static_cast<Operator&>(*this), rated);
    }
    co_await refresh_coils();
    show_all();
    device_->publish();
    spdlog::info("{}: {} as {}, instance {}", label_, device_->identity().product_name,
                 device_->service().name(), device_->instance());
}

asio::awaitable<void> Controller::serve() {
    while (statistics_.consecutive_failures == 0 || steady_clock::now() - last_good_ < around_.leave_after) {
        const auto due = steady_clock::now() + pace();
        co_await wait_until(due);
        co_await do_jobs();
        co_await poll();
        co_await follow_up();
        show_all();
    }
}

/// What must not stay behind in the controller; the time for it is short.
asio::awaitable<void> Controller::leave() {
    using asio::experimental::awaitable_operators::operator||;
    if (!book_) {
        co_return;
    }
    book_->save();
    asio::steady_timer patience{around_.bus.executor, kParting};
    const auto part = [this]() -> asio::awaitable<void> {
        if (profiles_->holds_charging()) {
            co_await profiles_->let_charge();
        }
        if (slave_->engaged()) {
            co_await slave_->release();
        }
    };
    co_await (part() || patience.async_wait(asio::use_awaitable));
    book_->save();
}

// Polling

asio::awaitable<void> Controller::poll() {
    const auto charger = co_await link_.read_charger(slave_->wants_registers());
    if (charger) {
        take(*charger);
    } else {
        miss(charger.error());
        co_await reset_stuck_network();
    }
}

void Controller::take(const Charger& charger) {
    const bool switched = charger.charge_state != charger_.charge_state;
    charger_ = charger;
    last_good_ = steady_clock::now();
    ++statistics_.successful;
    statistics_.consecutive_failures = 0;
    statistics_.backoff_factor = 1;
    const auto now = around_.clock.now();
    statistics_.last_success = now.unix_seconds;
    if (!connected_) {
        spdlog::info("{}: connected", label_);
    }
    connected_ = true;
    if (switched) {
        coils_read_ = {};
        if (charger_.charge_state && !is_documented_state(*charger_.charge_state)) {
            spdlog::warn("{}: charge state {} is in no document", label_, *charger_.charge_state);
        }
    }
    recognise_system();
    book_->book(charger_, now);
}

void Controller::miss(const LinkFault& fault) {
    ++statistics_.failed;
    ++statistics_.consecutive_failures;
    statistics_.last_error = fault.text();
    book_->roll(around_.clock.now());
    if (statistics_.consecutive_failures == 1) {
        spdlog::info("{}: no reading: {}", label_, fault.text());
    }
    const bool too_long = steady_clock::now() - last_good_ >= kForgivenTime;
    if (connected_ && (statistics_.consecutive_failures >= kForgivenMisses || too_long)) {
        spdlog::warn("{}: lost: {}", label_, fault.text());
        connected_ = false;
    }
    if (!connected_) {
        statistics_.backoff_factor = std::min(statistics_.backoff_factor * 2, kSlowest);
    }
}

void Controller::recognise_system() {
    auto& known = book_->state().system_volts;
    const auto seen = system_volts_of(charger_, points_);
    const bool contradicted =
        known && charger_.battery_volts && !fits_system(*charger_.battery_volts, *known);
    const auto before = known;
    if (seen || contradicted) {
        known = seen;
    }
    if (known && known != before) {
        spdlog::info("{}: {} V system", label_, *known);
        profiles_->add_settings();
    }
}

asio::awaitable<void> Controller::follow_up() {
    if (statistics_.consecutive_failures > 0) {
        co_return;
    }
    // Not in the condition: GCC 12 loses track of a coroutine there when an argument is a temporary.
    const auto now = around_.clock.now();
    const bool driven = co_await slave_->drive(charger_, points_, now);
    if (driven) {
        co_await poll();
    }
    if (profiles_->holds_charging()) {
        co_await profiles_->let_charge();
        coils_read_ = {};
    }
    if (steady_clock::now() - coils_read_ >= kCoilsEvery) {
        co_await refresh_coils();
    }
    if (steady_clock::now() - points_read_ >= kSetPointsEvery) {
        co_await refresh_set_points();
    }
}

asio::awaitable<void> Controller::refresh_coils() {
    const auto coils = co_await link_.read_coils();
    if (coils) {
        coils_ = *coils;
        coils_read_ = steady_clock::now();
    } else if (coils.error().refused()) {
        coils_.reset();
        coils_read_ = steady_clock::now();
    }
}

asio::awaitable<void> Controller::refresh_set_points() {
    points_read_ = steady_clock::now();
    const auto points = co_await link_.read_set_points(*charger_.volts_per_unit);
    if (points) {
        points_ = *points;
        book_->book_array_maximum(points_.array_max_volts_24h);
        recognise_system();
    }
}

/// Off unless the user asks for it: some network processors need it after weeks of work.
asio::awaitable<void> Controller::reset_stuck_network() {
    const int after = around_.config.reset_comm_after;
    if (after <= 0 || statistics_.consecutive_failures % after != 0) {
        co_return;
    }
    spdlog::warn("{}: {} failures in a row, resetting its network processor", label_,
                 statistics_.consecutive_failures);
    const auto request = write_coil(link_.unit(), Coil::reset_network, true);
    const auto written = co_await link_.write(request);
    if (!written && written.error().refused()) {
        spdlog::warn("{}: the reset was refused: {}", label_, written.error().text());
    }
}

milliseconds Controller::pace() const {
    const bool night = charger_.charge_state && is_night(*charger_.charge_state);
    const int factor = statistics_.consecutive_failures > 0 ? statistics_.backoff_factor
                       : night                              ? kNightPace
                                                            : 1;
    const auto chosen = around_.config.interval * factor;
    return slave_->in_use() ? std::min<milliseconds>(chosen, kOverridePace) : chosen;
}

asio::awaitable<void> Controller::wait_until(SteadyTime due) {
    waiting_.expires_at(hurry_ ? SteadyTime::min() : due);
    boost::system::error_code woken;
    co_await waiting_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    hurry_ = false;
}

void Controller::hurry() {
    hurry_ = true;
    waiting_.cancel();
}

// Showing

SystemSetPoints Controller::system_points() {
    SystemSetPoints shown{book_->state().system_volts, {}};
    if (!shown.system_volts) {
        return shown;
    }
    shown.points = points_;
    const double twelves = *shown.system_volts / 12.0;
    for (const auto& row : kEeprom) {
        const auto* volts = std::get_if<Register<SetPoints>::Number>(&row.member);
        if (volts != nullptr && shown.points.**volts) {
            *(shown.points.**volts) *= twelves;
        }
    }
    return shown;
}

void Controller::show_all() {
    const auto now = around_.clock.now();
    velib::Update update{device_->items()};
    device_->set_connected(update, connected_);
    if (connected_) {
        panel_->show(update, charger_, to_venus(charger_));
        if (coils_) {
            panel_->show(update, *coils_);
        }
        panel_->show(update, system_points());
        panel_->show(update, slave_->status(charger_));
    } else {
        panel_->lose(update);
    }
    if (book_->has_history()) {
        panel_->show(update, book_->history());
    }
    if (slave_->take_expired(now)) {
        panel_->forget_link(update);
    }
    panel_->show(update, profiles_->status());
    panel_->show(update, statistics_);
}

void Controller::show_profile() {
    if (panel_) {
        velib::Update update{device_->items()};
        panel_->show(update, profiles_->status());
    }
}

}  // namespace tristar
