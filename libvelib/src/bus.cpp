#include "velib/bus.hpp"

#include "message.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sdbus-c++/sdbus-c++.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-bus.h>

namespace velib {
namespace asio = boost::asio;

namespace {

void check(int result, const std::string& what) {
    if (result < 0) {
        throw std::system_error(-result, std::generic_category(), what);
    }
}

sd_bus* open_bus(const BusAddress& address) {
    std::string text = address.text;
    if (text.empty()) {
        text = std::getenv("DBUS_SESSION_BUS_ADDRESS") != nullptr ? "session" : "system";
    }
    sd_bus* bus = nullptr;
    if (text == "system") {
        check(sd_bus_open_system(&bus), "cannot connect to the system bus");
    } else if (text == "session") {
        check(sd_bus_open_user(&bus), "cannot connect to the session bus");
    } else {
        check(sd_bus_new(&bus), "cannot make a bus connection");
        int result = sd_bus_set_address(bus, text.c_str());
        if (result >= 0) {
            result = sd_bus_set_bus_client(bus, 1);
        }
        if (result >= 0) {
            result = sd_bus_set_anonymous(bus, text.starts_with("tcp:") ? 1 : 0);
        }
        if (result >= 0) {
            result = sd_bus_start(bus);
        }
        if (result < 0) {
            sd_bus_unref(bus);
            check(result, "cannot connect to the bus at " + text);
        }
    }
    return bus;
}

// Asio closes the descriptors it owns, sd-bus its own: each gets one.
int duplicate(int descriptor) {
    const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot duplicate a bus descriptor");
    }
    return copy;
}

}  // namespace

// Waits for the connection's descriptors and timeouts and lets it work. Kept alive by its own pending waits,
// so that the Bus may be destroyed in the middle of a callback.
class Bus::Pump : public std::enable_shared_from_this<Pump> {
  public:
    Pump(const BusContext& bus_context, Filter filter)
        : context(bus_context),
          raw(open_bus(bus_context.address)),
          filter_(std::move(filter)),
          socket_(bus_context.executor),
          events_(bus_context.executor),
          timer_(bus_context.executor) {
        if (filter_) {
            // Before adoption, so that it is the first to see a message.
            const int result = sd_bus_add_filter(raw, nullptr, &Pump::on_message, this);
            if (result < 0) {
                sd_bus_unref(raw);
                check(result, "cannot watch the bus connection");
            }
        }
        const int result = sd_bus_flush(raw);  // waits until the bus has let us in
        if (result < 0) {
            sd_bus_unref(raw);
            check(result, "the message bus does not accept the connection");
        }
        connection = sdbus::createBusConnection(raw);
        const auto poll = connection->getEventLoopPollData();
        socket_.assign(duplicate(poll.fd));
        events_.assign(duplicate(poll.eventFd));
    }

    void start() {
        if (!closed_) {
            wait_events();
            drain();
        }
    }

    void work() {
        if (!closed_) {
            drain();
        }
    }

    void close() {
        if (closed_) {
            return;
        }
        closed_ = true;
        // Said at once and not left to the end of the connection, which may have to wait for the end of a
        // callback: the caller may come back under the same name right away.
        for (const auto& name : names) {
            release(name);
        }
        boost::system::error_code ignored;
        socket_.close(ignored);
        events_.close(ignored);
        timer_.cancel();
        if (draining_) {
            // Closing under sd-bus's feet would end the callback that runs now; it happens when drain returns.
            return;
        }
        disconnect();
    }

    // Lets the current call chain end first: it may hold references to what on_lost ends.
    void fail(const std::string& reason) {
        asio::post(context.executor, [self = shared_from_this(), reason] {
            if (!self->closed_) {
                self->report_lost(reason);
            }
        });
    }

