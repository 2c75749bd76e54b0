#pragma once
// The controller's Modbus TCP port, on libmodbus, with the habit of closing after each answer and others that are worse.

#include "simulators/tristar/plant.hpp"

#include <modbus.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tristar_simulator {

/// What is done to an answer instead of sending it as it is.
enum class Misbehaviour : std::uint8_t {
    none,
    early_close,   ///< closes without an answer
    cut,           ///< closes within the answer
    short_answer,  ///< a sound frame with one register less than asked for
    wrong_length,  ///< an MBAP length no frame can have
    wrong_unit,
    wrong_transaction,
    wrong_function,
    exception,
    silence,  ///< keeps the connection and says nothing
    reset,    ///< resets the connection
    garbage   ///< speaks another protocol
};

struct ServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: any free one
    std::uint8_t unit = 1;
    bool keep_open = false;  ///< do not close after an answer, as other devices do
};

struct ServerCounts {
    int connections = 0;
    int requests = 0;
    int foreign_functions = 0;  ///< requests with a function the controller does not have
    int at_once = 0;            ///< the most connections that were open together
};

class Server {
  public:
    /// Listens at once; throws std::runtime_error when it can not.
    Server(ServerOptions options, Plant& plant);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] const ServerCounts& counts() const { return counts_; }

    void misbehave(Misbehaviour kind, int times, int exception_code = 4);
    void delay(std::chrono::milliseconds before_each_answer) { delay_ = before_each_answer; }
    /// Takes no connections at all while closed: they are refused.
    void close_port();
    void open_port();

    /// The descriptors to wait for, and what to do when one of them is readable.
    [[nodiscard]] std::vector<int> descriptors() const;
    void ready(int descriptor);

  private:
    void accept();
    void serve(int client);
    void drop(int client, bool with_reset = false);
    [[nodiscard]] std::vector<std::uint8_t> answer(const std::vector<std::uint8_t>& request);
    [[nodiscard]] std::vector<std::uint8_t> through_libmodbus(const std::vector<std::uint8_t>& request);
    [[nodiscard]] std::vector<std::uint8_t> exception(const std::vector<std::uint8_t>& request,
                                                      int code) const;
    [[nodiscard]] std::vector<std::uint8_t> identification(const std::vector<std::uint8_t>& request) const;
    [[nodiscard]] int apply_write(const std::vector<std::uint8_t>& request);
    void send(int client, std::vector<std::uint8_t> bytes);

    ServerOptions options_;
    Plant& plant_;
    modbus_t* modbus_ = nullptr;
    modbus_mapping_t* mapping_ = nullptr;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::vector<int> clients_;
    ServerCounts counts_;
    Misbehaviour misbehaviour_ = Misbehaviour::none;
    int misbehaviours_left_ = 0;
    int exception_code_ = 4;
    std::chrono::milliseconds delay_{0};
};

}  // namespace tristar_simulator
