#include "serialbattery/driver/port_worker.hpp"

#include "common/state_file.hpp"
#include "serialbattery/driver/measurement.hpp"
#include "serialbattery/driver/overhearing.hpp"
#include "serialbattery/driver/runner.hpp"
#include "serialbattery/driver/search.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
namespace {

constexpr auto kPatience = 5s;  ///< for a port that is not there yet, or still held by who had it before
constexpr auto kFirstReopen = 500ms;
constexpr auto kLongestReopen = 10s;
constexpr auto kLookAgain = 10s;      ///< between two addresses, once all have been asked
constexpr auto kLookAnyway = 2s;      ///< on a line where the polls leave no pause to look in
constexpr unsigned kSilentPolls = 5;  ///< then a battery does not hold up the others any more
constexpr auto kSilentRetry = 10s;

/// The families that BMS_TYPE names.
std::vector<const Family*> families_of(const control::TextList& types) {
    std::vector<const Family*> chosen;
    for (const auto& type : types) {
        const auto called = families_called(type);
        chosen.insert(chosen.end(), called.begin(), called.end());
        if (called.empty()) {
            spdlog::warn("BMS_TYPE {} is no type that is known here", type);
        }
    }
    return chosen;
}

}  // namespace

PortWorker::PortWorker(Host& host, std::string path, OpenPort open_port)
    : host_(host),
      path_(std::move(path)),
      name_(port_name(path_)),
      open_port_(std::move(open_port)),
      settings_(control::settings_for(host.config, {{}, name_, {}}).settings),
      wake_(host.bus.executor) {
    for (const auto& text : settings_.addresses) {
        if (const auto address = parse_address(text)) {
            addresses_.push_back(*address);
        } else {
            spdlog::error("BATTERY_ADDRESSES: {} is no address", text);
        }
    }
    if (addresses_.size() > 1) {
        host_.bank_expected = true;
    }
}

PortWorker::~PortWorker() = default;

asio::awaitable<GivenUp> PortWorker::run() {
    for (const auto& excluded : settings_.excluded_devices) {
        if (port_name(excluded) == name_) {
            spdlog::info("{}: excluded by the configuration", path_);
            co_return GivenUp::excluded;
        }
    }
    for (;;) {
        const auto fault = co_await open();
        if (fault) {
            spdlog::error("{}: {}", path_, transport::describe(*fault));
            co_return GivenUp::no_port;
        }
        auto found = co_await detect();
        if (!found) {
            continue;  // the port went away meanwhile
        }
        if (found->kind == Detected::Kind::occupied) {
            co_await listen(*found);
        } else if (found->kind == Detected::Kind::battery) {
            remember(found->place);
            add_unit(found->place, std::move(found->session));
            plan_scan(found->place);
            co_await serve();
        } else {
            spdlog::info("{}: {}", path_,
                         found->kind == Detected::Kind::foreign ? found->what + " is there, no battery"
                                                                : std::string("no battery answered"));
            port_.reset();
            co_return GivenUp::nothing;
        }
        for (const auto& unit : units_) {
            co_await unit->save(true);
        }
        units_.clear();
        port_.reset();
    }
}

asio::awaitable<std::optional<SerialFault>> PortWorker::open() {
    const auto give_up = Clock::now() + kPatience;
    for (;;) {
        auto opened = open_port_(path_, Line{});
        if (opened) {
            port_ = std::move(*opened);
            co_return std::nullopt;
        }
        const SerialFault fault = opened.error();
        const bool may_come =
            fault == SerialFault::missing || fault == SerialFault::busy || fault == SerialFault::gone;
        if (!may_come || Clock::now() >= give_up) {
            co_return fault;
        }
        co_await wait_until(Clock::now() + kFirstReopen);
    }
}

