#include "gxmodbus/cli/session.hpp"

#include <array>
#include <charconv>
#include <iostream>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gxmodbus::cli {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kPatience{10000};

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number number{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && !text.empty()
               ? std::optional{number}
               : std::nullopt;
}

}  // namespace

std::optional<Host> parse_host(std::string_view text) {
    Host host;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        host.name = text.substr(1, close - 1);
        text.remove_prefix(close + 1);
        if (!text.empty() && !text.starts_with(':')) {
            return std::nullopt;
        }
        port = text.empty() ? text : text.substr(1);
    } else if (const auto colon = text.find(':');
               colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
        host.name = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (port.empty()) {
            return std::nullopt;
        }
    } else {
        host.name = text;
    }
    if (!port.empty()) {
        const auto number = whole_number<std::uint16_t>(port);
        if (!number || *number == 0) {
            return std::nullopt;
        }
        host.port = *number;
    }
    return host.name.empty() ? std::nullopt : std::optional{host};
}

std::optional<Target> parse_target(std::string_view text) {
    Target target;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        target.path = text.substr(slash);
        text = text.substr(0, slash);
    }
    if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        target.type = service_type(text.substr(colon + 1));
        text = text.substr(0, colon);
        if (!target.type) {
            return std::nullopt;
        }
    }
    const auto unit = whole_number<std::uint8_t>(text);
    if (!unit || target.path == "/") {
        return std::nullopt;
    }
    target.unit = *unit;
    return target;
}

Session::Session(const asio::any_io_executor& executor, const Host& host)
    : executor_(executor), host_(host), client_(executor, client_options(host.name, host.port, 1)) {}

asio::awaitable<Answer> Session::ask(std::uint8_t unit, std::uint16_t first, std::uint16_t count) {
    Answer answer = co_await read_registers(client_, traffic_, unit, first, count, kPatience);
    lost_ = answer.kind == Answer::Kind::lost || answer.kind == Answer::Kind::timeout;
    co_return answer;
}

asio::awaitable<Answer> Session::write(std::uint8_t unit, std::uint16_t first,
                                       std::vector<std::uint16_t> words) {
    co_return co_await write_registers(client_, traffic_, unit, first, std::move(words));
}

asio::awaitable<void> Session::sleep(std::chrono::milliseconds duration) {
    asio::steady_timer timer(executor_, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<bool> Session::open() {
    const auto identity = co_await identify(client_, traffic_, {});
    if (!identity) {
        std::cerr << host_.name << ":" << host_.port
                  << (client_.is_connected()
                          ? ": answers, but not as a GX does"
                          : ": no Modbus TCP server answers (is it switched on in the GX's settings?)")
                  << "\n";
        co_return false;
    }
    identity_ = *identity;
    plan_ = ReadPlan(identity_.generation);
    co_return true;
}

asio::awaitable<std::vector<Pair>> Session::find(Scan scan, std::vector<Pair> known, double probes_per_second,
                                                 std::function<void(int, std::size_t)> progress) {
    std::vector<Pair> found;
    const ReadBlock read_block = [this](std::uint8_t unit, const Block& block) {
        return ask(unit, block.first, block.count);
    };
    asio::steady_timer timer(executor_);
    const auto spacing = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(1 / probes_per_second));
    auto next = std::chrono::steady_clock::now();
    while (const auto pair = scan.next()) {
        timer.expires_at(next += spacing);
        co_await timer.async_wait(asio::use_awaitable);
        const auto answer = co_await ask(pair->unit, probe_address(pair->type), 1);
        if (answer.kind == Answer::Kind::lost) {
            std::cerr << "the connection ended on a probe; scan stopped\n";
            break;
        }
        scan.answer(outcome_of(answer));
        const auto other = possible_alias(*pair);
        if (answer.has_data() && other && std::find(known.begin(), known.end(), *other) != known.end()) {
            const Pair one = *pair;
            const Pair two = *other;
            const auto same = co_await same_device(read_block, plan_, one, two);
            if (same.value_or(false)) {
                continue;
            }
        }
        if (answer.has_data()) {
            found.push_back(*pair);
            known.push_back(*pair);
        }
        progress(scan.progress_percent(), found.size());
    }
    co_return found;
}

asio::awaitable<std::vector<Pair>> Session::fixed_pairs() {
    using T = ServiceType;
    std::vector<Pair> pairs{{kSystemUnit, T::system}, {kSystemUnit, T::settings}};
    for (const T type : {T::hub4, T::generator, T::platform}) {
        if (plan_.blocks(type).empty() || may_crash()) {
            continue;
        }
        const auto answer = co_await ask(kSystemUnit, probe_address(type), 1);
        if (answer.has_data()) {
            pairs.push_back({kSystemUnit, type});
        }
    }
    co_return pairs;
}

asio::awaitable<std::vector<Pair>> Session::pairs_of(const Target& target) {
    if (target.type) {
        co_return std::vector<Pair>{{target.unit, *target.type}};
    }
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        const auto type = static_cast<ServiceType>(i);
        const bool has_path = target.path.empty() || find_register(type, target.path) != nullptr;
        if (!has_path || plan_.blocks(type).empty()) {
            continue;
        }
        const auto answer = co_await ask(target.unit, probe_address(type), 1);
        if (answer.kind == Answer::Kind::lost) {
            break;
        }
        if (answer.has_data()) {
            pairs.push_back({target.unit, type});
        }
    }
    co_return pairs;
}

asio::awaitable<std::optional<DeviceValues>> Session::read(Pair pair) {
    DeviceValues device{pair, {}};
    for (std::size_t i = 0; i < plan_.blocks(pair.type).size();) {
        const Block block = plan_.blocks(pair.type)[i];
        const auto answer = co_await ask(pair.unit, block.first, block.count);
        if (answer.refused(2)) {
            plan_.refused(pair.type, block);
            device.rows.clear();
            i = 0;
            continue;
        }
        if (!answer.has_data()) {
            co_return std::nullopt;
        }
        for_each_row(block, answer.words, plan_.version(pair.type), [&](const Register& row, Words words) {
            if (auto value = decode(row, words)) {
                device.rows.push_back({&row, std::move(*value), {words.begin(), words.end()}});
            }
        });
        if (pair.type == ServiceType::system) {
            hints_ |= hints_in(block, answer.words, plan_.version(pair.type));
        }
        ++i;
    }
    co_return device;
}

}  // namespace gxmodbus::cli
