#include "simulators/tristar/server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

namespace tristar_simulator {

namespace {

using Frame = std::vector<std::uint8_t>;

constexpr std::size_t kHeader = 6;
constexpr int kRegisters = 0x10000;
constexpr int kCoils = 4352;
constexpr std::uint16_t kResetNetwork = 0x10FF;

std::uint16_t word_at(const Frame& frame, std::size_t at) {
    return static_cast<std::uint16_t>(frame.at(at) << 8 | frame.at(at + 1));
}

Frame with_header(const Frame& request, const Frame& pdu) {
    Frame frame(kHeader + 1 + pdu.size());
    frame[0] = request[0];
    frame[1] = request[1];
    frame[5] = static_cast<std::uint8_t>(pdu.size() + 1);
    frame[6] = request[6];
    std::copy(pdu.begin(), pdu.end(), frame.begin() + kHeader + 1);
    return frame;
}

/// A read answer with its last register taken off, consistent in all its lengths.
void shorten(Frame& frame) {
    if (frame.size() >= 11 && frame[7] <= 4) {
        frame.resize(frame.size() - 2);
        frame[5] = static_cast<std::uint8_t>(frame[5] - 2);
        frame[8] = static_cast<std::uint8_t>(frame[8] - 2);
    }
}

}  // namespace

Server::Server(ServerOptions options, Plant& plant) : options_(std::move(options)), plant_(plant) {
    mapping_ = modbus_mapping_new(kCoils, kCoils, kRegisters, kRegisters);
    if (mapping_ == nullptr) {
        throw std::runtime_error(modbus_strerror(errno));
    }
    open_port();
}

Server::~Server() {
    close_port();
    modbus_mapping_free(mapping_);
}

void Server::open_port() {
    if (listener_ >= 0) {
        return;
    }
    const int port = port_ != 0 ? port_ : options_.port;
    modbus_ = modbus_new_tcp(options_.host.c_str(), port);
    if (modbus_ == nullptr || (listener_ = modbus_tcp_listen(modbus_, 8)) < 0) {
        throw std::runtime_error("cannot listen on " + options_.host + ": " + modbus_strerror(errno));
    }
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(bound.sin_port);
}

void Server::close_port() {
    while (!clients_.empty()) {
        drop(clients_.back(), true);
    }
    if (listener_ >= 0) {
        ::close(std::exchange(listener_, -1));
    }
    modbus_free(std::exchange(modbus_, nullptr));
}

void Server::misbehave(Misbehaviour kind, int times, int exception_code) {
    misbehaviour_ = kind;
    misbehaviours_left_ = times;
    exception_code_ = exception_code;
}

std::vector<int> Server::descriptors() const {
    auto all = clients_;
    if (listener_ >= 0) {
        all.push_back(listener_);
    }
    return all;
}

void Server::ready(int descriptor) {
    if (descriptor == listener_) {
        accept();
    } else if (std::ranges::find(clients_, descriptor) != clients_.end()) {
        serve(descriptor);
    }
}

void Server::accept() {
    int listener = listener_;
    const int client = modbus_tcp_accept(modbus_, &listener);
    if (client >= 0) {
        clients_.push_back(client);
        ++counts_.connections;
        counts_.at_once = std::max(counts_.at_once, static_cast<int>(clients_.size()));
    }
}

void Server::drop(int client, bool with_reset) {
    if (with_reset) {
        const linger at_once{1, 0};
        ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    ::close(client);
    std::erase(clients_, client);
}

void Server::serve(int client) {
    // libmodbus does not know the length of every request, so the header's length decides first.
    std::uint8_t header[kHeader];
    if (::recv(client, header, sizeof header, MSG_PEEK | MSG_WAITALL)
        != static_cast<ssize_t>(sizeof header)) {
        return drop(client);
    }
    Frame request(kHeader + static_cast<std::size_t>(header[4] << 8 | header[5]));
    if (request.size() < kHeader + 2 || request.size() > MODBUS_TCP_MAX_ADU_LENGTH) {
        return drop(client);
    }
    constexpr std::uint8_t kIdentification = 0x2B;
    std::uint8_t start[kHeader + 2];
    if (::recv(client, start, sizeof start, MSG_PEEK | MSG_WAITALL) != static_cast<ssize_t>(sizeof start)) {
        return drop(client);
    }
    if (start[7] == kIdentification) {
        if (::recv(client, request.data(), request.size(), MSG_WAITALL)
            != static_cast<ssize_t>(request.size())) {
            return drop(client);
        }
    } else {
        request.resize(MODBUS_TCP_MAX_ADU_LENGTH);
        modbus_set_socket(modbus_, client);
        const int length = modbus_receive(modbus_, request.data());
        if (length <= 0) {
            return drop(client);
        }
        request.resize(static_cast<std::size_t>(length));
    }
    ++counts_.requests;
    if (request[6] != options_.unit) {
        return;  // nobody is there
    }
    std::this_thread::sleep_for(delay_);
    auto reply = answer(request);
    if (plant_.take_silence()) {
        return drop(client);
    }
    send(client, std::move(reply));
}

std::vector<std::uint8_t> Server::answer(const Frame& request) {
    switch (request[7]) {
        case 0x01:
        case 0x02:
            for (int coil = 0; coil < kCoils; ++coil) {
                mapping_->tab_bits[coil] = mapping_->tab_input_bits[coil] =
                    plant_.coil(static_cast<std::uint16_t>(coil)) ? 1 : 0;
            }
            return through_libmodbus(request);
        case 0x03:
        case 0x04: {
            const auto first = word_at(request, 8);
            for (std::uint32_t i = 0; i < word_at(request, 10) && first + i < 0x10000; ++i) {
                const auto word = plant_.read(static_cast<std::uint16_t>(first + i));
                if (!word) {
                    return exception(request, 2);
                }
                mapping_->tab_registers[first + i] = mapping_->tab_input_registers[first + i] = *word;
            }
            return through_libmodbus(request);
        }
        case 0x05:
        case 0x06:
            if (const int code = apply_write(request); code != 0) {
                return exception(request, code);
            }
            return through_libmodbus(request);
        case 0x2B:
            return identification(request);
        default:
            ++counts_.foreign_functions;
            return exception(request, 1);
    }
}

int Server::apply_write(const Frame& request) {
    const auto address = word_at(request, 8);
    const auto word = word_at(request, 10);
    if (request[7] == 0x06) {
        return plant_.write(address, word);
    }
    if (word != 0xFF00 && word != 0) {
        return 3;
    }
    const auto refusal = plant_.write_coil(address, word != 0);
    if (refusal == 0 && address == kResetNetwork) {
        misbehaviours_left_ = 0;  // what such a reset is for
    }
    return refusal;
}

/// The answer that libmodbus would send, caught on its way.
std::vector<std::uint8_t> Server::through_libmodbus(const Frame& request) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return {};
    }
    modbus_set_socket(modbus_, ends[0]);
    Frame reply(MODBUS_TCP_MAX_ADU_LENGTH);
    const int sent = modbus_reply(modbus_, request.data(), static_cast<int>(request.size()), mapping_);
    const auto length = sent > 0 ? ::recv(ends[1], reply.data(), reply.size(), 0) : 0;
    ::close(ends[0]);
    ::close(ends[1]);
    reply.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return reply;
}

