#include "serialbattery/driver/unit.hpp"

#include "serialbattery/driver/measurement.hpp"
#include "serialbattery/driver/neighbours.hpp"
#include "serialbattery/driver/runner.hpp"
#include "serialbattery/driver/stored.hpp"
#include "velib/app.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
using control::Millis;
namespace {

constexpr unsigned kPollsToBelieve = 2;
constexpr double kFull = 100;
// A battery that was moved to another port may still be looked for at the old one.
constexpr auto kForRival = 10s;
constexpr int kRivalPolls = 4;
constexpr auto kForSilentRival = 60s;
constexpr unsigned kPollsOfSilence = 3;

std::string settings_root(const std::string& id) {
    return "/Settings/Devices/" + id + "/";
}

/// Polls fall on multiples of their interval, so that the batteries of several ports are asked in one go.
TimePoint next_slot(TimePoint now, Millis interval) {
    const auto since = now.time_since_epoch();
    return TimePoint(since - since % interval + interval);
}

/// What the last run left in the settings service.
control::Persisted load_state(const velib::Settings& settings, const std::string& root) {
    std::vector<control::StoredValue> found;
    for (auto stored : control::stored_values({})) {
        const auto value = settings.value(root + std::string(stored.name));
        if (const auto* text = value.text()) {
            stored.value = *text;
        } else if (std::holds_alternative<double>(stored.value)) {
            stored.value = value.real().value_or(-1);
        } else {
            stored.value = value.integer().value_or(0);
        }
        found.push_back(std::move(stored));
    }
    return control::from_stored(found);
}

}  // namespace

Unit::Unit(Host& host, Location place, std::unique_ptr<Session> session, std::string port, std::string suffix,
           std::string connection, Calls calls)
    : host_(host),
      place_(place),
      session_(std::move(session)),
      talk_(*place.family, *session_, place.line),
      port_(std::move(port)),
      suffix_(std::move(suffix)),
      connection_(std::move(connection)),
      calls_(std::move(calls)),
      plausible_polls_(session_->complete() ? 1 : 0) {}

Unit::~Unit() {
    std::erase(host_.units, this);
    host_.polled();
}

Millis Unit::interval() const {
    const auto wanted = settings_ ? settings_->now().poll_interval_s : std::nullopt;
    return wanted ? Millis(static_cast<std::int64_t>(*wanted * 1000)) : Millis(place_.family->timing.poll);
}

asio::awaitable<std::optional<SerialFault>> Unit::serve(Port& port) {
    const auto begin = port.now();
    std::optional<SerialFault> fault;
    if (!commands_.empty()) {
        co_await obey(port, fault);
    }
    if (!fault) {
        talk_.start_cycle();
        fault = co_await run(port, talk_);
    }
    const bool good = !fault && talk_.succeeded() && session_->complete();
    asked_ = begin;
    due_ = next_slot(begin, interval());
    co_await digest(good, port.now());
    co_return fault;
}

asio::awaitable<void> Unit::miss(TimePoint now) {
    asked_ = now;
    due_ = next_slot(now, interval());
    commands_.clear();
    co_await digest(false, now);
}

asio::awaitable<void> Unit::overheard_poll(bool fresh, TimePoint now) {
    asked_ = now;
    due_ = next_slot(now, interval());
    commands_.clear();  // the bus belongs to somebody else
    co_await digest(fresh && session_->complete(), now);
}

asio::awaitable<void> Unit::digest(bool good, TimePoint now) {
    if (good) {
        battery_ = session_->battery();
        drop_implausible(battery_);
        note_pack();
        const auto why = implausible(battery_);
        if (why) {
            spdlog::warn("{}: reading dropped, its {} cannot be", suffix_, *why);
            good = false;
        }
    }
    misses_ = good ? 0 : misses_ + 1;
    if (identity_) {
        identity_->note_silence(misses_ >= kPollsOfSilence);
    }
    if (!published()) {
        plausible_polls_ = good ? plausible_polls_ + 1 : 0;
        if (plausible_polls_ >= kPollsToBelieve) {
            co_await come_up(now);
        }
        co_return;
    }
    control_poll(good, now);
    publish();
    if (state_.out.gone) {
        spdlog::warn("{}: silent for too long, {} leaves the bus", suffix_, device_->service().name());
        device_->withdraw();
        gone_ = true;
        plausible_polls_ = 0;
        co_await save(true);
    }
    if (now - looked_ >= kLookToSave) {
        looked_ = now;
        co_await save(false);
    }
    host_.polled();
}

