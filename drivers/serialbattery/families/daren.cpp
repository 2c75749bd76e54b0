// Daren boards after DR-1363 (BASEN, TianPower ...) and KS48100, which differs in its start character:
// docs/protocols/daren.md, docs/protocols/ks48100.md

#include "daren_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/yd1363.hpp"

#include <algorithm>

namespace bms {
namespace daren {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kVersion = 0x22;
constexpr std::uint8_t kClass = 0x4a;
constexpr auto kReturnCodes = std::to_array<std::uint8_t>({0x90, 0x91});

/// In what the makes differ.
struct Make {
    std::uint8_t soi;
    std::uint8_t live_class;      ///< device class of all requests but kModules
    bool group_in_live;           ///< the request for live values has INFO
    std::uint8_t numbers_length;  ///< last byte of the request for the serial numbers
};
constexpr Make kOriginal{.soi = '~', .live_class = kClass, .group_in_live = true, .numbers_length = 0};
constexpr Make kKs48100{.soi = '>', .live_class = 0x42, .group_in_live = false, .numbers_length = 0x56};

template <const Make& make>
constexpr yd1363::Dialect kDialect{
    .soi = make.soi,
    .rtns = kReturnCodes,
    .ours =
        [](const yd1363::Head& head) {
            return head.ver == kVersion && (head.cid1 == kClass || head.cid1 == make.live_class);
        },
};

template <const Make& make>
Sight sight(Bytes bytes, Bytes asked) {
    return yd1363::sight(bytes, asked, kDialect<make>);
}

Packet module_request(const Make& make, std::uint8_t address, Module module) {
    const std::uint8_t length = module == kNumbers ? make.numbers_length : 0;
    const std::uint8_t info[] = {address, kRead, module, kWhole, length};
    return yd1363::request(make.soi, kVersion, address, kClass, kModules, info);
}

// --------------------------------------------------------------------------------------------- decode

bool describe_live(Bytes info, Record& out) {
    const auto live = live_in(info);
    if (!live) {
        return false;
    }
    const auto cells = live->cells.size() / 2;
    load(kLiveFields, {info}, out);
    out.set("cell_count", cells);
    out.set("cells_mV", to_list(words(live->cells, {cells})));
    load(kPlaceFields, {live->places}, out);
    List sensors;
    for (std::size_t i = 0; i < live->sensors.size() / 2; ++i) {
        sensors.emplace_back(tenths(live->sensors, i));
    }
    out.set("temp_count", sensors.size());
    out.set("temps_cell_C", std::move(sensors));
    load(kTailFields, {live->tail}, out);
    out.set("tail_bytes", live->surplus);
    out.set("venus", venus(alarms_of(live->tail)));
    return true;
}

void describe_module(Bytes info, Record& out) {
    load(kModuleHead, {info}, out);
    const Bytes body = info.subspan(std::min(kModuleHeadBytes, info.size()));
    if (is_module(info, kNumbers) && body.size() >= kNumberBytes) {
        out.set("serial", wire::ascii(body.first(kNumberBytes)));
        if (body.size() >= kAllNumbers) {
            out.set("product_id", wire::ascii(body.subspan(kNumberBytes, kNumberBytes)));
            out.set("bms_id", wire::ascii(body.subspan(2 * kNumberBytes, kNumberBytes)));
            out.set("manufacturer", wire::ascii(body.subspan(3 * kNumberBytes + 3, 20)));
        }
    } else if (is_module(info, kCapacities)) {
        load(kCapacityFields, {body}, out);
    }
}

void describe_counters(Bytes info, Record& out) {
    out.set("echo_cid2", int{info[0]});
    out.set("operation", int{info[1]});
    const auto count = (info.size() - 2) / 2;
    out.set("counters", to_list(words(info.subspan(2), {count})));
}

/// Only some answers name their command: of the others the size tells.
void describe(Bytes frame, Role role, const Context&, Record& out) {
    const auto answer = yd1363::describe(frame, role, out);
    if (!answer || answer->empty()) {
        return;
    }
    const Bytes info(*answer);
    if (info[0] == kModules) {
        describe_module(info, out);
    } else if (info[0] == kCounters && info.size() >= 2) {
        describe_counters(info, out);
    } else if (info.size() == 1) {
        out.set("protocol_version", int{info[0]});
    } else if (info.size() == kManufacturerBytes) {
        out.set("hardware", wire::ascii(info.first(10)));
        out.set("product", wire::ascii(info.subspan(10, 10)));
        out.set("project", wire::ascii(info.subspan(20, 10)));
        out.set("version", version_text(info.subspan(30, 3)));
        out.set("boot", wire::to_hex(info.subspan(33, 2)));
    } else if (info.size() == kParameterBytes) {
        load(kParameterFields, {info}, out);
        out.set("product_barcode", wire::ascii(info.subspan(25, 20)));
        out.set("bms_barcode", wire::ascii(info.subspan(45, 20)));
    } else {
        describe_live(info, out);
    }
}

// -------------------------------------------------------------------------------------------- session

/// What is asked. Everything but the live values has an `every` in polls; 0: until it was answered.
struct Question {
    Ask command;
    Module module;
    std::uint8_t every;
};
constexpr auto kQuestions = std::to_array<Question>({
    {kLive, {}, 1},
    {kModules, kNumbers, 0},
    {kModules, kCapacities, 30},
    {kParameters, {}, 0},
    {kManufacturer, {}, 0},
});
constexpr std::uint16_t kNumbersTag = 1;
constexpr auto kReplyToRare = 1000ms;
constexpr unsigned kFirstPolls = 5;  ///< what has not been answered by then is not known to the board

class DarenSession : public Session {
  public:
    DarenSession(const Make& make, std::uint8_t address) : make_(make), address_(address) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kQuestions.size(); ++i) {
            const auto every = kQuestions[i].every;
            const bool again = every != 0 && poll % every == 0;
            if (again || (!answered_[i] && poll < kFirstPolls)) {
                const bool live = kQuestions[i].command == kLive;
                out.push_back({.bytes = packet(kQuestions[i]),
                               .tag = static_cast<std::uint16_t>(i),
                               .required = live,
                               .tries = static_cast<std::uint8_t>(every == 0 ? 1 : 0),
                               .reply = live ? 0ms : kReplyToRare});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto code = yd1363::head(frame).cid2;
        if (yd1363::is_damaged_request(code)) {
            return Taken::foreign;
        }
        if (code != 0) {
            refused(query);
            return Taken::refused;
        }
        const wire::Buffer info = yd1363::info(frame);
        if (!take_info(kQuestions[query.tag], info)) {
            return Taken::foreign;
        }
        answered_[query.tag] = true;
        return Taken::done;
    }

    void missed(const Query& query) override {
        const auto& question = kQuestions[query.tag];
        if (question.command == kLive) {
            forget_live();
            next_group();
        } else if (question.module == kCapacities) {
            forget(kCapacityFields, battery_);
        }
    }

    /// Of a pack that polls its neighbours itself.
    bool overheard(Bytes frame, Bytes request) override {
        return !yd1363::mismatch_of_any_class(frame, request) && yd1363::head(frame).adr == address_
               && yd1363::head(frame).cid2 == 0 && yd1363::command(request) == unsigned{kLive}
               && take_live(yd1363::info(frame));
    }

    [[nodiscard]] Proof proof() const override { return proven_ ? Proof::proven : Proof::pending; }

  private:
    [[nodiscard]] Packet packet(const Question& question) const {
        if (question.command == kModules) {
            return module_request(make_, address_, question.module);
        }
        const bool group =
            question.command == kParameters || (question.command == kLive && make_.group_in_live);
        return yd1363::request(make_.soi, kVersion, address_, make_.live_class, question.command,
                               Bytes(&group_, group ? 1 : 0));
    }

    void refused(const Query& query) {
        if (kQuestions[query.tag].command == kLive) {
            missed(query);
        } else {
            answered_[query.tag] = true;
        }
    }
    /// The document fixes the group to 1; boards have been seen that want their address.
    void next_group() {
        if (!proven_) {
            group_ = group_ == 1 ? address_ : std::uint8_t{1};
        }
    }

    void forget_live() {
        forget(kLiveFields, battery_);
        forget(kTailFields, battery_);
        battery_.cells.clear();
        battery_.temperatures.clear();
        battery_.alarms.clear();
        battery_.balancing.reset();
        battery_.charge_fet.reset();
        battery_.discharge_fet.reset();
    }

    bool take_info(const Question& question, Bytes info) {
        switch (question.command) {
            case kLive:
                return take_live(info);
            case kModules:
                return question.module == kNumbers ? take_numbers(info) : take_capacities(info);
            case kParameters:
                return take_parameters(info);
            default:
                return take_manufacturer(info);
        }
    }

    bool take_live(Bytes info) {
        const auto live = live_in(info);
        if (!live) {
            return false;
        }
        load(kLiveFields, {info}, battery_);
        load(kTailFields, {live->tail}, battery_);
        const auto cells = live->cells.size() / 2;
        set_cells(battery_, words(live->cells, {cells}));
        battery_.cell_count = static_cast<std::uint32_t>(cells);
        set_balancing(battery_, wire::be16(live->tail, kBalanceLow)
                                    | std::uint64_t{wire::be16(live->tail, kBalanceHigh)} << 16);
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < live->sensors.size() / 2; ++i) {
            battery_.temperatures.push_back({Place::cell, tenths(live->sensors, i)});
        }
        battery_.temperatures.push_back({Place::mosfet, tenths(live->places, 2)});
        battery_.temperatures.push_back({Place::ambient, tenths(live->places, 0)});
        battery_.alarms = alarms_of(live->tail);
        const unsigned fets = wire::be16(live->tail, kFetStatus) & kBothFets;
        const auto both = fets == kBothFets ? std::optional(true)
                          : fets == 0       ? std::optional(false)
                                            : std::nullopt;
        battery_.charge_fet = both;
        battery_.discharge_fet = both;
        proven_ = proven_ || !implausible(battery_);
        return true;
    }

