#include "givenergy/mqtt/client.hpp"

#include <mosquitto.h>

#include <algorithm>
#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr int kKeepAliveSeconds = 60;
constexpr int kMostPackets = 100;

/// The library's own start and end, once a process.
struct Library {
    Library() { mosquitto_lib_init(); }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { mosquitto_lib_cleanup(); }
};

}  // namespace

class MqttClient::Loop : public std::enable_shared_from_this<MqttClient::Loop> {
  public:
    Loop(asio::any_io_executor executor, MqttConnection connection, MqttHandlers handlers)
        : connection_(std::move(connection)),
          handlers_(std::move(handlers)),
          resolver_(executor),
          socket_(executor),
          retry_(executor),
          housekeeping_(executor) {}
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() { release(); }

    void start() { connect(); }
    void stop();
    [[nodiscard]] bool connected() const { return connected_; }
    void publish(std::string_view topic, std::string_view payload, bool retain);
    void subscribe(const std::string& pattern);

  private:
    void connect();
    void open(const std::string& host);
    [[nodiscard]] std::optional<std::string> configure();
    void failed(const std::string& reason);
    void wait_readable();
    void wait_writable();
    void keep_house();
    void after(int code);
    void release();

    static void on_connect(mosquitto*, void* self, int code);
    static void on_message(mosquitto*, void* self, const mosquitto_message* message);

    MqttConnection connection_;
    MqttHandlers handlers_;
    asio::ip::tcp::resolver resolver_;
    asio::posix::stream_descriptor socket_;
    asio::steady_timer retry_, housekeeping_;
    mosquitto* client_ = nullptr;
    std::chrono::seconds pause_{1};
    bool connected_ = false, stopped_ = false, writing_ = false;
    std::uint64_t generation_ = 0;
};

/// Makes a client; what prevents that is the result. Nothing is sent before: a login must not leave unencrypted
/// because a certificate file cannot be read.
std::optional<std::string> MqttClient::Loop::configure() {
    static const Library library;
    client_ =
        mosquitto_new(connection_.client_id.empty() ? nullptr : connection_.client_id.c_str(), true, this);
    if (client_ == nullptr) {
        return mosquitto_strerror(MOSQ_ERR_NOMEM);
    }
    mosquitto_connect_callback_set(client_, &Loop::on_connect);
    mosquitto_message_callback_set(client_, &Loop::on_message);
    if (!connection_.user.empty()) {
        mosquitto_username_pw_set(client_, connection_.user.c_str(),
                                  connection_.password.empty() ? nullptr : connection_.password.c_str());
    }
    if (!connection_.will_topic.empty()) {
        mosquitto_will_set(client_, connection_.will_topic.c_str(),
                           static_cast<int>(connection_.will_payload.size()), connection_.will_payload.data(),
                           0, true);
    }
    if (connection_.tls) {
        const char* file = connection_.ca_file.empty() ? nullptr : connection_.ca_file.c_str();
        const char* directory = file == nullptr ? "/etc/ssl/certs" : nullptr;
        if (const int code = mosquitto_tls_set(client_, file, directory, nullptr, nullptr, nullptr);
            code != MOSQ_ERR_SUCCESS) {
            return fmt::format("the certificates in {} cannot be read",
                               file != nullptr ? connection_.ca_file : std::string{directory});
        }
    }
    return std::nullopt;
}

void MqttClient::Loop::connect() {
    if (stopped_) {
        return;
    }
    // The library resolves names blockingly, so it gets an address. With TLS it needs the name, to check it, and gets
    // it once the resolver is known to answer.
    error_code literal;
    asio::ip::make_address(connection_.host, literal);
    if (!literal) {
        open(connection_.host);
        return;
    }
    resolver_.async_resolve(connection_.host, std::to_string(connection_.port),
                            [self = shared_from_this()](const error_code& error, const auto& found) {
                                if (self->stopped_) {
                                    return;
                                }
                                if (error || found.empty()) {
                                    self->failed(error.message());
                                } else {
                                    self->open(self->connection_.tls
                                                   ? self->connection_.host
                                                   : found.begin()->endpoint().address().to_string());
                                }
                            });
}

void MqttClient::Loop::open(const std::string& host) {
    release();
    ++generation_;
    if (const auto obstacle = configure()) {
        failed(*obstacle);
        return;
    }
    const int code = mosquitto_connect_async(client_, host.c_str(), connection_.port, kKeepAliveSeconds);
    if (code != MOSQ_ERR_SUCCESS) {
        failed(mosquitto_strerror(code));
        return;
    }
    socket_.assign(mosquitto_socket(client_));
    wait_readable();
    wait_writable();
    keep_house();
}

