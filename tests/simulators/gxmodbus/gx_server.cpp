#include "simulators/gxmodbus/gx_server.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

namespace gxsim {
namespace {

using gxmodbus::Encoding;
using T = ServiceType;

constexpr ServerVersion kVersionRegister{1, 0, 82};
constexpr ServerVersion kSaturates{1, 0, 85};
constexpr ServerVersion kInstanceFirst{1, 0, 88};
constexpr ServerVersion kTypePerRegister{1, 0, 89};
constexpr ServerVersion kUnitNotFoundEnds{1, 0, 92};
constexpr ServerVersion kCrashOnTypeEnds{1, 0, 92};
constexpr ServerVersion kCrashPastEndEnds{1, 0, 94};
constexpr ServerVersion kStringWrites{1, 0, 94};
constexpr ServerVersion kBatteryStraight{1, 0, 95};
constexpr ServerVersion kNoHoles{1, 0, 96};
constexpr ServerVersion kFillerWrites{1, 0, 97};

// unit -> device instance, unitid2di.csv of the server
const std::map<int, int> kUnitTable = [] {
    std::map<int, int> table{{100, 0},   {223, 277}, {224, 278}, {225, 512}, {226, 279}, {227, 276},
                             {228, 275}, {229, 274}, {230, 273}, {231, 295}, {232, 294}, {233, 293},
                             {234, 296}, {235, 292}, {236, 291}, {237, 290}, {238, 289}, {239, 288},
                             {242, 261}, {243, 260}, {244, 259}, {245, 258}, {246, 257}, {247, 256}};
    for (int i = 0; i <= 10; ++i) {
        table[204 + i] = 262 + i;
    }
    for (int i = 0; i <= 7; ++i) {
        table[215 + i] = 280 + i;
    }
    return table;
}();

// Registers that servers 1.0.82 and 1.0.94 answer without a gap; where the present table has none, they had
// something else there.
struct OldRange {
    T type;
    unsigned first;
    unsigned last;
    ServerVersion from;
};
constexpr ServerVersion kOld82{1, 0, 82};
constexpr ServerVersion kOld94{1, 0, 94};
constexpr auto kOldRanges = std::to_array<OldRange>({
    {T::battery, 256, 331, kOld82},
    {T::inverter, 3148, 3172, kOld82},
    {T::genset, 3200, 3239, kOld82},
    {T::evcharger, 3802, 3827, kOld82},
    {T::acload, 3900, 3933, kOld82},
    {T::multi, 4500, 4620, kOld82},
    {T::dcgenset, 5200, 5345, kOld82},
    {T::system, 800, 846, kOld82},
    {T::solarcharger, 771, 793, kOld82},
    {T::multi, 4500, 4633, kOld94},
    {T::inverter, 3148, 3176, kOld94},
    {T::settings, 5420, 5429, kOld82},
    {T::acsystem, 4900, 4942, kOld82},
});

std::uint16_t word_at(const std::vector<std::uint8_t>& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

bool is_integer(const BusValue& value) {
    return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<bool>(value);
}

std::optional<double> number_of(const BusValue& value) {
    if (const auto* real = std::get_if<double>(&value)) {
        return std::isnan(*real) ? std::nullopt : std::optional{*real};
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*integer);
    }
    if (const auto* flag = std::get_if<bool>(&value)) {
        return *flag ? 1 : 0;
    }
    return std::nullopt;
}

// UTF-8 to the server's Latin-1, where other characters become question marks.
std::string to_latin1(const std::string& utf8) {
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        if (c < 0x80) {
            out += utf8[i];
        } else if (c == 0xc2 || c == 0xc3) {
            out += static_cast<char>((c << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3f)) & 0xff);
        } else {
            out += '?';
            while (i + 1 < utf8.size() && (static_cast<unsigned char>(utf8[i + 1]) & 0xc0) == 0x80) {
                ++i;
            }
        }
    }
    return out;
}

std::string from_latin1(const std::string& latin1) {
    std::string out;
    for (const char c : latin1) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(byte < 0xc0 ? 0xc2 : 0xc3);
            out += static_cast<char>(0x80 | (byte & 0x3f));
        }
    }
    return out;
}

