#pragma once
// libmosquitto in the event loop: its socket is waited for by Asio, no thread is started.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

namespace givenergy {

struct MqttMessage {
    std::string topic;
    std::string payload;
    bool retained = false;
};

struct MqttConnection {
    std::string host;
    std::uint16_t port = 1883;
    std::string client_id;
    std::string user, password;  ///< no login without a user
    bool tls = false;
    std::string ca_file;                   ///< empty: the system's certificates
    std::string will_topic, will_payload;  ///< retained
};

struct MqttHandlers {
    std::function<void()> connected;
    std::function<void(const std::string& reason)> disconnected;
    std::function<void(const MqttMessage&)> message;
};

/// A connection to one broker that comes back by itself, with pauses that grow to a minute.
class MqttClient {
  public:
    MqttClient(boost::asio::any_io_executor executor, MqttConnection connection, MqttHandlers handlers);
    MqttClient(const MqttClient&) = delete;
    MqttClient& operator=(const MqttClient&) = delete;
    /// Says goodbye (the will is not published) and closes.
    ~MqttClient();

    [[nodiscard]] bool connected() const;
    /// Dropped while there is no connection. QoS 0.
    void publish(std::string_view topic, std::string_view payload, bool retain = false);
    void subscribe(const std::string& pattern);

  private:
    class Loop;
    std::shared_ptr<Loop> loop_;
};

}  // namespace givenergy
