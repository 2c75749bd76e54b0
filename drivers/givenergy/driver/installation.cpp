#include "givenergy/driver/installation.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace asio = boost::asio;

namespace {

// In the block that systemcalc gives no special treatment.
constexpr int kProductId = 0xBA90;
constexpr std::string_view kSubDevice = "/Devices/0/Service", kSubInstance = "/Devices/0/Instance";

/// First instance asked for: batteries far above every BMS, none that a mapped unit id of the GX hides.
int preferred_instance(ServiceKind kind, int pack) {
    switch (kind) {
        case ServiceKind::grid:
            return 30;
        case ServiceKind::multi:
            return 60;
        case ServiceKind::acsystem:
            return 61;
        case ServiceKind::battery:
            return 120 + pack + 1;
        case ServiceKind::pvinverter:
            return 20;
    }
    return 60;
}

std::string_view product_name(ServiceKind kind) {
    static constexpr std::array<std::string_view, 5> kNames{"GivEnergy grid meter", "GivEnergy inverter",
                                                            "GivEnergy system", "GivEnergy battery",
                                                            "GivEnergy PV"};
    return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

Installation::Installation(velib::App& app, velib::Settings& settings, const DriverSettings& values,
                           AdapterAddress address, const std::string& state_directory)
    : app_(app),
      settings_(settings),
      values_(values),
      site_(app.context().get_executor(), std::move(address), values, state_directory, *this),
      mqtt_(app.context().get_executor(), site_) {}

velib::Identity Installation::identity(ServiceKind kind, int pack) const {
    const Topology& topology = site_.topology();
    velib::Identity identity;
    identity.device_class = to_string(kind);
    const std::string suffix = pack < 0 ? "" : fmt::format("_pack{}", pack + 1);
    identity.id = fmt::format("givenergy_{}_{}{}", topology.serial, to_string(kind), suffix);
    identity.preferred_instance = preferred_instance(kind, pack);
    identity.process_name = app_.name();
    identity.process_version = velib::suite_version();
    identity.connection = "GivEnergy adapter " + site_.link().address().text();
    identity.product_id = kProductId;
    identity.product_name = fmt::format("{} {}", product_name(kind), to_string(topology.model));
    identity.firmware_version = velib::Value(topology.firmware);
    identity.serial = topology.serial;
    if (pack >= 0 && static_cast<std::size_t>(pack) < site_.view().plant.battery.packs.size()) {
        const Pack& one = site_.view().plant.battery.packs[static_cast<std::size_t>(pack)];
        identity.serial = one.serial;
        identity.firmware_version = velib::Value(one.firmware);
        identity.product_name = fmt::format("GivEnergy battery pack {}", pack + 1);
    }
    return identity;
}

std::string Installation::service_name(ServiceKind kind, int pack) const {
    const std::string suffix = pack < 0 ? std::string{} : fmt::format("_pack{}", pack + 1);
    return fmt::format("com.victronenergy.{}.{}", to_string(kind),
                       velib::bus_name_element("givenergy_" + site_.topology().serial + suffix));
}

asio::awaitable<void> Installation::identified(Site&) {
    known_ = true;
    ++generation_;
    services_.clear();
    packs_shown_ = 0;
    mqtt_.identified();
    co_await publish_services(generation_);
}

asio::awaitable<std::unique_ptr<Installation::Published>> Installation::make(ServiceKind kind, int pack) {
    auto published = std::make_unique<Published>();
    const velib::Identity who = identity(kind, pack);
    const std::string name = service_name(kind, pack);
    published->pack = pack;
    published->device = std::make_unique<velib::Device>(app_.bus(), settings_, name, who);
    co_await published->device->prepare();
    auto& tree = published->device->items();
    published->items = std::make_unique<ServiceItems>(tree, kind, site_.topology());
    if (kind == ServiceKind::multi) {
        multi_name_ = name;
        multi_instance_ = published->device->instance();
    } else if (kind == ServiceKind::acsystem) {
        tree.add(std::string{kSubDevice}, {velib::Type::text}, velib::Value(multi_name_));
        tree.add(std::string{kSubInstance}, {velib::Type::integer}, velib::Value(multi_instance_));
    }
    co_return published;
}

asio::awaitable<void> Installation::publish_services(std::uint64_t generation) {
    const LayoutChoice choice = site_.layout();
    shown_choice_ = choice;
    shown_consent_ = values_.consent;
    const auto kinds = services_of(site_.topology(), choice, metered_pv_seen_);
    std::vector<std::unique_ptr<Published>> made;
    made.reserve(kinds.size());
    for (const ServiceKind kind : kinds) {
        made.push_back(co_await make(kind, -1));
    }
    // The controls sit on the multi, or where there is none on whatever stands for the unit.
    if (!made.empty()) {
        const auto multi = std::ranges::find(kinds, ServiceKind::multi) - kinds.begin();
        Published& bearer =
            *made[static_cast<std::size_t>(multi) < made.size() ? static_cast<std::size_t>(multi) : 0];
        bearer.controls = std::make_unique<ControlItems>(
            bearer.device->items(), site_.topology(), values_.consent,
            [this](std::string function, Arguments arguments) {
                return !site_.submit(std::move(function), std::move(arguments), {});
            });
    }
    if (generation != generation_) {
        co_return;  // somebody began anew meanwhile
    }
    services_ = std::move(made);
    for (const auto& service : services_) {
        service->device->publish();
    }
    show();
}

void Installation::republish() {
    if (!known_) {
        return;
    }
    ++generation_;
    services_.clear();
    packs_shown_ = 0;
    asio::co_spawn(app_.context(), publish_services(generation_), [](const std::exception_ptr& failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

void Installation::show() {
    for (const auto& service : services_) {
        velib::Update update(service->device->items());
        if (!site_.online()) {
            service->items->invalidate(update);
            if (service->controls) {
                service->controls->invalidate(update);
            }
            service->device->set_connected(update, false);
            continue;
        }
        if (service->pack < 0) {
            service->items->publish(update, site_.view());
        } else {
            View one = site_.view();
            one.pack = service->pack;
            service->items->publish(update, one);
        }
        if (service->controls) {
            service->controls->publish(update, site_.view());
        }
        service->device->set_connected(update, true);
    }
}

void Installation::changed(Site&) {
    const View& view = site_.view();
    // AC-coupled PV on a three-phase unit shows only while the sun shines; once seen its service stays.
    if (!metered_pv_seen_ && view.plant.metered_pv_w.value_or(0) > 0) {
        metered_pv_seen_ = true;
        if (live_bank(view.plant.model) == LiveBank::three_phase) {
            republish();
        }
    }
    const std::size_t packs = values_.choice.battery_per_pack ? view.plant.battery.packs.size() : 0;
    if (packs > packs_shown_) {
        const std::size_t first = packs_shown_;
        packs_shown_ = packs;
        asio::co_spawn(
            app_.context(),
            [](Installation& self, std::size_t from, std::size_t to,
               std::uint64_t generation) -> asio::awaitable<void> {
                for (std::size_t i = from; i < to; ++i) {
                    auto service = co_await self.make(ServiceKind::battery, static_cast<int>(i));
                    if (generation != self.generation_) {
                        co_return;
                    }
                    service->device->publish();
                    self.services_.push_back(std::move(service));
                }
                self.show();
            }(*this, first, packs, generation_),
            [](const std::exception_ptr& failure) {
                if (failure) {
                    std::rethrow_exception(failure);
                }
            });
    }
    show();
    mqtt_.changed();
}

void Installation::lost(Site&) {
    show();
    mqtt_.lost();
}

void Installation::settings_changed() {
    mqtt_.settings_changed();
    // Services come and go only when they would be other ones afterwards.
    if (shown_choice_ != site_.layout() || shown_consent_ != values_.consent) {
        republish();
    }
    site_.wake();
}

void Installation::set_layout(Layout layout) {
    if (site_.layout().layout != layout) {
        site_.set_layout(layout);
        republish();
        site_.wake();
    }
}

}  // namespace givenergy