int bits_of(Encoding encoding) {
    return encoding == Encoding::u64 ? 64 : encoding == Encoding::u32 || encoding == Encoding::i32 ? 32 : 16;
}
bool is_signed(Encoding encoding) {
    return encoding == Encoding::i16 || encoding == Encoding::i32;
}

std::vector<std::uint16_t> split(std::uint64_t raw, int bits) {
    std::vector<std::uint16_t> words;
    for (int shift = bits - 16; shift >= 0; shift -= 16) {
        words.push_back(static_cast<std::uint16_t>(raw >> shift));
    }
    return words;
}

}  // namespace

GxServer::GxServer(ServerVersion version)
    : version_(version),
      clock_([] { return static_cast<std::uint64_t>(std::time(nullptr)); }),
      apply_([](const std::function<void()>& store) { store(); }) {
    build_map();
}

void GxServer::build_map() {
    for (const gxmodbus::Register& row : gxmodbus::all_registers()) {
        if (row.since > version_) {
            continue;
        }
        map_.emplace(row.address,
                     Entry{row.address, row.count, row.type, row.encoding, row.dbus_type,
                           static_cast<double>(row.scale) / row.step, row.writable, std::string(row.path)});
    }
    add_old_entries();
}

// What stood where the table now has another meaning.
void GxServer::add_old_entries() {
    const auto single = [this](unsigned address, T type, const char* path, bool writable = false) {
        map_.emplace(address, Entry{static_cast<std::uint16_t>(address), 1, type, Encoding::u16, 'u', 1,
                                    writable, path});
    };
    if (version_ < kBatteryStraight) {
        single(1319, T::battery, "/Mode", true);
        single(1320, T::battery, "/Balancer/Status");
        single(1321, T::battery, "/Errors/SmartLithium/Communication");
        single(1322, T::battery, "/Errors/SmartLithium/Voltage");
        single(1323, T::battery, "/Errors/SmartLithium/NrOfBatteries");
        single(1324, T::battery, "/Errors/SmartLithium/InvalidConfiguration");
        map_.emplace(1325, Entry{1325, 3, T::battery, Encoding::filler, 'd', 1, false, ""});
    }
    if (version_ < kTypePerRegister) {
        single(2717, T::settings, "/Settings/CGwacs/RunWithoutGridMeter", true);
    }
    if (version_ < kNoHoles) {
        map_.emplace(3816,
                     Entry{3816, 2, T::evcharger, Encoding::u32, 'd', 100, false, "/Ac/Energy/Forward"});
        map_.emplace(871, Entry{871, 1, T::system, Encoding::filler, 'd', 1, false, ""});
        for (const OldRange& range : kOldRanges) {
            if (version_ >= range.from) {
                fill(range.first, range.last, range.type);
            }
        }
    }
}

void GxServer::fill(unsigned first, unsigned last, T type) {
    for (unsigned address = first; address <= last; ++address) {
        const bool covered = std::any_of(map_.begin(), map_.end(), [&](const auto& item) {
            return item.second.address <= address && address < item.second.address + item.second.count;
        });
        if (!covered) {
            map_.emplace(address, Entry{static_cast<std::uint16_t>(address), 1, type, Encoding::u16, 'd', 1,
                                        false, "/Former/Meaning"});
        }
    }
}

// A block may begin inside a value; an entry that begins at the very address goes before one that covers it.
const GxServer::Entry* GxServer::entry_at(unsigned address, bool first_of_block) const {
    const auto [begin, end] = map_.equal_range(address);
    if (begin != end) {
        return &begin->second;
    }
    if (!first_of_block) {
        return nullptr;
    }
    for (const auto& [start, entry] : map_) {
        if (start < address && address < start + entry.count) {
            return &entry;
        }
    }
    return nullptr;
}

Service& GxServer::add(ServiceType type, int instance) {
    if (Service* present = find(type, instance)) {
        return *present;
    }
    services_.push_back({type, instance, {}});
    return services_.back();
}

bool GxServer::remove(ServiceType type, int instance) {
    return std::erase_if(
               services_,
               [&](const Service& service) { return service.type == type && service.instance == instance; })
           > 0;
}

Service* GxServer::find(ServiceType type, int instance) {
    const auto found = std::find_if(services_.begin(), services_.end(), [&](const Service& service) {
        return service.type == type && service.instance == instance;
    });
    return found == services_.end() ? nullptr : &*found;
}

