#include "gxmodbus/cli/commands.hpp"

#include "gxmodbus/decode_json.hpp"
#include "gxmodbus/mirror/layout.hpp"
#include "velib/value.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace gxmodbus::cli {
namespace asio = boost::asio;

namespace {

using nlohmann::json;

constexpr int kDone = 0, kNotDone = 1, kWrong = 2;

int wrong(const std::string& text) {
    std::cerr << text << "\n";
    return kWrong;
}

json json_of(const Value& value) {
    return std::visit([](const auto& content) -> json { return content; }, value);
}

// The enumeration's word where there is one, else number and unit.
std::string shown(const Register& row, const Value& value) {
    if (row.address == kFirmwareAddress) {
        const auto raw = static_cast<std::uint32_t>(std::get<double>(value));
        return firmware_text(static_cast<std::uint16_t>(raw >> 16), static_cast<std::uint16_t>(raw));
    }
    const auto* number = std::get_if<double>(&value);
    if (number != nullptr && !row.choices.empty()) {
        const auto word = choice_text(row, static_cast<long long>(*number));
        if (!word.empty()) {
            return fmt::format("{} ({})", text_of(row, value), word);
        }
    }
    return text_of(row, value);
}

std::string custom_name(const DeviceValues& device) {
    for (const RowValue& row : device.rows) {
        if (row.row->path == "/CustomName") {
            return std::get<std::string>(row.value);
        }
    }
    return {};
}

json json_of(const DeviceValues& device) {
    json registers = json::array();
    for (const RowValue& row : device.rows) {
        registers.push_back({{"address", row.row->address},
                             {"path", row.row->path},
                             {"value", json_of(row.value)},
                             {"unit", display_unit(*row.row)},
                             {"text", shown(*row.row, row.value)},
                             {"writable", row.row->writable},
                             {"alternate_of", row.row->alternate_of},
                             {"raw", row.words}});
    }
    return {{"unit", device.pair.unit},
            {"type", name_of(device.pair.type)},
            {"service", "com.victronenergy." + std::string(name_of(device.pair.type))},
            {"title", title_of(device.pair.type)},
            {"name", custom_name(device)},
            {"registers", std::move(registers)}};
}

// A second register of a path that is shown already may have wrapped: only the preferred one is for people.
bool is_second_choice(const DeviceValues& device, const RowValue& row) {
    return row.row->alternate_of != 0
           && std::any_of(device.rows.begin(), device.rows.end(),
                          [&](const RowValue& other) { return other.row->address == row.row->alternate_of; });
}

void print(const DeviceValues& device, bool all, std::string_view only_path = {}) {
    const std::string name = custom_name(device);
    std::cout << fmt::format("\nunit {:<3} {}{}{}\n", device.pair.unit, title_of(device.pair.type),
                             name.empty() ? "" : ", ", name);
    for (const RowValue& row : device.rows) {
        const bool wanted = only_path.empty() ? all || !all_zero(row.words) : row.row->path == only_path;
        if (wanted && (all || !is_second_choice(device, row))) {
            std::cout << fmt::format("  {:5} {:<44} {}{}\n", row.row->address, row.row->path,
                                     shown(*row.row, row.value), row.row->writable ? "  (writable)" : "");
        }
    }
}

std::string dumped(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace);
}

json json_of(const Session& session) {
    const Identity& who = session.identity();
    return {{"serial", who.serial},
            {"firmware", who.firmware()},
            {"generation", name_of(who.generation)},
            {"name", who.name},
            {"requests", session.traffic().requests},
            {"exceptions", session.traffic().exceptions}};
}

void print(const Session& session) {
    const Identity& who = session.identity();
    std::cout << fmt::format("GX {}{}{} {} (registers of server {})\n", who.serial,
                             who.name.empty() ? "" : " ", who.name, who.firmware(), name_of(who.generation));
}

// Progress belongs on a terminal only.
void show_progress(int percent, std::size_t found) {
    if (isatty(STDERR_FILENO) != 0) {
        std::cerr << fmt::format("\r{:3} %  {} found", percent, found) << (percent == 100 ? "\n" : "")
                  << std::flush;
    }
}

constexpr auto kMayCrash =
    "this firmware's Modbus server (a beta of 3.70) can crash when asked for what the GX lacks: ";

// Only who asks for a full scan wants to risk that.
bool is_withheld(const Session& session, const UnitList& units, bool full) {
    return session.may_crash() && !full && (units.automatic || !units.units.empty());
}

// Tells who did not name the type of a device whose type would have to be found out at that risk.
bool must_name_type(const Session& session, const Target& target) {
    if (target.type || !session.may_crash()) {
        return false;
    }
    std::cerr << kMayCrash << "name the type, as in 225:battery\n";
    return true;
}

