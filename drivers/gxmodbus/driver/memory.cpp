#include "gxmodbus/driver/memory.hpp"

#include <nlohmann/json.hpp>

namespace gxmodbus {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

}  // namespace

std::string to_json(const Memory& memory) {
    json pairs = json::object();
    for (const auto& [pair, seen] : memory.pairs) {
        pairs[to_text(pair)] = seen;
    }
    json absent = json::array();
    for (const Pair& pair : memory.absent) {
        absent.push_back(to_text(pair));
    }
    const Identity& who = memory.identity;
    return json{{"format", kFormat},
                {"serial", who.serial},
                {"version", who.version},
                {"beta", who.beta},
                {"generation", name_of(who.generation)},
                {"name", who.name},
                {"plan", memory.plan},
                {"pairs", pairs},
                {"absent", absent},
                {"scanned", memory.scanned},
                {"crashed", memory.crashed}}
        .dump(1, ' ', false, json::error_handler_t::replace);
}

std::optional<Memory> parse_memory(const std::string& text) {
    try {
        const json stored = json::parse(text);
        const auto generation = gxmodbus::generation(stored.at("generation").get<std::string>());
        if (stored.at("format") != kFormat || !generation) {
            return std::nullopt;
        }
        Memory memory;
        memory.identity = {stored.at("serial"), stored.at("version"), stored.at("beta"), *generation,
                           stored.at("name")};
        memory.plan = stored.at("plan");
        for (const auto& [key, seen] : stored.at("pairs").items()) {
            const auto pair = parse_pair(key);
            if (!pair) {
                return std::nullopt;
            }
            memory.pairs[*pair] = seen.get<std::string>();
        }
        for (const json& key : stored.at("absent")) {
            if (const auto pair = parse_pair(key.get<std::string>())) {
                memory.absent.insert(*pair);
            }
        }
        memory.scanned = stored.at("scanned");
        memory.crashed = stored.at("crashed");
        return memory;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace gxmodbus