void GxServer::set(ServiceType type, int instance, const std::string& path, BusValue value) {
    add(type, instance).paths[path] = std::move(value);
}

BusValue GxServer::get(ServiceType type, int instance, const std::string& path) {
    const Service* service = find(type, instance);
    if (service == nullptr || service->paths.find(path) == service->paths.end()) {
        return {};
    }
    return service->paths.find(path)->second;
}

Service* GxServer::service_of(std::uint8_t unit, ServiceType type) {
    const auto in_table = kUnitTable.find(unit);
    if (version_ < kInstanceFirst) {
        return find(type, in_table != kUnitTable.end() ? in_table->second : unit);
    }
    if (Service* direct = find(type, unit)) {
        return direct;
    }
    return in_table != kUnitTable.end() ? find(type, in_table->second) : nullptr;
}

bool GxServer::any_of_type(ServiceType type) const {
    return std::any_of(services_.begin(), services_.end(), [&](const Service& s) { return s.type == type; });
}

bool GxServer::unit_exists(std::uint8_t unit) {
    for (std::size_t i = 0; i < gxmodbus::kServiceTypes; ++i) {
        if (service_of(unit, static_cast<ServiceType>(i)) != nullptr) {
            return true;
        }
    }
    return false;
}

std::variant<std::vector<GxServer::Part>, GxServer::Refusal> GxServer::locate(std::uint8_t unit,
                                                                              unsigned first,
                                                                              unsigned count) {
    const Entry* entry = entry_at(first, true);
    if (entry == nullptr) {
        return Refusal{2};
    }
    const ServiceType first_type = entry->type;
    Service* const first_service = service_of(unit, first_type);
    if (first_service == nullptr) {
        const bool crashing = version_ >= kTypePerRegister && version_ < kCrashOnTypeEnds;
        if (crashing && !any_of_type(first_type)) {
            return Refusal{0, true};
        }
        const bool eleven = version_ >= kInstanceFirst && version_ < kUnitNotFoundEnds && !unit_exists(unit);
        return Refusal{static_cast<std::uint8_t>(eleven ? 11 : 10)};
    }
    std::vector<Part> parts;
    const unsigned end = first + count;
    for (unsigned at = first; at < end;) {
        if (at != first) {
            // Two values that overlap on older servers end the block.
            const bool overlap = (version_ < kBatteryStraight && at == 1322 && first <= 1318)
                                 || (version_ < kNoHoles && at == 872 && first < 872);
            entry = overlap ? nullptr : entry_at(at, false);
        }
        if (entry == nullptr) {
            const bool past_end =
                at > gxmodbus::kLastAddress && version_ >= kTypePerRegister && version_ < kCrashPastEndEnds;
            return Refusal{2, past_end};
        }
        Service* service = first_service;
        if (entry->type != first_type) {
            service = version_ < kTypePerRegister ? nullptr : service_of(unit, entry->type);
            if (service == nullptr && version_ >= kTypePerRegister) {
                return Refusal{2};
            }
        }
        const unsigned offset = at - entry->address;
        const unsigned taken = std::min(end - at, entry->count - offset);
        parts.push_back({entry, offset, taken, service});
        at += taken;
    }
    return parts;
}

BusValue GxServer::value_of(const Entry& entry, const Service& service) const {
    const auto path_value = [&](const char* path) -> std::optional<double> {
        const auto found = service.paths.find(path);
        return found == service.paths.end() ? std::nullopt : number_of(found->second);
    };
    if (entry.address == 777) {
        const auto power = path_value("/Yield/Power");
        const auto volts = path_value("/Pv/V");
        return power && volts && *volts != 0 ? BusValue{*power / *volts} : BusValue{};
    }
    if (entry.address == 830) {
        return static_cast<std::int64_t>(clock_());
    }
    if (entry.address == 834) {
        return static_cast<std::int64_t>(std::uint32_t{firmware_.first} << 16 | firmware_.second);
    }
    if (entry.address == 3214 || entry.address == 5202) {
        for (int i = 0; i < 8; ++i) {
            const auto error = service.paths.find("/Error/" + std::to_string(i) + "/Id");
            const auto* id =
                error == service.paths.end() ? nullptr : std::get_if<std::string>(&error->second);
            if (id != nullptr && !id->empty()) {
                return std::int64_t{65280};
            }
        }
        return std::int64_t{0};
    }
    const auto found = service.paths.find(entry.path);
    return found == service.paths.end() ? BusValue{} : found->second;
}