/// Gives the descriptor back to the library before that closes it.
void MqttClient::Loop::release() {
    if (socket_.is_open()) {
        socket_.release();
    }
    if (client_ != nullptr) {
        mosquitto_destroy(client_);
        client_ = nullptr;
    }
    writing_ = false;
}

void MqttClient::Loop::failed(const std::string& reason) {
    const bool was_connected = std::exchange(connected_, false);
    ++generation_;
    if (socket_.is_open()) {
        socket_.release();
    }
    housekeeping_.cancel();
    if (stopped_) {
        return;
    }
    if (was_connected || pause_ == 1s) {
        handlers_.disconnected(reason);
    }
    retry_.expires_after(pause_);
    pause_ = std::min<std::chrono::seconds>(pause_ * 2, 60s);
    retry_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) {
            self->connect();
        }
    });
}

void MqttClient::Loop::after(int code) {
    if (code != MOSQ_ERR_SUCCESS && !stopped_) {
        failed(mosquitto_strerror(code));
    }
}

void MqttClient::Loop::wait_readable() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this(), generation = generation_](const error_code& error) {
                           if (error || generation != self->generation_) {
                               return;
                           }
                           self->after(mosquitto_loop_read(self->client_, kMostPackets));
                           if (generation == self->generation_) {
                               self->wait_readable();
                               self->wait_writable();
                           }
                       });
}

void MqttClient::Loop::wait_writable() {
    if (writing_ || client_ == nullptr || !mosquitto_want_write(client_)) {
        return;
    }
    writing_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this(), generation = generation_](const error_code& error) {
                           if (error || generation != self->generation_) {
                               return;
                           }
                           self->writing_ = false;
                           self->after(mosquitto_loop_write(self->client_, kMostPackets));
                           if (generation == self->generation_) {
                               self->wait_writable();
                           }
                       });
}

void MqttClient::Loop::keep_house() {
    housekeeping_.expires_after(1s);
    housekeeping_.async_wait([self = shared_from_this(), generation = generation_](const error_code& error) {
        if (error || generation != self->generation_) {
            return;
        }
        self->after(mosquitto_loop_misc(self->client_));
        if (generation == self->generation_) {
            self->wait_writable();
            self->keep_house();
        }
    });
}

void MqttClient::Loop::on_connect(mosquitto*, void* self, int code) {
    auto& loop = *static_cast<Loop*>(self);
    if (code != 0) {
        // The library closes the connection; the loop notices and comes back.
        spdlog::warn("MQTT: {} refuses: {}", loop.connection_.host, mosquitto_connack_string(code));
        return;
    }
    loop.connected_ = true;
    loop.pause_ = 1s;
    loop.handlers_.connected();
}

void MqttClient::Loop::on_message(mosquitto*, void* self, const mosquitto_message* message) {
    auto& loop = *static_cast<Loop*>(self);
    if (loop.stopped_ || message->topic == nullptr) {
        return;
    }
    const auto* bytes = static_cast<const char*>(message->payload);
    loop.handlers_.message(
        {message->topic,
         bytes == nullptr ? std::string{} : std::string{bytes, static_cast<std::size_t>(message->payloadlen)},
         message->retain});
}

void MqttClient::Loop::publish(std::string_view topic, std::string_view payload, bool retain) {
    if (!connected_) {
        return;
    }
    mosquitto_publish(client_, nullptr, std::string{topic}.c_str(), static_cast<int>(payload.size()),
                      payload.data(), 0, retain);
    wait_writable();
}

void MqttClient::Loop::subscribe(const std::string& pattern) {
    mosquitto_subscribe(client_, nullptr, pattern.c_str(), 0);
    wait_writable();
}

void MqttClient::Loop::stop() {
    stopped_ = true;
    ++generation_;
    resolver_.cancel();
    retry_.cancel();
    housekeeping_.cancel();
    if (client_ != nullptr && connected_) {
        mosquitto_disconnect(client_);
        // What is queued still goes out if the socket takes it at once.
        mosquitto_loop_write(client_, kMostPackets);
    }
    connected_ = false;
    release();
}

MqttClient::MqttClient(asio::any_io_executor executor, MqttConnection connection, MqttHandlers handlers)
    : loop_(std::make_shared<Loop>(std::move(executor), std::move(connection), std::move(handlers))) {
    loop_->start();
}

MqttClient::~MqttClient() {
    loop_->stop();
}

bool MqttClient::connected() const {
    return loop_->connected();
}

void MqttClient::publish(std::string_view topic, std::string_view payload, bool retain) {
    loop_->publish(topic, payload, retain);
}

void MqttClient::subscribe(const std::string& pattern) {
    loop_->subscribe(pattern);
}

}  // namespace givenergy