std::vector<std::uint8_t> Server::exception(const Frame& request, int code) const {
    return with_header(request,
                       {static_cast<std::uint8_t>(request[7] | 0x80), static_cast<std::uint8_t>(code)});
}

std::vector<std::uint8_t> Server::identification(const Frame& request) const {
    constexpr std::string_view kObjects[] = {"Morningstar Corp.", "TS-MPPT-60", "v01.02.42"};
    Frame pdu{0x2B, 0x0E, 0x01, 0x81, 0x00, 0x00, std::size(kObjects)};
    std::uint8_t id = 0;
    for (const auto& text : kObjects) {
        pdu.push_back(id++);
        pdu.push_back(static_cast<std::uint8_t>(text.size()));
        pdu.insert(pdu.end(), text.begin(), text.end());
    }
    return with_header(request, pdu);
}

void Server::send(int client, Frame bytes) {
    const auto kind = misbehaviours_left_ > 0 ? misbehaviour_ : Misbehaviour::none;
    if (misbehaviours_left_ > 0) {
        --misbehaviours_left_;
    }
    switch (kind) {
        case Misbehaviour::none:
            break;
        case Misbehaviour::silence:
            return;
        case Misbehaviour::early_close:
            return drop(client);
        case Misbehaviour::reset:
            return drop(client, true);
        case Misbehaviour::cut:
            bytes.resize(bytes.size() / 2);
            break;
        case Misbehaviour::short_answer:
            shorten(bytes);
            break;
        case Misbehaviour::wrong_length:
            bytes[4] = 0xFF;
            break;
        case Misbehaviour::wrong_unit:
            bytes[6] = static_cast<std::uint8_t>(bytes[6] + 1);
            break;
        case Misbehaviour::wrong_transaction:
            bytes[0] = static_cast<std::uint8_t>(bytes[0] + 1);
            break;
        case Misbehaviour::wrong_function:
            bytes[7] = static_cast<std::uint8_t>(bytes[7] ^ 0x07);
            break;
        case Misbehaviour::exception:
            bytes = exception(bytes, exception_code_);
            break;
        case Misbehaviour::garbage: {
            constexpr std::string_view kOther = "HTTP/1.1 400 Bad Request\r\n\r\n";
            bytes.assign(kOther.begin(), kOther.end());
            break;
        }
    }
    ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (!options_.keep_open || kind == Misbehaviour::cut) {
        drop(client);
    }
}

}  // namespace tristar_simulator
