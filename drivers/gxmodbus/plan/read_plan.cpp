#include "gxmodbus/plan/read_plan.hpp"

#include <algorithm>
#include <charconv>

namespace gxmodbus {
namespace {

using T = ServiceType;

struct SpeedRow {
    T type;
    std::uint16_t from;  // blocks that start here or later
    Speed speed;
};

// A type that is not listed is fast. The last row that fits counts.
constexpr auto kSpeeds = std::to_array<SpeedRow>({
    {T::vebus, 122, Speed::slow},         {T::vebus, 200, Speed::rare},
    {T::battery, 1282, Speed::slow},      {T::system, 5400, Speed::slow},
    {T::settings, 2700, Speed::slow},     {T::settings, 4701, Speed::rare},
    {T::hub4, 2709, Speed::slow},         {T::gps, 2800, Speed::slow},
    {T::tank, 3000, Speed::slow},         {T::genset, 5000, Speed::rare},
    {T::temperature, 3300, Speed::slow},  {T::pulsemeter, 3400, Speed::slow},
    {T::digitalinput, 3420, Speed::slow}, {T::generator, 3500, Speed::slow},
    {T::meteo, 3600, Speed::slow},        {T::pump, 4700, Speed::slow},
    {T::dcgenset, 5218, Speed::rare},     {T::heatpump, 5500, Speed::slow},
    {T::platform, 5800, Speed::slow},
});

// The last address at or before `limit` at which a block from `first` may end without splitting a value.
unsigned block_end(unsigned first, unsigned limit) {
    const Register* row = register_at(limit - 1);
    if (row == nullptr || !row->has_value() || row->end() == limit || row->address < first) {
        return limit;
    }
    return row->address > first ? row->address : limit;
}

// Where to halve: the row border nearest to the middle, or nothing for a single row.
std::optional<unsigned> middle_of(const Block& block) {
    const unsigned last = unsigned{block.first} + block.count;
    const unsigned wanted = block.first + block.count / 2u;
    std::optional<unsigned> best;
    for (const Register& row : registers_within(block.first, block.count)) {
        for (const unsigned border : {unsigned{row.address}, row.end()}) {
            const auto distance = [&](unsigned at) { return at > wanted ? at - wanted : wanted - at; };
            if (border > block.first && border < last && (!best || distance(border) < distance(*best))) {
                best = border;
            }
        }
    }
    return best;
}

Block make_block(ServiceType type, unsigned first, unsigned end) {
    const auto start = static_cast<std::uint16_t>(first);
    return {start, static_cast<std::uint16_t>(end - first), speed_of(type, start)};
}

std::optional<unsigned> take_number(std::string_view& text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

std::string_view take_until(std::string_view& text, char end) {
    const auto at = text.find(end);
    const auto part = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return part;
}

// "3+125 128+20": the blocks of one type; nothing when one lies outside the map.
std::optional<std::vector<Block>> parse_blocks(ServiceType type, std::string_view text) {
    std::vector<Block> blocks;
    while (!text.empty()) {
        auto part = take_until(text, ' ');
        const auto first = take_number(part);
        if (!first || !part.starts_with('+')) {
            return std::nullopt;
        }
        part.remove_prefix(1);
        const auto count = take_number(part);
        if (!count || !part.empty() || *count == 0 || *count > kMaxBlock || *first < kFirstAddress
            || *first + *count > kLastAddress + 1u) {
            return std::nullopt;
        }
        blocks.push_back(make_block(type, *first, *first + *count));
    }
    return blocks;
}

}  // namespace

std::string to_text(const Pair& pair) {
    return std::to_string(pair.unit) + ":" + std::string(name_of(pair.type));
}

std::optional<Pair> parse_pair(std::string_view text) {
    const auto unit = take_number(text);
    if (!unit || *unit > 255 || !text.starts_with(':')) {
        return std::nullopt;
    }
    const auto type = service_type(text.substr(1));
    return type ? std::optional{Pair{static_cast<std::uint8_t>(*unit), *type}} : std::nullopt;
}

std::optional<UnitList> parse_units(std::string_view text) {
    UnitList list;
    std::string compact;
    std::copy_if(text.begin(), text.end(), std::back_inserter(compact), [](char c) { return c != ' '; });
    std::string_view rest = compact;
    if (rest.empty()) {
        return list;
    }
    list.automatic = false;
    if (rest == "none") {
        return list;
    }
    while (!rest.empty()) {
        const auto part = take_until(rest, ',');
        if (const auto pair = parse_pair(part)) {
            list.pairs.push_back(*pair);
            continue;
        }
        auto digits = part;
        const auto unit = take_number(digits);
        if (!unit || *unit > 255 || !digits.empty()) {
            return std::nullopt;
        }
        list.units.push_back(static_cast<std::uint8_t>(*unit));
    }
    return list;
}

Speed speed_of(ServiceType type, std::uint16_t first) {
    Speed speed = Speed::fast;
    for (const SpeedRow& row : kSpeeds) {
        if (row.type == type && first >= row.from) {
            speed = row.speed;
        }
    }
    return speed;
}

std::vector<Block> blocks_of(const Range& range) {
    std::vector<Block> blocks;
    const unsigned end = range.last + 1u;
    for (unsigned first = range.first; first < end;) {
        const unsigned limit = std::min(end, first + kMaxBlock);
        const unsigned stop = limit == end ? end : block_end(first, limit);
        blocks.push_back(make_block(range.type, first, stop));
        first = stop;
    }
    return blocks;
}

ReadPlan::ReadPlan(Generation generation) : generation_(generation) {
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        types_[i].generation = generation;
        for (const Range& range : ranges_of(static_cast<ServiceType>(i), generation)) {
            const auto blocks = blocks_of(range);
            types_[i].blocks.insert(types_[i].blocks.end(), blocks.begin(), blocks.end());
        }
    }
}

void ReadPlan::refused(ServiceType type, const Block& block) {
    TypePlan& plan = of(type);
    const auto at = std::find(plan.blocks.begin(), plan.blocks.end(), block);
    if (at == plan.blocks.end()) {
        return;  // an answer to a plan that has been replaced meanwhile
    }
    learned_ = true;
    // Once halved, a type is no longer that of a known generation.
    const bool untouched = plan.blocks == ReadPlan(plan.generation).of(type).blocks;
    for (auto next = older(plan.generation); untouched && next; next = older(*next)) {
        auto blocks = ReadPlan(*next).of(type).blocks;
        const bool without = std::find(blocks.begin(), blocks.end(), block) == blocks.end();
        if (!blocks.empty() && without) {
            plan = {*next, std::move(blocks)};
            return;
        }
    }
    const auto middle = middle_of(block);
    if (!middle) {
        plan.blocks.erase(at);
        return;
    }
    *at = make_block(type, block.first, *middle);
    plan.blocks.insert(std::next(at), make_block(type, *middle, unsigned{block.first} + block.count));
}

std::string ReadPlan::to_text() const {
    std::string text{name_of(generation_)};
    const ReadPlan fresh(generation_);
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        if (types_[i] == fresh.types_[i]) {
            continue;
        }
        text.append(";").append(name_of(static_cast<ServiceType>(i))).append("=");
        text.append(name_of(types_[i].generation)).append(":");
        for (const Block& block : types_[i].blocks) {
            text.append(text.back() == ':' ? "" : " ");
            text.append(std::to_string(block.first)).append("+").append(std::to_string(block.count));
        }
    }
    return text;
}

