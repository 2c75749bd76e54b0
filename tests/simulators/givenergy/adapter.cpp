#include "simulators/givenergy/adapter.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace gesim {

namespace {

constexpr std::uint8_t kWrite = 6;
constexpr std::size_t kBankOffset = 42;  // of the values in a read answer
constexpr int kHeartbeatsUntilClose = 3;

std::chrono::steady_clock::duration seconds_of(double seconds) {
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(seconds));
}

bool take(int& count) {
    return count > 0 && count-- > 0;
}

}  // namespace

Adapter::Adapter(asio::io_context& context, House& house, std::string serial)
    : context_(context), house_(house), serial_(std::move(serial)) {
    asio::co_spawn(context_, beat(), asio::detached);
}

std::uint16_t Adapter::listen(const std::string& address, std::uint16_t port) {
    endpoint_ = {asio::ip::make_address(address), port};
    acceptor_ = std::make_unique<tcp::acceptor>(context_, endpoint_);
    endpoint_ = acceptor_->local_endpoint();
    asio::co_spawn(context_, accept(), asio::detached);
    return endpoint_.port();
}

asio::awaitable<void> Adapter::accept() {
    while (acceptor_) {
        boost::system::error_code error;
        tcp::socket socket =
            co_await acceptor_->async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return;
        }
        ++counters_.connections;
        auto client = std::make_shared<Client>(std::move(socket));
        clients_.insert(client);
        asio::co_spawn(context_, serve(client), asio::detached);
        asio::co_spawn(context_, write_out(client), asio::detached);
    }
}

asio::awaitable<void> Adapter::serve(std::shared_ptr<Client> client) {
    std::array<std::uint8_t, 512> chunk{};
    while (!client->closed) {
        boost::system::error_code error;
        const std::size_t size = co_await client->socket.async_read_some(
            asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            break;
        }
        client->in.insert(client->in.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size));
        obey(*client);
    }
    drop_client(client);
}

void Adapter::obey(Client& client) {
    for (;;) {
        const Incoming incoming = take_frame(client.in);
        switch (incoming.kind) {
            case Incoming::Kind::nothing:
                return;
            case Incoming::Kind::heartbeat:
                ++counters_.heartbeats_answered;
                client.unanswered_heartbeats = 0;
                break;
            case Incoming::Kind::rubbish:
                ++counters_.rubbish;
                break;
            case Incoming::Kind::request: {
                ++counters_.requests;
                auto timer = std::make_shared<asio::steady_timer>(context_, seconds_of(latency_seconds_));
                timer->async_wait([this, timer, request = incoming.request](
                                      const boost::system::error_code&) { answer(request); });
                break;
            }
        }
    }
}

Serials Adapter::serials_for(std::uint8_t address) const {
    // Every device answers with the inverter's serial, except those on the battery's own bus.
    return {serial_, address >= 0x50 && address < 0x70 ? house_.serial_of(address) : house_.serial_of(0x11)};
}

void Adapter::apply_chaos() {
    std::uniform_real_distribution<double> uniform(0, 1);
    if (uniform(dice_) >= misbehaviour_.chaos) {
        return;
    }
    const std::array<int*, 8> counts{
        &misbehaviour_.drop,  &misbehaviour_.wrong_check, &misbehaviour_.zero,  &misbehaviour_.memory,
        &misbehaviour_.shift, &misbehaviour_.zero_tail,   &misbehaviour_.error, &misbehaviour_.write_lost};
    const std::array<bool*, 5> switches{&misbehaviour_.glue, &misbehaviour_.split, &misbehaviour_.foreign,
                                        &misbehaviour_.heartbeats, &misbehaviour_.extras};
    const auto choice =
        std::uniform_int_distribution<std::size_t>(0, counts.size() + switches.size() - 1)(dice_);
    if (choice < counts.size()) {
        *counts[choice] = 1;
    } else {
        *switches[choice - counts.size()] = !*switches[choice - counts.size()];
    }
}

void Adapter::answer(const Request& request) {
    if (misbehaviour_.chaos > 0) {
        apply_chaos();
    }
    if (misbehaviour_.silence || misbehaviour_.half_open || take(misbehaviour_.drop)) {
        return;
    }
    if (misbehaviour_.heartbeats) {
        send(heartbeat(serial_));
    }
    if (misbehaviour_.extras) {
        send(null_answer(serial_));
        send(network_announcement(serial_));
    }
    if (misbehaviour_.foreign) {
        send(read_answer(serials_for(0x11), {0x11, 4, 0, 6}, {1, 0xbee, 0xbd5, 0xf29, 0, 0x955}));
        send(write_answer(serials_for(0x11), {0x11, kWrite, 29, 0}));
    }
    if (request.function == kWrite) {
        answer_write(request);
    } else {
        answer_read(request);
    }
}

void Adapter::answer_read(const Request& request) {
    ++counters_.reads;
    const auto values =
        house_.registers().read(request.address, request.function, request.first, request.second);
    if (!values || take(misbehaviour_.error)) {
        send(error_answer(serials_for(request.address), request, request.address != 0x31));
        return;
    }
    Octets frame = read_answer(serials_for(request.address), request, *values);
    spoil(frame, request);
    send(std::move(frame));
}