    bool take_numbers(Bytes info) {
        if (!is_module(info, kNumbers) || info.size() < kModuleHeadBytes + kNumberBytes) {
            return false;
        }
        const Bytes body = info.subspan(kModuleHeadBytes);
        battery_.serial = wire::ascii(body.first(kNumberBytes));
        battery_.unique_id = battery_.serial;
        if (body.size() >= kAllNumbers) {
            battery_.manufacturer = wire::ascii(body.subspan(3 * kNumberBytes + 3, 20));
        }
        return true;
    }

    bool take_capacities(Bytes info) {
        if (!is_module(info, kCapacities) || info.size() < kModuleHeadBytes + kCapacityBytes) {
            return false;
        }
        load(kCapacityFields, {info.subspan(kModuleHeadBytes)}, battery_);
        return true;
    }

    bool take_parameters(Bytes info) {
        if (info.size() != kParameterBytes) {
            return false;
        }
        load(kParameterFields, {info}, battery_);
        return true;
    }

    bool take_manufacturer(Bytes info) {
        if (info.size() != kManufacturerBytes) {
            return false;
        }
        battery_.hardware_version = wire::ascii(info.first(10));
        battery_.model = wire::ascii(info.subspan(10, 10));
        if (const auto project = wire::ascii(info.subspan(20, 10)); !project.empty()) {
            battery_.model += (battery_.model.empty() ? "" : " ") + project;
        }
        battery_.firmware_version = version_text(info.subspan(30, 3));
        return true;
    }