asio::awaitable<std::optional<Detected>> PortWorker::detect() {
    DetectionPlan plan;
    plan.families = families_of(settings_.bms_types);
    plan.addresses = addresses_;
    plan.last = remembered();
    plan.options = options_of(settings_);
    plan.options.sole_unit = addresses_.size() == 1;
    if (plan.last && !plan.families.empty()
        && std::ranges::find(plan.families, plan.last->family) == plan.families.end()) {
        plan.last.reset();
    }
    const auto begin = Clock::now();
    Detector detector(std::move(plan));
    const auto fault = co_await bms::run(*port_, detector);
    if (fault) {
        spdlog::warn("{}: {}", path_, transport::describe(*fault));
        co_return std::nullopt;
    }
    auto found = detector.take_result();
    if (found.kind == Detected::Kind::battery) {
        const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
        spdlog::info("{}: {} at {} baud, found in {} ms", path_, found.place.family->title,
                     found.place.line.baud, took.count());
    }
    co_return found;
}

void PortWorker::add_unit(const Location& place, std::unique_ptr<Session> session) {
    const bool with_address = !addresses_.empty() || !units_.empty();
    const auto address = address_text(place.address);
    Unit::Calls calls{.wake = [this] { wake(); },
                      .redetect =
                          [this] {
                              redetect_ = true;
                              wake();
                          }};
    units_.push_back(std::make_unique<Unit>(host_, place, std::move(session), name_,
                                            with_address ? name_ + "__" + address : name_,
                                            "Serial " + path_ + (with_address ? "__" + address : ""), calls));
}

/// Given addresses are looked for as long as it takes; others once, and then one now and then.
void PortWorker::plan_scan(const Location& found) {
    unheard_ = further_places(found, addresses_);
    scan_at_ = 0;
    swept_ = false;
    next_look_ = Clock::now();
}

bool PortWorker::all_gone() const {
    return std::ranges::all_of(units_, [](const auto& unit) { return unit->gone(); });
}

Unit* PortWorker::next_due() {
    Unit* next = nullptr;
    for (const auto& unit : units_) {
        if (unit->has_commands()) {
            return unit.get();
        }
        if (next == nullptr || unit->turn() < next->turn()) {
            next = unit.get();
        }
    }
    return next;
}

asio::awaitable<void> PortWorker::serve() {
    redetect_ = false;
    std::map<const Unit*, TimePoint> retry;
    while (!redetect_ && !all_gone()) {
        Unit* unit = next_due();
        auto now = Clock::now();
        const bool idle = unit->due() > now && !unit->has_commands();
        if (!unheard_.empty() && now >= next_look_ + (idle ? 0s : kLookAnyway)) {
            co_await look_for_more();
            continue;
        }
        if (idle) {
            co_await wait_until(unheard_.empty() ? unit->due()
                                                 : std::min(unit->due(), std::max(next_look_, now)));
            continue;
        }
        // Who has been silent for long is asked now and then only, so that the others do not wait for it.
        if (units_.size() > 1 && unit->misses() >= kSilentPolls) {
            auto& when = retry[unit];
            if (now < when) {
                co_await unit->miss(now);
                continue;
            }
            when = now + kSilentRetry;
        }
        const auto fault = co_await unit->serve(*port_);
        if (fault) {
            spdlog::warn("{}: {}", path_, transport::describe(*fault));
            co_await reopen();
        }
    }
}

/// The port is gone: its batteries count as silent until it is back.
asio::awaitable<void> PortWorker::reopen() {
    const Line line = units_.front()->place().line;
    auto pause = std::chrono::duration_cast<milliseconds>(kFirstReopen);
    auto next_try = Clock::now() + pause;
    port_.reset();
    while (!all_gone()) {
        const auto now = Clock::now();
        if (now >= next_try) {
            auto opened = open_port_(path_, line);
            if (opened) {
                port_ = std::move(*opened);
                spdlog::info("{}: the port is back", path_);
                co_return;
            }
            pause = std::min(pause * 2, std::chrono::duration_cast<milliseconds>(kLongestReopen));
            next_try = now + pause;
        }
        for (const auto& unit : units_) {
            if (unit->due() <= now) {
                co_await unit->miss(now);
            }
        }
        const auto due =
            (*std::ranges::min_element(units_, {}, [](const auto& unit) { return unit->due(); }))->due();
        co_await wait_until(std::min(due, next_try));
    }
}

