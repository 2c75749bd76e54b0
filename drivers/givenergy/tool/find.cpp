#include "givenergy/driver/session.hpp"
#include "givenergy/tool/tool.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <net/if.h>
#include <nlohmann/json.hpp>

namespace givenergy {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kAtOnce = 32;
constexpr unsigned kSmallestPrefix = 22;  // at most 1022 hosts: a home network, not a company's
constexpr LinkTiming kProbe{Milliseconds{50},   Milliseconds{1000},  Milliseconds{1000},
                            Milliseconds{1000}, Milliseconds{600},   Milliseconds{100},
                            Milliseconds{100},  Milliseconds{36000}, 5};

/// Networks of this machine's own interfaces.
std::vector<asio::ip::network_v4> own_networks() {
    std::vector<asio::ip::network_v4> networks;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return networks;
    }
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> guard{list, freeifaddrs};
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        const bool usable = one->ifa_addr != nullptr && one->ifa_netmask != nullptr
                            && one->ifa_addr->sa_family == AF_INET && (one->ifa_flags & IFF_LOOPBACK) == 0
                            && (one->ifa_flags & IFF_UP) != 0;
        if (!usable) {
            continue;
        }
        const auto number = [](const sockaddr* address) {
            sockaddr_in internet{};
            std::copy_n(reinterpret_cast<const char*>(address), sizeof internet,
                        reinterpret_cast<char*>(&internet));
            return asio::ip::address_v4{ntohl(internet.sin_addr.s_addr)};
        };
        const asio::ip::network_v4 network{number(one->ifa_addr), number(one->ifa_netmask)};
        networks.emplace_back(network.address(),
                              std::max<unsigned short>(network.prefix_length(), kSmallestPrefix));
    }
    return networks;
}

struct Found {
    AdapterAddress address;
    std::string adapter, serial, model;
};

struct Search {
    std::vector<AdapterAddress> left;
    std::vector<Found> found;
    std::size_t running = 0;
};

asio::awaitable<void> probe(std::shared_ptr<Search> search, std::shared_ptr<asio::steady_timer> done) {
    while (!search->left.empty()) {
        const AdapterAddress address = search->left.back();
        search->left.pop_back();
        Link link(co_await asio::this_coro::executor, address, kProbe);
        const bool connected = co_await link.connect();
        if (!connected) {
            continue;
        }
        Session session(link);
        co_await session.identify();
        // Whoever speaks the frames of an adapter is one, whatever stands behind it.
        if (!link.adapter_serial().empty()) {
            search->found.push_back({address, link.adapter_serial(), session.topology().serial,
                                     std::string{to_string(session.topology().model)}});
        }
    }
    if (--search->running == 0) {
        done->cancel();
    }
}

bool add_place(Search& search, const std::string& place, std::uint16_t port) {
    boost::system::error_code error;
    const auto network = asio::ip::make_network_v4(place, error);
    if (!error) {
        if (network.prefix_length() < kSmallestPrefix) {
            return false;
        }
        for (const auto& host : network.hosts()) {
            search.left.push_back({host.to_string(), port});
        }
        return true;
    }
    auto address = parse_address(place);
    if (!address) {
        return false;
    }
    if (place.find(':') == std::string::npos) {
        address->port = port;
    }
    search.left.push_back(std::move(*address));
    return true;
}

}  // namespace

asio::awaitable<Exit> run_find(std::vector<std::string> places, std::uint16_t port, bool json,
                               std::ostream& out, std::ostream& complaints) {
    auto search = std::make_shared<Search>();
    for (const std::string& place : places) {
        if (!add_place(*search, place, port)) {
            complaints
                << place
                << " is neither an address nor a network of at most 1022 hosts such as 192.168.1.0/24\n";
            co_return Exit::usage;
        }
    }
    if (places.empty()) {
        for (const auto& network : own_networks()) {
            for (const auto& host : network.hosts()) {
                search->left.push_back({host.to_string(), port});
            }
        }
    }
    const auto executor = co_await asio::this_coro::executor;
    auto done = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    search->running = std::min(kAtOnce, search->left.size());
    for (std::size_t i = search->running; i > 0; --i) {
        asio::co_spawn(executor, probe(search, done), asio::detached);
    }
    if (search->running > 0) {
        boost::system::error_code cancelled;
        co_await done->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    std::ranges::sort(search->found, {}, [](const Found& one) { return one.address.text(); });
    for (const Found& one : search->found) {
        if (json) {
            out << nlohmann::ordered_json{{"host", one.address.host},
                                          {"port", one.address.port},
                                          {"adapter", one.adapter},
                                          {"serial", one.serial},
                                          {"model", one.model}}
                       .dump()
                << '\n';
        } else {
            out << fmt::format("{}  adapter {}  {} {}\n", one.address.text(), one.adapter, one.model,
                               one.serial);
        }
    }
    out.flush();
    if (search->found.empty()) {
        complaints << "no adapter found\n";
    }
    co_return search->found.empty() ? Exit::failure : Exit::success;
}

}  // namespace givenergy