    const Make& make_;
    std::uint8_t address_;
    std::uint8_t group_ = 1;
    std::array<bool, kQuestions.size()> answered_{};
    bool proven_ = false;
};

template <const Make& make>
std::unique_ptr<Session> open(std::uint8_t address, const Options&) {
    return std::make_unique<DarenSession>(make, address);
}
/// The serial numbers: no other family has such an answer.
template <const Make& make>
Query probe(std::uint8_t address) {
    return {.bytes = module_request(make, address, kNumbers), .tag = kNumbersTag};
}

constexpr auto kLines = std::to_array<Line>({{19200}, {9600}});
constexpr auto kSlowLines = std::to_array<Line>({{9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace daren

extern const Family kDaren;
constexpr Family kDaren{
    .name = "daren",
    .title = "Daren",
    .lines = daren::kLines,
    .first_address = 1,
    .last_address = 15,
    .timing = {.reply = 1000ms, .gap = 100ms, .pause = 50ms, .tries = 3, .poll = 2000ms},
    .detection =
        {.rank = 64, .window = 600ms, .reading = 800ms, .addresses = daren::kAddresses, .sure = true},
    .report = Report::counted,
    .sight = daren::sight<daren::kOriginal>,
    .mismatch = yd1363::mismatch,
    .describe = daren::describe,
    .probe = daren::probe<daren::kOriginal>,
    .open = daren::open<daren::kOriginal>,
};

extern const Family kKs48100;
constexpr Family kKs48100{
    .name = "ks48100",
    .title = "KS48100",
    .lines = daren::kSlowLines,
    .first_address = 1,
    .last_address = 15,
    .timing = {.reply = 4000ms, .gap = 200ms, .pause = 100ms, .tries = 2, .poll = 4000ms},
    .detection =
        {.rank = 110, .window = 3000ms, .reading = 1500ms, .addresses = daren::kAddresses, .sure = true},
    .report = Report::counted,
    .sight = daren::sight<daren::kKs48100>,
    .mismatch = yd1363::mismatch_of_any_class,  // no answer of such a board is public
    .describe = daren::describe,
    .probe = daren::probe<daren::kKs48100>,
    .open = daren::open<daren::kKs48100>,
};

}  // namespace bms
