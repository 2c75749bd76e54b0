#include "givenergy/driver/mqtt_publisher.hpp"

#include "givenergy/mqtt/discovery.hpp"
#include "givenergy/readout/compat.hpp"
#include "givenergy/readout/payload.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace {

// Whoever subscribes later has all values after this time, though unchanged ones are not repeated in between.
constexpr std::chrono::seconds kWholePeriod{60};
constexpr std::size_t kLongestPayload = 1024;

}  // namespace

std::string MqttPublisher::status_topic() const {
    return fmt::format("{}/{}/status", settings_.root, serial_);
}

std::string MqttPublisher::control_root() const {
    return fmt::format("{}/control/{}/", settings_.root, serial_);
}

void MqttPublisher::identified() {
    serial_ = site_.topology().serial;
    connect();
}

void MqttPublisher::settings_changed() {
    if (!serial_.empty() && settings_ != site_.settings().mqtt) {
        connect();
    }
}

void MqttPublisher::disconnect() {
    if (client_ != nullptr && client_->connected()) {
        client_->publish(status_topic(), "offline", true);
    }
    client_.reset();
}

void MqttPublisher::connect() {
    disconnect();
    settings_ = site_.settings().mqtt;
    sent_.clear();
    announced_.clear();
    if (settings_.host.empty()) {
        return;
    }
    MqttConnection connection;
    connection.host = settings_.host;
    connection.port = settings_.port;
    connection.client_id = "GivEnergy_" + site_.link().adapter_serial();
    connection.user = settings_.user;
    connection.password = settings_.password;
    connection.tls = settings_.tls;
    connection.ca_file = settings_.ca_file;
    connection.will_topic = status_topic();
    connection.will_payload = "offline";
    client_ = std::make_unique<MqttClient>(
        executor_, std::move(connection),
        MqttHandlers{[this] { on_connected(); },
                     [this](const std::string& reason) {
                         spdlog::warn("MQTT: {}:{}: {}", settings_.host, settings_.port, reason);
                     },
                     [this](const MqttMessage& message) { on_message(message); }});
}

void MqttPublisher::on_connected() {
    spdlog::info("MQTT: connected to {}:{}", settings_.host, settings_.port);
    client_->subscribe(control_root() + "#");
    client_->publish(status_topic(), site_.online() ? "online" : "offline", true);
    sent_.clear();
    announced_.clear();
    if (site_.online()) {
        publish_values();
    }
}

void MqttPublisher::changed() {
    if (client_ == nullptr || !client_->connected()) {
        return;
    }
    if (std::chrono::steady_clock::now() >= next_whole_) {
        sent_.clear();
    }
    publish_values();
}

void MqttPublisher::lost() {
    if (client_ != nullptr) {
        send(status_topic(), "offline", true);
    }
}

void MqttPublisher::send(const std::string& topic, const std::string& payload, bool retain) {
    auto& last = sent_.try_emplace(topic, std::string{"\0", 1}).first->second;
    if (last != payload) {
        client_->publish(topic, payload, retain);
        last = payload;
    }
}

void MqttPublisher::publish_values() {
    if (sent_.empty()) {
        next_whole_ = std::chrono::steady_clock::now() + kWholePeriod;
    }
    send(status_topic(), "online", true);
    if (settings_.topics != TopicSet::v3) {
        Readout all = read_combined_stats(site_.topology(), site_.registers());
        all.append(read_modes(site_.topology(), site_.registers()));
        all.append(read_timeslots(site_.topology(), site_.registers()));
        for (const ReadoutEntry& entry : all.entries()) {
            send(compat_topic(settings_.root, site_.link().adapter_serial(), entry),
                 payload_text(entry.value), false);
        }
    }
    if (settings_.topics != TopicSet::compat) {
        const Readout readout = read_v3(site_.topology(), site_.view());
        for (const ReadoutEntry& entry : readout.entries()) {
            send(v3_topic(settings_.root, serial_, entry), payload_text(entry.value), settings_.retain);
        }
        if (settings_.discovery) {
            announce();
        }
    }
}

void MqttPublisher::announce() {
    const DiscoveryPlace place{settings_.discovery_prefix, settings_.root, status_topic(),
                               site_.settings().allow_control};
    for (Announcement& one :
         announcements(site_.topology(), read_v3(site_.topology(), site_.view()), place)) {
        auto& last = announced_[one.topic];
        if (last != one.payload) {
            client_->publish(one.topic, one.payload, true);
            last = std::move(one.payload);
        }
    }
}

void MqttPublisher::on_message(const MqttMessage& message) {
    const std::string root = control_root();
    if (!message.topic.starts_with(root)) {
        return;
    }
    const std::string function = message.topic.substr(root.size());
    if (function.empty() || function.find('/') != std::string::npos) {
        return;  // our own answers, among others
    }
    if (message.retained) {
        // It would be carried out again at every connection.
        spdlog::warn("MQTT: retained command {} ignored", message.topic);
        return;
    }
    const auto answer = [this, topic = message.topic + "/result"](const std::string& text) {
        if (client_ != nullptr) {
            client_->publish(topic, result_json(text), false);
        }
    };
    auto arguments =
        message.payload.size() > kLongestPayload
            ? wire::Expected<Arguments, CommandError>{wire::Unexpected{CommandError{"payload too long"}}}
            : arguments_of_message(message.payload);
    if (!arguments) {
        answer(result_text(function, false) + ": " + arguments.error().text);
        return;
    }
    const auto refused = site_.submit(function, std::move(*arguments),
                                      [answer](const CommandResult& result) { answer(result.text); });
    if (refused) {
        answer(result_text(function, false) + ": " + refused->text);
    }
}

}  // namespace givenergy