GxServer::Words GxServer::encode(const Entry& entry, const Service* service) const {
    if (entry.encoding == Encoding::filler) {
        return Words(entry.count, 0xffff);
    }
    Words words(entry.count, 0);
    if (service == nullptr) {
        return words;
    }
    const BusValue value = value_of(entry, *service);
    if (entry.encoding == Encoding::text) {
        if (const auto* text = std::get_if<std::string>(&value)) {
            const std::string bytes = to_latin1(*text).substr(0, std::size_t{2} * entry.count);
            for (std::size_t i = 0; i < bytes.size(); ++i) {
                const unsigned byte = static_cast<unsigned char>(bytes[i]);
                words[i / 2] = static_cast<std::uint16_t>(words[i / 2] | byte << (i % 2 == 0 ? 8 : 0));
            }
        }
        return words;
    }
    const auto number = number_of(value);
    if (!number) {
        return words;
    }
    const int bits = bits_of(entry.encoding);
    if (bits == 64) {
        return split(static_cast<std::uint64_t>(*number), 64);
    }
    double raw = std::round(*number * entry.scale);
    const double top = is_signed(entry.encoding) ? std::ldexp(1.0, bits - 1) - 1 : std::ldexp(1.0, bits) - 1;
    const double bottom = is_signed(entry.encoding) ? -std::ldexp(1.0, bits - 1) : 0;
    if (is_integer(value)) {
        if (version_ >= kSaturates && entry.address != 834) {
            raw = std::clamp(raw, bottom, version_ >= kNoHoles ? top - 1 : top);
        }
    } else if (raw < 0 && !is_signed(entry.encoding)) {
        raw = 0;  // what the conversion does on the processor of a GX
    }
    const auto wide = static_cast<std::int64_t>(std::clamp(raw, -9e18, 9e18));
    return split(static_cast<std::uint64_t>(wide), bits);
}

std::vector<std::uint8_t> GxServer::exception(std::uint8_t function, std::uint8_t code) {
    ++counters_.exceptions;
    return {static_cast<std::uint8_t>(function | 0x80), code};
}

std::optional<std::vector<std::uint8_t>> GxServer::read(std::uint8_t unit, std::uint8_t function,
                                                        unsigned first, unsigned count) {
    const auto located = locate(unit, first, count);
    if (const auto* refusal = std::get_if<Refusal>(&located)) {
        if (refusal->crash) {
            ++counters_.crashes;
            return std::nullopt;
        }
        return exception(function, refusal->code);
    }
    std::vector<std::uint8_t> pdu{function, static_cast<std::uint8_t>(2 * count)};
    for (const Part& part : std::get<std::vector<Part>>(located)) {
        const bool filler_version = part.entry->address == 834 && version_ < kVersionRegister;
        const Words words = filler_version ? Words(2, 0xffff) : encode(*part.entry, part.service);
        for (unsigned i = 0; i < part.count; ++i) {
            pdu.push_back(static_cast<std::uint8_t>(words[part.offset + i] >> 8));
            pdu.push_back(static_cast<std::uint8_t>(words[part.offset + i]));
        }
    }
    return pdu;
}

std::uint8_t GxServer::check_writes(const std::vector<Part>& parts) const {
    for (const Part& part : parts) {
        const bool text = part.entry->encoding == Encoding::text;
        const bool filler = part.entry->encoding == Encoding::filler;
        if (read_only_ || !part.entry->writable || (text && version_ < kStringWrites)
            || (filler && version_ < kFillerWrites)) {
            return 2;
        }
    }
    for (const Part& part : parts) {
        const bool filler = part.entry->encoding == Encoding::filler;
        if (!filler && (part.service == nullptr || part.service->paths.count(part.entry->path) == 0)) {
            return 10;
        }
    }
    return 0;
}