/// Limits are so many cells' worth: a number that comes and goes, or changes, must not move them.
void Unit::note_pack() {
    const bool unknown = pack_.cell_count == 0;
    const auto told = pack_of(battery_).cell_count;
    pack_ = device_ ? pack_of(battery_, pack_) : pack_of(battery_);
    if (device_ && unknown && pack_.cell_count > 0) {
        cells_ =
            std::make_unique<publication::CellItems>(device_->items(), settings_->now(), pack_.cell_count);
    }
    if (told != pack_.cell_count && told != told_cells_) {
        spdlog::warn("{}: {} cells instead of {}; if they have changed, /Redetect counts them anew", suffix_,
                     told, pack_.cell_count);
    }
    told_cells_ = told;
}

control::Surroundings Unit::surroundings() const {
    control::Surroundings around;
    host_.neighbours.fill(around, settings_->now());
    around.charging_forced_off = battery_.charge_switch == false;
    around.discharging_forced_off = battery_.discharge_switch == false;
    around.configuration_faulty = settings_->faulty();
    around.limits_blocked = settings_->blocks_current();
    return around;
}

control::Context Unit::context(const control::Surroundings& around) const {
    return {.settings = settings_->now(), .pack = pack_, .around = around, .interval = interval()};
}

void Unit::control_poll(bool good, TimePoint now) {
    if (good) {
        reading_ = measurement_of(battery_, settings_->now());
    }
    const auto around = surroundings();
    control::poll(state_, context(around), good ? &*reading_ : nullptr, clocks(now).monotonic);
    // Unasked only where it is known to work.
    if (state_.out.set_bms_full && offers(*place_.family, Control::soc, false)) {
        queue(Control::soc, kFull);
    }
}

// ------------------------------------------------------------------------------------------ coming up

bool Unit::settle_identity(TimePoint now) {
    const std::string place =
        port_ + (place_.family->last_address != 0 ? "__" + address_text(place_.address) : "");
    const bool by_place = control::settings_for(host_.config, {{}, port_, {}}).settings.port_as_unique_id;
    auto& all = host_.identities;
    key_ = identity_key(battery_, place, by_place);
    if (!all.is_for_another(key_, place)) {
        identity_ = all.take(key_, place);
        if (identity_) {
            return true;
        }
        const auto holder = all.holder(key_);
        if (!rival_since_) {
            rival_since_ = now;
            spdlog::warn("{}: the battery at {} has the identity {} too; waiting whether it stays there",
                         suffix_, holder.place, key_);
        }
        const auto patience = holder.silent ? milliseconds(kForSilentRival)
                                            : std::max(milliseconds(kForRival), kRivalPolls * interval());
        if (now - *rival_since_ < patience) {
            return false;
        }
        if (!holder.silent) {
            all.reserve(key_, holder.place);
        }
    }
    spdlog::warn("{}: another battery has the identity {}; told apart by its port", suffix_, key_);
    key_ = identity_key(battery_, place, true);
    identity_ = all.take(key_, place);
    return identity_.has_value();
}