asio::awaitable<std::vector<Pair>> survey(Session& session, const UnitList& units, bool full, double rate) {
    auto pairs = co_await session.fixed_pairs();
    std::set<Pair> known(pairs.begin(), pairs.end());
    known.insert({0, ServiceType::generator});  // the same as on unit 100
    pairs.insert(pairs.end(), units.pairs.begin(), units.pairs.end());
    known.insert(units.pairs.begin(), units.pairs.end());
    if (is_withheld(session, units, full)) {
        std::cerr << kMayCrash << "devices are not looked for (--full does it)\n";
        std::sort(pairs.begin(), pairs.end());
        co_return pairs;
    }
    (void)co_await session.read({kSystemUnit, ServiceType::system});  // for the hints
    if (!units.units.empty()) {
        const auto found =
            co_await session.find(Scan::of_units(units.units, known), pairs, rate, show_progress);
        pairs.insert(pairs.end(), found.begin(), found.end());
    }
    if (units.automatic) {
        auto plan = full ? Scan::full(session.hints(), known) : Scan::likely(session.hints(), known);
        const auto found = co_await session.find(std::move(plan), pairs, rate, show_progress);
        pairs.insert(pairs.end(), found.begin(), found.end());
    }
    std::sort(pairs.begin(), pairs.end());
    co_return pairs;
}

struct Wanted {
    Pair pair;
    std::string path;
};

asio::awaitable<std::optional<std::vector<Wanted>>> wanted_by(Session& session, const ReadCommand& command) {
    std::vector<Wanted> wanted;
    for (const std::string& text : command.targets) {
        const auto target = parse_target(text);
        if (!target) {
            std::cerr << text << ": not of the form UNIT, UNIT:TYPE, UNIT/PATH or UNIT:TYPE/PATH\n";
            co_return std::nullopt;
        }
        if (must_name_type(session, *target)) {
            co_return std::nullopt;
        }
        const auto pairs = co_await session.pairs_of(*target);
        if (pairs.empty()) {
            std::cerr << text << ": the GX has no such device\n";
        }
        for (const Pair& pair : pairs) {
            wanted.push_back({pair, target->path});
        }
    }
    if (command.targets.empty()) {
        for (const Pair& pair : co_await survey(session, UnitList{}, false, command.rate)) {
            wanted.push_back({pair, {}});
        }
    }
    co_return wanted;
}

void keep_only(DeviceValues& device, const std::string& path) {
    std::erase_if(device.rows, [&](const RowValue& row) { return row.row->path != path; });
}

// Prints what changed since the last look.
void print_changes(const DeviceValues& device,
                   std::map<std::pair<Pair, std::uint16_t>, std::vector<std::uint16_t>>& last) {
    for (const RowValue& row : device.rows) {
        auto& before = last[{device.pair, row.row->address}];
        if (before != row.words) {
            if (!before.empty() || !all_zero(row.words)) {
                std::cout << fmt::format("{:>3}:{:<13} {:<44} {}\n", device.pair.unit,
                                         name_of(device.pair.type), row.row->path,
                                         shown(*row.row, row.value));
            }
            before = row.words;
        }
    }
    std::cout << std::flush;
}

}  // namespace

asio::awaitable<int> scan(asio::any_io_executor executor, ScanCommand command) {
    const auto host = parse_host(command.host);
    const auto units = parse_units(command.units);
    if (!host || !units) {
        co_return wrong(!host ? command.host + ": not a host" : command.units + ": not a list of units");
    }
    Session session(executor, *host);
    if (!co_await session.open()) {
        co_return kNotDone;
    }
    const auto pairs = co_await survey(session, *units, command.full, command.rate);
    json devices = json::array();
    if (!command.json) {
        print(session);
    }
    for (const Pair& pair : pairs) {
        const auto device = co_await session.read(pair);
        if (!device) {
            continue;
        }
        if (command.json) {
            devices.push_back(json_of(*device));
        } else {
            print(*device, command.all);
        }
    }
    if (command.json) {
        json out = json_of(session);
        out["devices"] = std::move(devices);
        std::cout << dumped(out) << "\n";
    } else {
        std::cout << fmt::format("\n{} requests, {} of them refused and so in the GX's log\n",
                                 session.traffic().requests, session.traffic().exceptions);
    }
    co_return session.lost() || is_withheld(session, *units, command.full) ? kNotDone : kDone;
}

asio::awaitable<int> read(asio::any_io_executor executor, ReadCommand command) {
    const auto host = parse_host(command.host);
    if (!host) {
        co_return wrong(command.host + ": not a host");
    }
    Session session(executor, *host);
    if (!co_await session.open()) {
        co_return kNotDone;
    }
    const auto wanted = co_await wanted_by(session, command);
    if (!wanted) {
        co_return kWrong;
    }
    std::map<std::pair<Pair, std::uint16_t>, std::vector<std::uint16_t>> last;
    int result = wanted->empty() ? kNotDone : kDone;
    do {
        json devices = json::array();
        for (const Wanted& one : *wanted) {
            auto device = co_await session.read(one.pair);
            if (!device) {
                std::cerr << to_text(one.pair)
                          << (session.lost() ? ": no answer\n" : ": the GX has no such device\n");
                result = kNotDone;
                continue;
            }
            if (!one.path.empty()) {
                keep_only(*device, one.path);
            }
            if (command.json) {
                devices.push_back(json_of(*device));
            } else if (command.watch) {
                print_changes(*device, last);
            } else {
                print(*device, command.all, one.path);
            }
        }
        if (command.json) {
            json out = json_of(session);
            out["devices"] = std::move(devices);
            std::cout << (command.watch ? out.dump() : dumped(out)) << std::endl;
        }
        if (command.watch) {
            co_await session.sleep(std::chrono::milliseconds(static_cast<int>(command.interval * 1000)));
        }
    } while (command.watch);
    co_return result;
}

