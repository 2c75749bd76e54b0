#pragma once
// A unit with everything that shows it: its services on the bus and its topics on a broker.

#include "givenergy/driver/mqtt_publisher.hpp"
#include "givenergy/driver/site.hpp"
#include "givenergy/publication/controls.hpp"
#include "velib/app.hpp"
#include "velib/device.hpp"

#include <memory>

namespace givenergy {

class Installation final : private SiteWatcher {
  public:
    Installation(velib::App& app, velib::Settings& settings, const DriverSettings& values,
                 AdapterAddress address, const std::string& state_directory);

    /// Polls and publishes until cancelled.
    boost::asio::awaitable<void> run() { return site_.run(); }
    /// The driver's settings changed.
    void settings_changed();
    /// Another layout: the services leave and come back.
    void set_layout(Layout layout);

  private:
    /// One service of the installation.
    struct Published {
        std::unique_ptr<velib::Device> device;
        std::unique_ptr<ServiceItems> items;
        std::unique_ptr<ControlItems> controls;  ///< on one of them
        int pack = -1;
    };

    boost::asio::awaitable<void> identified(Site& site) override;
    void changed(Site& site) override;
    void lost(Site& site) override;
    boost::asio::awaitable<void> publish_services(std::uint64_t generation);
    boost::asio::awaitable<std::unique_ptr<Published>> make(ServiceKind kind, int pack);
    void republish();
    [[nodiscard]] velib::Identity identity(ServiceKind kind, int pack) const;
    [[nodiscard]] std::string service_name(ServiceKind kind, int pack) const;
    void show();

    velib::App& app_;
    velib::Settings& settings_;
    const DriverSettings& values_;
    Site site_;
    MqttPublisher mqtt_;
    std::vector<std::unique_ptr<Published>> services_;
    std::string multi_name_;
    int multi_instance_ = 0;
    LayoutChoice shown_choice_;
    Consent shown_consent_;
    bool metered_pv_seen_ = false;
    bool known_ = false;
    std::size_t packs_shown_ = 0;
    std::uint64_t generation_ = 0;
};

}  // namespace givenergy