    void rearm() {
        if (closed_ || draining_) {
            return;  // after draining it is done anyway
        }
        sdbus::IConnection::PollData poll;
        try {
            poll = connection->getEventLoopPollData();
        } catch (const sdbus::Error&) {
            // The connection broke; draining finds out why.
            asio::post(context.executor, [self = shared_from_this()] { self->work(); });
            return;
        }
        if ((poll.events & POLLIN) != 0 && !reading_) {
            reading_ = true;
            socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [self = shared_from_this()](boost::system::error_code error) {
                                   self->reading_ = false;
                                   self->woken(error);
                               });
        }
        if ((poll.events & POLLOUT) != 0 && !writing_) {
            writing_ = true;
            socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                               [self = shared_from_this()](boost::system::error_code error) {
                                   self->writing_ = false;
                                   self->woken(error);
                               });
        }
        arm_timer(poll.timeout);
    }

    BusContext context;
    sd_bus* raw;
    std::unique_ptr<sdbus::IConnection> connection;
    std::vector<std::string> names;

  private:
    static int on_message(sd_bus_message* message, void* userdata, sd_bus_error*) {
        auto& self = *static_cast<Pump*>(userdata);
        try {
            return !self.closed_ && self.filter_ && self.filter_(message) ? 1 : 0;
        } catch (const std::exception& error) {
            // sd-bus is C: nothing may be thrown through it.
            spdlog::error("handling a message failed: {}", error.what());
            return -EIO;
        }
    }

    void wait_events() {
        events_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](boost::system::error_code error) {
                               if (!error && !self->closed_) {
                                   self->drain();
                                   self->wait_events();
                               }
                           });
    }

    void woken(const boost::system::error_code& error) {
        if (!error) {
            work();
        }
    }

    // A client that floods the bus must not keep the driver from its device: after a while others get a turn.
    void drain() {
        constexpr auto kFairShare = std::chrono::milliseconds(5);
        const auto keep_alive = shared_from_this();
        const auto enough = std::chrono::steady_clock::now() + kFairShare;
        draining_ = true;
        std::string lost;
        bool more = true;
        try {
            do {
                more = connection->processPendingEvent();
            } while (more && !closed_ && std::chrono::steady_clock::now() < enough);
        } catch (const sdbus::Error& error) {
            lost = error.getMessage();
        }
        draining_ = false;
        if (closed_) {
            disconnect();
        } else if (!lost.empty() || sd_bus_is_open(raw) <= 0) {
            report_lost(lost.empty() ? "closed by the bus" : lost);
        } else if (more) {
            asio::post(context.executor, [self = keep_alive] { self->work(); });
        } else {
            rearm();
        }
    }

    void report_lost(const std::string& reason) {
        const auto on_lost = context.on_lost;
        close();
        if (on_lost) {
            on_lost(reason);
        }
    }

    void disconnect() {
        if (sd_bus_is_ready(raw) > 0) {
            sd_bus_flush(raw);
        }
        sd_bus_close(raw);
    }

    void release(const std::string& name) {
        sd_bus_message* made = nullptr;
        if (sd_bus_is_ready(raw) <= 0
            || sd_bus_message_new_method_call(raw, &made, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                              "org.freedesktop.DBus", "ReleaseName")
                   < 0) {
            return;
        }
        const message::Message call(made);
        if (sd_bus_message_append_basic(made, SD_BUS_TYPE_STRING, name.c_str()) >= 0
            && sd_bus_message_set_expect_reply(made, 0) >= 0) {
            sd_bus_send(raw, made, nullptr);
        }
    }

    void arm_timer(std::chrono::microseconds absolute) {
        using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as sd-bus
        if (absolute == armed_for_) {
            return;
        }
        armed_for_ = absolute;
        timer_.cancel();
        if (absolute == std::chrono::microseconds::max() || absolute.count() < 0) {
            return;
        }
        timer_.expires_at(Clock::time_point(std::chrono::duration_cast<Clock::duration>(absolute)));
        timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error) {
                self->armed_for_ = std::chrono::microseconds::max();
                self->work();
            }
        });
    }

    Filter filter_;
    asio::posix::stream_descriptor socket_;
    asio::posix::stream_descriptor events_;
    asio::steady_timer timer_;
    std::chrono::microseconds armed_for_ = std::chrono::microseconds::max();
    bool reading_ = false;
    bool writing_ = false;
    bool draining_ = false;
    bool closed_ = false;
};

Bus::Bus(const BusContext& context, Filter filter)
    : pump_(std::make_shared<Pump>(context, std::move(filter))) {
    asio::post(context.executor, [pump = pump_] { pump->start(); });
}

Bus::~Bus() {
    pump_->close();
}

void Bus::request_name(const std::string& name) {
    check(sd_bus_request_name(raw(), name.c_str(), 0), "cannot take the bus name " + name);
    pump_->names.push_back(name);
    // Calls that came in meanwhile wait in sd-bus's queue, where no descriptor tells of them.
    asio::post(pump_->context.executor, [pump = pump_] { pump->work(); });
}

sdbus::IConnection& Bus::connection() {
    return *pump_->connection;
}

sd_bus* Bus::raw() {
    return pump_->raw;
}

void Bus::sent() {
    pump_->rearm();
}

void Bus::send(sd_bus_message* message) {
    const int result = sd_bus_send(raw(), message, nullptr);
    if (result < 0) {
        pump_->fail(std::generic_category().message(-result));
    } else {
        pump_->rearm();
    }
}

const BusContext& Bus::context() const {
    return pump_->context;
}

}  // namespace velib