/// Asks one more address; a battery there joins.
asio::awaitable<void> PortWorker::look_for_more() {
    if (scan_at_ >= unheard_.size()) {
        scan_at_ = 0;
        swept_ = true;
    }
    const Location place = unheard_[scan_at_];
    auto session = co_await visit(*port_, place, options_of(settings_));
    // From the end of this one: where a silent address takes seconds, those that are there are asked between two of them.
    next_look_ = Clock::now() + (swept_ ? milliseconds(kLookAgain) : 0ms);
    if (!session) {
        ++scan_at_;
        co_return;
    }
    spdlog::info("{}: another {} at {}", path_, place.family->title, address_text(place.address));
    unheard_.erase(unheard_.begin() + static_cast<std::ptrdiff_t>(scan_at_));
    add_unit(place, std::move(session));
}

/// Another master asks here: nothing is sent, its batteries are read from its traffic.
asio::awaitable<void> PortWorker::listen(const Detected& found) {
    const auto& family = *found.place.family;
    spdlog::info("{}: another master asks {} here; listening only", path_, family.title);
    struct Ear {
        Listener listener;
        Unit* unit = nullptr;
        bool fresh = false;
    };
    std::vector<Ear> ears;
    for (auto& listener : listeners_at(found.place, options_of(settings_))) {
        ears.push_back({std::move(listener)});
    }
    Overhearing traffic(family);
    const auto take = [&ears](Bytes frame, Bytes request) {
        for (auto& ear : ears) {
            const bool used = ear.unit != nullptr ? ear.unit->overhear(frame, request)
                                                  : ear.listener.session->overheard(frame, request);
            ear.fresh = ear.fresh || used;
        }
    };
    std::array<std::uint8_t, 512> buffer{};
    redetect_ = false;
    auto last_use = Clock::now();
    constexpr auto kDeaf = 120s;
    while (!redetect_ && Clock::now() - last_use < kDeaf) {
        const auto count = co_await port_->read_some(buffer, Clock::now() + 1s);
        if (!count) {
            break;
        }
        traffic.hear(Bytes(buffer).first(*count), take);
        const auto now = Clock::now();
        for (auto& ear : ears) {
            if (ear.unit == nullptr && ear.fresh && ear.listener.session->complete()) {
                add_unit(ear.listener.place, std::move(ear.listener.session));
                ear.unit = units_.back().get();
            }
            if (ear.unit != nullptr && ear.unit->due() <= now) {
                last_use = ear.fresh ? now : last_use;
                const bool fresh = ear.fresh;
                ear.fresh = false;
                co_await ear.unit->overheard_poll(fresh, now);
            }
        }
    }
}

asio::awaitable<void> PortWorker::wait_until(TimePoint when) {
    wake_.expires_at(when);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

// ---------------------------------------------------------------------------------- what was there last

std::optional<Location> PortWorker::remembered() const {
    const common::StateFile file(host_.state_folder / "ports" / name_);
    return file.load([](const std::string& text) -> std::optional<Location> {
        std::istringstream words(text);
        std::string family;
        std::string parity;
        unsigned address = 0;
        std::uint32_t baud = 0;
        words >> family >> address >> baud >> parity;
        const auto* known = find_family(family);
        const Line line{baud, parity == "even" ? Parity::even : Parity::none};
        const bool fits = words && known != nullptr && known->open != nullptr && address <= 0xff
                          && std::ranges::find(known->lines, line) != known->lines.end();
        return fits ? std::optional(Location{known, static_cast<std::uint8_t>(address), line}) : std::nullopt;
    });
}

void PortWorker::remember(const Location& place) const {
    const auto last = remembered();
    if (last && last->family == place.family && last->address == place.address && last->line == place.line) {
        return;
    }
    std::ostringstream text;
    text << place.family->name << ' ' << unsigned{place.address} << ' ' << place.line.baud << ' '
         << (place.line.parity == Parity::even ? "even" : "none") << '\n';
    const common::StateFile file(host_.state_folder / "ports" / name_);
    if (const auto fault = file.save(text.str())) {
        spdlog::warn("{} could not be written: {}", file.path().string(), fault.message());
    }
}

}  // namespace bms
