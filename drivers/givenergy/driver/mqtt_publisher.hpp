#pragma once
// A unit on a broker: its values, its commands, and whether it is there.

#include "givenergy/driver/site.hpp"
#include "givenergy/mqtt/client.hpp"
#include "givenergy/readout/readout.hpp"

#include <memory>
#include <unordered_map>

namespace givenergy {

class MqttPublisher {
  public:
    MqttPublisher(boost::asio::any_io_executor executor, Site& site)
        : executor_(std::move(executor)), site_(site) {}

    MqttPublisher(const MqttPublisher&) = delete;
    MqttPublisher& operator=(const MqttPublisher&) = delete;
    /// Says that the unit is offline before it leaves.
    ~MqttPublisher() { disconnect(); }

    /// The unit is known (again): connect, with its serial in topics and will.
    void identified();
    void changed();
    void lost();
    void settings_changed();

  private:
    void connect();
    void disconnect();
    void on_connected();
    void on_message(const MqttMessage& message);
    void publish_values();
    void announce();
    void send(const std::string& topic, const std::string& payload, bool retain);
    [[nodiscard]] std::string status_topic() const;
    [[nodiscard]] std::string control_root() const;

    boost::asio::any_io_executor executor_;
    Site& site_;
    MqttSettings settings_;
    std::unique_ptr<MqttClient> client_;
    std::unordered_map<std::string, std::string> sent_;  ///< last payload of each topic
    std::unordered_map<std::string, std::string> announced_;
    std::chrono::steady_clock::time_point next_whole_{};
    std::string serial_;
};

}  // namespace givenergy