void GxServer::apply_write(std::uint8_t unit, std::uint8_t function, const Part& part, const Words& words) {
    const Entry& entry = *part.entry;
    Words all = encode(entry, part.service);  // a write to a part is merged with the rest
    std::copy(words.begin(), words.end(), all.begin() + part.offset);
    BusValue value;
    if (entry.encoding == Encoding::text) {
        std::string text;
        for (const auto word : all) {
            text += static_cast<char>(word >> 8);
            text += static_cast<char>(word & 0xff);
        }
        value = from_latin1(text.substr(0, text.find('\0')));
    } else {
        std::uint64_t raw = 0;
        for (const auto word : all) {
            raw = raw << 16 | word;
        }
        double number = static_cast<double>(raw);
        if (is_signed(entry.encoding) && number >= std::ldexp(1.0, bits_of(entry.encoding) - 1)) {
            number -= std::ldexp(1.0, bits_of(entry.encoding));
        }
        number /= entry.scale;
        value = entry.dbus_type == 'd' ? BusValue{number}
                                       : BusValue{static_cast<std::int64_t>(std::round(number))};
    }
    writes_.push_back({unit, entry.type, part.service->instance, entry.path, entry.address, function, value});
    if (ignore_writes_) {
        return;
    }
    apply_([this, type = entry.type, instance = part.service->instance, path = entry.path, value] {
        if (Service* service = find(type, instance)) {
            service->paths[path] = value;
        }
    });
}

std::optional<std::vector<std::uint8_t>> GxServer::write(std::uint8_t unit, std::uint8_t function,
                                                         unsigned first, const Words& words) {
    const auto located = locate(unit, first, static_cast<unsigned>(words.size()));
    if (const auto* refusal = std::get_if<Refusal>(&located)) {
        if (refusal->crash) {
            ++counters_.crashes;
            return std::nullopt;
        }
        return exception(function, refusal->code);
    }
    const auto& parts = std::get<std::vector<Part>>(located);
    if (const auto code = check_writes(parts)) {
        return exception(function, code);
    }
    auto at = words.begin();
    for (const Part& part : parts) {
        if (part.entry->encoding != Encoding::filler) {
            apply_write(unit, function, part, Words(at, at + part.count));
        }
        at += part.count;
    }
    const auto second = function == 6 ? words[0] : static_cast<std::uint16_t>(words.size());
    return std::vector<std::uint8_t>{function, static_cast<std::uint8_t>(first >> 8),
                                     static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second >> 8),
                                     static_cast<std::uint8_t>(second)};
}

void GxServer::stir(std::uint8_t unit) {
    for (const Restless& one : restless) {
        Service* const service = service_of(unit, one.type);
        if (service != nullptr && service->instance == one.instance) {
            if (auto* const number = std::get_if<double>(&service->paths[one.path])) {
                *number += one.step;
            }
        }
    }
}

std::optional<std::vector<std::uint8_t>> GxServer::handle(std::uint8_t unit,
                                                          const std::vector<std::uint8_t>& pdu) {
    ++counters_.requests;
    const std::uint8_t function = pdu.empty() ? 0 : pdu[0];
    if (function != 3 && function != 4 && function != 6 && function != 16) {
        return exception(function, 1);
    }
    if (pdu.size() < 5) {
        return exception(function, 3);
    }
    const unsigned first = word_at(pdu, 1);
    const unsigned count = function == 6 ? 1 : word_at(pdu, 3);
    const bool size_ok = function != 16 ? pdu.size() == 5
                                        : pdu.size() >= 6 && pdu[5] == 2 * count && pdu.size() == 6u + pdu[5];
    if (count < 1 || count > 125 || !size_ok) {
        return exception(function, 3);
    }
    for (const ForcedException& forced_one : forced) {
        const bool hit = first <= forced_one.last && first + count > forced_one.first;
        if (hit && (!forced_one.unit || *forced_one.unit == unit)) {
            return exception(function, forced_one.code);
        }
    }
    if (function == 3 || function == 4) {
        ++counters_.reads[{unit, first}];
        stir(unit);
        return read(unit, function, first, count);
    }
    Words words;
    for (unsigned i = 0; i < count; ++i) {
        words.push_back(word_at(pdu, (function == 6 ? 3 : 6) + 2 * i));
    }
    return write(unit, function, first, words);
}

}  // namespace gxsim