void Adapter::spoil(Octets& frame, const Request& request) {
    const std::size_t end = frame.size() - 2;
    if (take(misbehaviour_.zero)) {
        std::fill(frame.begin() + kBankOffset, frame.begin() + static_cast<std::ptrdiff_t>(end),
                  std::uint8_t{0});
        renew_check(frame);
    } else if (take(misbehaviour_.memory) && request.second == 60) {
        static const std::array<std::pair<int, int>, 9> kMemory{{{28, 0x4c32},
                                                                 {30, 0xa119},
                                                                 {31, 0x34ea},
                                                                 {32, 0xe77f},
                                                                 {33, 0xd475},
                                                                 {35, 0x4500},
                                                                 {41, 0xc0a8},
                                                                 {43, 0xc0a8},
                                                                 {51, 0x8018}}};
        for (const auto& [index, value] : kMemory) {
            frame[kBankOffset + 2 * static_cast<std::size_t>(index)] = static_cast<std::uint8_t>(value >> 8);
            frame[kBankOffset + 2 * static_cast<std::size_t>(index) + 1] =
                static_cast<std::uint8_t>(value & 0xff);
        }
        renew_check(frame);
    } else if (request.address >= 0x32 && request.address <= 0x37 && take(misbehaviour_.shift)) {
        frame.erase(frame.begin() + kBankOffset + 20);
        frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(kBankOffset + 90), std::uint8_t{0});
        renew_check(frame);
    } else if (take(misbehaviour_.zero_tail)) {
        std::fill(frame.begin() + static_cast<std::ptrdiff_t>((kBankOffset + end) / 2), frame.end(),
                  std::uint8_t{0});
    } else if (take(misbehaviour_.wrong_check)) {
        frame.back() = static_cast<std::uint8_t>(frame.back() ^ 0x40);
    }
}

void Adapter::answer_write(const Request& request) {
    if (request.address != 0x11 || take(misbehaviour_.write_refused)) {
        send(error_answer(serials_for(request.address), request));
        return;
    }
    if (take(misbehaviour_.write_dropped)) {
        return;
    }
    if (take(misbehaviour_.write_other)) {
        Request other = request;
        ++other.second;
        send(write_answer(serials_for(request.address), other));
        return;
    }
    ++counters_.writes;
    writes_.emplace_back(request.first, request.second);
    if (!house_.write(request.first, request.second)) {
        send(error_answer(serials_for(request.address), request));
    } else if (!take(misbehaviour_.write_lost)) {
        send(write_answer(serials_for(request.address), request));
    }
}

void Adapter::send(Octets frame) {
    if (misbehaviour_.glue) {
        if (held_back_.empty()) {
            held_back_ = std::move(frame);
            // Nothing stays behind for ever.
            auto timer = std::make_shared<asio::steady_timer>(context_, std::chrono::milliseconds(300));
            timer->async_wait([this, timer](const boost::system::error_code&) {
                if (!held_back_.empty()) {
                    for (const auto& client : clients_) {
                        client->out.push_back(held_back_);
                        client->wake.cancel();
                    }
                    held_back_.clear();
                }
            });
            return;
        }
        frame.insert(frame.begin(), held_back_.begin(), held_back_.end());
        held_back_.clear();
    }
    for (const auto& client : clients_) {
        client->out.push_back(frame);
        client->wake.cancel();
    }
}

asio::awaitable<void> Adapter::write_out(std::shared_ptr<Client> client) {
    boost::system::error_code error;
    while (!client->closed) {
        if (client->out.empty()) {
            client->wake.expires_after(std::chrono::hours(1));
            co_await client->wake.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        const Octets frame = std::move(client->out.front());
        client->out.pop_front();
        const std::size_t piece = misbehaviour_.split ? 7 : frame.size();
        for (std::size_t at = 0; at < frame.size() && !client->closed; at += piece) {
            const std::size_t size = std::min(piece, frame.size() - at);
            co_await asio::async_write(client->socket, asio::buffer(frame.data() + at, size),
                                       asio::redirect_error(asio::use_awaitable, error));
            if (error) {
                co_return;
            }
            if (piece < frame.size()) {
                asio::steady_timer pause(context_, std::chrono::milliseconds(1));
                co_await pause.async_wait(asio::use_awaitable);
            }
        }
    }
}

void Adapter::drop_client(const std::shared_ptr<Client>& client) {
    client->closed = true;
    client->wake.cancel();
    boost::system::error_code ignored;
    client->socket.close(ignored);
    clients_.erase(client);
}

void Adapter::reset_connections() {
    const auto clients = clients_;
    for (const auto& client : clients) {
        boost::system::error_code ignored;
        client->socket.set_option(asio::socket_base::linger(true, 0), ignored);
        drop_client(client);
    }
}

void Adapter::refuse_for(double seconds) {
    if (acceptor_) {
        boost::system::error_code ignored;
        acceptor_->close(ignored);
        acceptor_.reset();
    }
    reset_connections();
    auto timer = std::make_shared<asio::steady_timer>(context_, seconds_of(seconds));
    timer->async_wait([this, timer](const boost::system::error_code&) {
        listen(endpoint_.address().to_string(), endpoint_.port());
    });
}

void Adapter::send_heartbeats() {
    const auto clients = clients_;
    for (const auto& client : clients) {
        if (client->unanswered_heartbeats >= kHeartbeatsUntilClose) {
            drop_client(client);
            continue;
        }
        ++client->unanswered_heartbeats;
        client->out.push_back(heartbeat(serial_));
        client->wake.cancel();
    }
}

asio::awaitable<void> Adapter::beat() {
    asio::steady_timer timer(context_);
    for (;;) {
        timer.expires_after(seconds_of(heartbeat_seconds_));
        co_await timer.async_wait(asio::use_awaitable);
        if (!misbehaviour_.half_open) {
            send_heartbeats();
        }
    }
}

}  // namespace gesim