asio::awaitable<void> Unit::come_up(TimePoint now) {
    if (!device_) {
        if (!settle_identity(now)) {
            co_return;
        }
        id_ = "serialbattery_" + key_;
        settings_ = std::make_unique<BatterySettings>(host_, id_, key_, port_);
        co_await settings_->prepare();
        const auto root = settings_root(id_);
        std::vector<velib::SettingSpec> specs;
        for (const auto& stored : control::stored_values({})) {
            specs.push_back({.path = root + std::string(stored.name), .default_value = to_bus(stored)});
        }
        co_await host_.settings.add(std::move(specs));

        velib::Identity identity{
            .device_class = "battery",
            .id = id_,
            .preferred_instance = 2,  // 1 is for the bank
            .process_name = kProcessName,
            .process_version = velib::suite_version(),
            .connection = connection_,
            .product_id = kProductId,
            .product_name = product_name(battery_, *place_.family),
            .firmware_version =
                battery_.firmware_version.empty() ? velib::Value() : velib::Value(battery_.firmware_version),
            .hardware_version =
                battery_.hardware_version.empty() ? velib::Value() : velib::Value(battery_.hardware_version),
            .serial = battery_.serial.empty() ? key_ : battery_.serial};
        auto device = std::make_unique<velib::Device>(
            host_.bus, host_.settings, "com.victronenergy.battery." + suffix_, std::move(identity));
        co_await device->prepare();
        device_ = std::move(device);
        for (const auto& finding : control::check_for_battery(settings_->now(), pack_.cell_count)) {
            spdlog::warn("{}: {}", suffix_, finding.message);
        }
        written_ = load_state(host_.settings, root);
        add_items();
        host_.units.push_back(this);
    }
    // What it was before it fell silent is no more; what outlives a restart outlives this too.
    state_ = {};
    gone_ = false;
    control::restore(state_, written_, clocks(now), battery_.soc_pct);
    control_poll(true, now);
    show_limits(host_.limits_on_members);
    {
        velib::Update update(device_->items());
        device_->set_connected(update, true);
    }
    publish();
    device_->publish();
    spdlog::info("{}: {} as {}, instance {}", suffix_, device_->identity().product_name,
                 device_->service().name(), device_->instance());
    host_.polled();
}

void Unit::add_items() {
    auto& tree = device_->items();
    table_ = std::make_unique<velib::Publication<publication::View>>(tree, publication::rows());
    limits_ = std::make_unique<publication::LimitItems>(tree);
    cells_ = std::make_unique<publication::CellItems>(tree, settings_->now(), pack_.cell_count);
    times_ = std::make_unique<publication::TimeToSocItems>(tree);
    explanations_ = std::make_unique<publication::ExplanationItems>(tree);
    json_ = std::make_unique<publication::JsonItem>(tree);
    settings_->mirror(tree);
    add_controls();
}

void Unit::show_limits(bool shown) {
    shown = shown && !settings_->now().monitor_only;
    if (shown == limits_->shown()) {
        return;
    }
    const bool was_published = device_->published();
    device_->withdraw();
    limits_->show(shown);
    if (was_published) {
        publish();
        device_->publish();
    }
}

void Unit::publish() {
    auto view = publication::view_of(battery_, state_.out, settings_->now(), pack_.cell_count);
    view.config_error = settings_->first_error();
    view.mode_shown = can(Control::charge) && can(Control::discharge);
    velib::Update update(device_->items());
    table_->publish(update, view);
    limits_->publish(update, view);
    cells_->publish(update, view);
    times_->publish(update, view);
    show_switches(update);
    const auto& settings = settings_->now();
    std::optional<control::Explanation> explanation;
    if (settings.publish_debug) {
        const auto around = surroundings();
        explanation = control::explain(state_, context(around), clocks(Clock::now()).monotonic);
    }
    explanations_->publish(update, explanation ? &*explanation : nullptr);
    json_->publish(update, settings.publish_json);
}

void Unit::farewell() {
    if (!published()) {
        return;
    }
    velib::Update update(device_->items());
    if (auto* cable = device_->items().find("/Alarms/BmsCable"); settings_->now().bms_cable_alarm) {
        update.set(*cable, 2);
    }
}

asio::awaitable<void> Unit::save(bool everything) {
    if (!settings_ || !device_) {
        co_return;
    }
    const auto now = Clock::now();
    const auto present = control::to_persist(state_, clocks(now));
    const auto since = std::chrono::duration_cast<control::Seconds>(now - saved_);
    if (present == written_ || (!everything && !control::worth_writing(written_, present, since))) {
        co_return;
    }
    const auto before = control::stored_values(written_);
    const auto after = control::stored_values(present);
    bool saved = true;
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after[i].value != before[i].value) {
            auto path = settings_root(id_) + std::string(after[i].name);
            auto value = to_bus(after[i]);
            const bool taken = co_await host_.settings.set(std::move(path), std::move(value));
            saved = saved && taken;
        }
    }
    if (saved) {
        written_ = present;
        saved_ = now;
    }
}

}  // namespace bms