std::optional<ReadPlan> ReadPlan::parse(std::string_view text) {
    const auto base = gxmodbus::generation(take_until(text, ';'));
    if (!base) {
        return std::nullopt;
    }
    ReadPlan plan(*base);
    while (!text.empty()) {
        auto part = take_until(text, ';');
        const auto type = service_type(take_until(part, '='));
        const auto generation = gxmodbus::generation(take_until(part, ':'));
        if (!type || !generation) {
            return std::nullopt;
        }
        auto blocks = parse_blocks(*type, part);
        if (!blocks) {
            return std::nullopt;
        }
        plan.of(*type) = {*generation, std::move(*blocks)};
        plan.learned_ = true;
    }
    return plan;
}

std::vector<Read> reads_of(const ReadPlan& plan, std::span<const Pair> pairs) {
    std::vector<Read> reads;
    for (const Pair& pair : pairs) {
        for (const Block& block : plan.blocks(pair.type)) {
            reads.push_back({pair.unit, pair.type, block, false});
        }
    }
    if (plan.generation() < Generation::v97) {
        return reads;
    }
    // settings and hub4 interleave between 2700 and 2724
    const auto interleaved = [](const Read& read) {
        return (read.type == T::settings || read.type == T::hub4) && read.block.first < 2800;
    };
    const auto begin = std::stable_partition(reads.begin(), reads.end(), std::not_fn(interleaved));
    std::sort(begin, reads.end(), [](const Read& a, const Read& b) {
        return std::pair{a.unit, a.block.first} < std::pair{b.unit, b.block.first};
    });
    std::vector<Read> joined(reads.begin(), begin);
    for (auto read = begin; read != reads.end(); ++read) {
        Read* before = read == begin ? nullptr : &joined.back();
        if (before != nullptr && before->unit == read->unit
            && before->block.first + before->block.count == read->block.first) {
            before->block.count = static_cast<std::uint16_t>(before->block.count + read->block.count);
            before->joined = true;
        } else {
            joined.push_back(*read);
        }
    }
    return joined;
}

void for_each_row(const Block& block, Words words, ServerVersion version,
                  const std::function<void(const Register&, Words)>& see) {
    if (words.size() != block.count) {
        return;
    }
    unsigned seen_until = 0;
    const auto visit_moved = [&](unsigned from, unsigned to) {
        for (const MovedRegister& moved : moved_registers()) {
            const Register& row = *register_at(moved.address);
            if (version < moved.until && moved.old_address >= from && moved.old_address + row.count <= to) {
                see(row, words.subspan(moved.old_address - block.first, row.count));
            }
        }
    };
    for (const Register& row : registers_within(block.first, block.count)) {
        if (row.since > version || !row.has_value()) {
            continue;
        }
        visit_moved(std::max(seen_until, unsigned{block.first}), row.address);
        see(row, words.subspan(row.address - block.first, row.count));
        seen_until = row.end();
    }
    visit_moved(std::max(seen_until, unsigned{block.first}), unsigned{block.first} + block.count);
}

}  // namespace gxmodbus