namespace {

// The one device and register a write means.
struct Destination {
    Pair pair;
    Register row;
};

// The register of a path on a server: an alternate where the server lacks the preferred one.
std::optional<Register> register_for(const Pair& pair, std::string_view path, ServerVersion version) {
    const Register* preferred = find_register(pair.type, path);
    auto row = preferred != nullptr ? served_row(*preferred, version) : std::nullopt;
    for (const Register& other : all_registers()) {
        if (preferred != nullptr && !row && other.alternate_of == preferred->address) {
            row = served_row(other, version);
        }
    }
    return row;
}

asio::awaitable<std::optional<Destination>> destination_of(Session& session, const Target& target) {
    std::vector<Destination> found;
    for (const Pair& pair : co_await session.pairs_of(target)) {
        if (const auto row = register_for(pair, target.path, session.plan().version(pair.type))) {
            found.push_back({pair, *row});
        }
    }
    if (found.size() == 1) {
        co_return found.front();
    }
    std::cerr << (found.empty() ? "the GX has no such register"
                                : "several devices of the unit have this path; name one:");
    for (const Destination& one : found) {
        std::cerr << " " << to_text(one.pair) << one.row.path;
    }
    std::cerr << "\n";
    co_return std::nullopt;
}

std::optional<Value> value_for(const Register& row, const std::string& text) {
    if (row.encoding == Encoding::text) {
        return Value{text};
    }
    const auto number = velib::parse_real(text);
    return number ? std::optional{Value{*number}} : std::nullopt;
}

}  // namespace

asio::awaitable<int> write(asio::any_io_executor executor, WriteCommand command) {
    const auto host = parse_host(command.host);
    const auto target = parse_target(command.target);
    if (!host || !target || target->path.empty()) {
        co_return wrong(!host ? command.host + ": not a host"
                              : command.target + ": not of the form UNIT/PATH or UNIT:TYPE/PATH");
    }
    Session session(executor, *host);
    if (!co_await session.open()) {
        co_return kNotDone;
    }
    if (must_name_type(session, *target)) {
        co_return kWrong;
    }
    const auto destination = co_await destination_of(session, *target);
    if (!destination) {
        co_return kNotDone;
    }
    const Register& row = destination->row;
    const std::uint8_t unit = destination->pair.unit;
    const auto value = value_for(row, command.value);
    const auto words = value ? encode(row, *value) : wire::Unexpected{WriteFault::wrong_kind};
    if (!words) {
        const Limits limits = write_limits(row);
        std::cerr << command.value << ": " << describe(words.error());
        if (words.error() == WriteFault::out_of_range) {
            std::cerr << fmt::format(" ({} to {})", text_of(row, limits.lowest),
                                     text_of(row, limits.highest));
        }
        std::cerr << "\n";
        co_return kWrong;
    }
    const auto before = co_await session.ask(unit, row.address, row.count);
    const auto written = co_await session.write(unit, row.address, *words);
    if (!written.has_data()) {
        std::cerr << (written.absent() ? "the device does not have this"
                      : written.refused(2)
                          ? "the GX allows no writes here (its Modbus server may be read-only)"
                          : "no answer")
                  << "\n";
        co_return kNotDone;
    }
    Answer after;
    for (const auto wait : {500, 1500}) {
        co_await session.sleep(std::chrono::milliseconds(wait));
        after = co_await session.ask(unit, row.address, row.count);
        if (after.has_data() && after.words == *words) {
            break;
        }
    }
    const auto text = [&](const Answer& answer) {
        const auto decoded = answer.has_data() ? decode(row, answer.words) : std::nullopt;
        return decoded ? shown(row, *decoded) : std::string("---");
    };
    std::cout << fmt::format("{}{}: {} -> {}\n", to_text(destination->pair), row.path, text(before),
                             text(after));
    if (!after.has_data() || after.words != *words) {
        std::cerr << "the GX confirmed the write, but the device shows another value\n";
        co_return kNotDone;
    }
    co_return kDone;
}

int decode_lines() {
    int result = kDone;
    for (std::string line; std::getline(std::cin, line);) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) {
            continue;
        }
        const json parsed = json::parse(line, nullptr, false);
        const json decoded = parsed.is_discarded() ? json{{"error", "not JSON"}} : decode_line(parsed);
        if (parsed.is_discarded()) {
            result = kNotDone;
        }
        std::cout << decoded.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
    }
    return result;
}

}  // namespace gxmodbus::cli
