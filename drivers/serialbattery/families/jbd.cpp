// LLT/JBD ("Xiaoxiang", Overkill Solar and rebrands): docs/protocols/jbd.md

#include "jbd_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/checksum.hpp"

#include <algorithm>

namespace bms {
namespace jbd {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kStart = 0xdd;
constexpr std::uint8_t kRead = 0xa5;
constexpr std::uint8_t kWrite = 0x5a;
constexpr std::uint8_t kEnd = 0x77;
constexpr std::size_t kOverhead = 7;
constexpr std::size_t kMinBasicInfo = 23;
constexpr unsigned kMaxSensors = 8;
constexpr unsigned kMaxCells = 32;

enum Register : std::uint8_t {
    kEnterFactory = 0x00,
    kLeaveFactory = 0x01,
    kBasicInfo = 0x03,
    kCells = 0x04,
    kModel = 0x05,
    kDesignCapacity = 0x10,
    kChargeOvercurrent = 0x28,
    kDischargeOvercurrent = 0x29,
    kFunctions = 0x2d,
    kManufacturer = 0xa0,
    kBarcode = 0xa2,
    kCounters = 0xaa,
    kMosControl = 0xe1,
};

/// Two's complement of the sum over register/status, length and data.
std::uint16_t checksum(Bytes bytes) {
    return static_cast<std::uint16_t>(0x10000 - wire::sum16(bytes));
}

bool is_request(Bytes frame) {
    // Firmware of 2017 answers with A5 in the place of the register: status 0 and a length no request has.
    const bool old_answer = frame[1] == kRead && frame[2] == 0 && frame[3] >= kMinBasicInfo;
    return (frame[1] == kRead || frame[1] == kWrite) && !old_answer;
}

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty() || bytes[0] != kStart) {
        return Sight::no();
    }
    if (bytes.size() < 4) {
        return Sight::needs(kOverhead);
    }
    const bool request = is_request(bytes);
    if (!request && bytes[2] != 0 && bytes[3] != 0) {
        return Sight::no();  // a refusal carries no data
    }
    const std::size_t total = kOverhead + bytes[3];
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    if (!check_holds(checksum(bytes.subspan(2, total - 5)), wire::be16(bytes, total - 3))) {
        return Sight::no(Fault::checksum);
    }
    if (bytes[total - 1] != kEnd) {
        return Sight::no(Fault::trailer);
    }
    return Sight::frame(total, request ? Role::request : Role::reply);
}

/// Register of a reply, which is not covered by its checksum; A5 stands for the one that was asked.
std::uint8_t register_of(Bytes frame, Bytes asked) {
    return frame[1] == kRead && asked.size() > 2 ? asked[2] : frame[1];
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    if (asked.size() < 4 || register_of(frame, asked) != asked[2]) {
        return Fault::address;
    }
    return std::nullopt;
}

Packet command(std::uint8_t direction, std::uint8_t reg, Bytes data = {}) {
    Packet packet;
    packet.push(kStart);
    packet.push(direction);
    packet.push(reg);
    packet.push(static_cast<unsigned>(data.size()));
    for (const auto byte : data) {
        packet.push(byte);
    }
    const auto sum = checksum(packet.bytes().subspan(2));
    packet.push(sum >> 8);
    packet.push(sum & 0xff);
    packet.push(kEnd);
    return packet;
}
Packet read(std::uint8_t reg) {
    return command(kRead, reg);
}
Packet write(std::uint8_t reg, std::uint16_t value) {
    const std::array<std::uint8_t, 2> data{static_cast<std::uint8_t>(value >> 8),
                                           static_cast<std::uint8_t>(value)};
    return command(kWrite, reg, data);
}

constexpr std::uint16_t kEnterKey = 0x5678;
constexpr std::uint16_t kLeaveUnsaved = 0x0000;
constexpr std::uint16_t kLeaveSaved = 0x2828;
constexpr std::uint16_t kBalancerBit = 1 << 2;  ///< of the function register

// --------------------------------------------------------------------------------------------- decode

Bytes payload(Bytes frame) {
    return frame.subspan(4, frame.size() - kOverhead);
}

Date production(std::uint16_t word) {
    return {static_cast<std::uint16_t>(2000 + (word >> 9)), static_cast<std::uint8_t>(word >> 5 & 15),
            static_cast<std::uint8_t>(word & 31)};
}
std::uint32_t balance_mask(Bytes data) {
    return wire::be16(data, 12) | std::uint32_t{wire::be16(data, 14)} << 16;
}
std::string version(std::uint8_t byte) {
    return std::to_string(byte >> 4) + '.' + std::to_string(byte & 15);
}
std::size_t sensor_count(Bytes data) {
    return std::min<std::size_t>(data[22], (data.size() - kSensors) / 2);
}
double sensor(Bytes data, std::size_t i) {
    return (wire::be16(data, kSensors + 2 * i) - kKelvin) / 10;
}
bool basic_info_good(Bytes data) {
    return data.size() >= kMinBasicInfo;
}

void describe_basic(Bytes data, Record& out) {
    load(kBasicFields, {data}, out);
    if (const auto date = production(wire::be16(data, 10)); date.valid()) {
        out.set("production", to_text(date));
    }
    out.set("balancing_cells", set_bits(balance_mask(data)));
    out.set("protections", names(kProtections, wire::be16(data, 16)));
    out.set("sw_version", version(data[18]));
    List temperatures;
    for (std::size_t i = 0; i < sensor_count(data); ++i) {
        temperatures.emplace_back(sensor(data, i));
    }
    out.set("temperatures_C", std::move(temperatures));
    const std::size_t behind = kSensors + 2 * std::size_t{data[22]};
    if (data.size() >= behind + 9) {
        Record extension;
        load(kExtensionFields, {data.subspan(behind)}, extension);
        out.set("extension", std::move(extension));
    }
}

void describe_request(Bytes frame, Record& out) {
    out.set("register", int{frame[2]});
    if (frame[1] == kWrite && frame[2] == kMosControl && frame[3] == 2) {
        out.set("charge_disabled", (frame[5] & 1) != 0);
        out.set("discharge_disabled", (frame[5] & 2) != 0);
    }
}

void describe_data(std::uint8_t reg, Bytes data, Record& out) {
    if (reg == kBasicInfo && basic_info_good(data)) {
        describe_basic(data, out);
    } else if (reg == kCells) {
        out.set("cells_mV", to_list(words(data, {data.size() / 2})));
    } else if (reg == kModel) {
        out.set("text", wire::ascii(data));
    } else if (reg >= kManufacturer && reg <= kBarcode) {
        out.set("text", wire::ascii(data.subspan(1, std::min<std::size_t>(data[0], data.size() - 1))));
    } else if (reg == kCounters) {
        load(kCounterFields, {data}, out);
    } else if (data.size() >= 2) {
        const Payload word{data.first(2), reg, 2};
        const auto before = out.members().size();
        load(kParameterFields, word, out);
        if (reg == 0x15) {
            out.set("production", to_text(production(wire::be16(data, 0))));
        } else if (out.members().size() == before) {
            out.set("value", int{wire::be16(data, 0)});
        }
    }
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    if (role == Role::request) {
        describe_request(frame, out);
        return;
    }
    const auto reg = register_of(frame, context.asked);
    const Bytes data = payload(frame);
    out.set("register", int{reg});
    if (frame[1] != reg) {
        out.set("register_byte", int{frame[1]});
    }
    out.set("status", int{frame[2]});
    out.set("payload_len", data.size());
    if (frame[2] != 0) {
        out.set("error", "rejected by BMS");
    } else if (data.empty()) {
        out.set("ack", true);
    } else {
        describe_data(reg, data, out);
    }
}

void identify(Bytes frame, Record& out) {
    out.set("register", int{frame[1]});
}

// -------------------------------------------------------------------------------------------- session

class JbdSession : public Session {
  public:
    explicit JbdSession(const Options& options) : options_(options) {}

    void cycle(unsigned, Queries& out) override {
        if (model_tries_left_ > 0) {
            --model_tries_left_;
            out.push_back({.bytes = read(kModel), .tag = kModel, .required = false, .tries = 1});
        }
        out.push_back({.bytes = read(kBasicInfo), .tag = kBasicInfo});
        out.push_back({.bytes = read(kCells), .tag = kCells});
    }

    Taken take(const Query& query, Bytes frame, Queries& follow) override {
        if (frame[2] != 0) {
            return Taken::refused;
        }
        const Bytes data = payload(frame);
        switch (query.tag) {
            case kModel:
                return take_model(data);
            case kBasicInfo:
                return take_basic_info(data);
            case kCells:
                return take_cells(data);
            case kFunctions:
                return take_functions(data, follow);
            default:
                return data.empty() ? Taken::done : Taken::foreign;
        }
    }

    void missed(const Query& query) override {
        if (query.tag == kBasicInfo) {
            forget(kBasicFields, battery_);
        }
    }

    bool control(const Command& command, Queries& out) override {
        if (command.control == Control::balancing) {
            switch_balancer(command.on(), out);
            return true;
        }
        return switch_fet(command.control, command.on(), out);
    }

    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return have_info_ && have_cells_ ? Proof::proven : Proof::pending;
    }

  private:
    Taken take_model(Bytes data) {
        battery_.model = wire::ascii(data);
        battery_.manufacturer = "JBD";
        model_tries_left_ = 0;
        return Taken::done;
    }

    Taken take_basic_info(Bytes data) {
        if (!basic_info_good(data)) {
            return Taken::foreign;
        }
        const unsigned cells = data[21];
        const unsigned sensors = data[22];
        if (cells == 0 || cells > kMaxCells || sensors > kMaxSensors) {
            refuted_ = true;
            return Taken::foreign;
        }
        load(kBasicFields, {data}, battery_);
        battery_.alarms.clear();
        raise(kProtections, wire::be16(data, 16), battery_.alarms);
        if (const auto date = production(wire::be16(data, 10)); date.valid()) {
            battery_.production = date;
        }
        battery_.firmware_version = version(data[18]);
        load_sensors(data);
        balancing_ = balance_mask(data);
        set_balancing(battery_, balancing_);
        if (!battery_.model.empty() && battery_.production) {
            battery_.unique_id = battery_.model + '_' + to_text(*battery_.production) + '_'
                                 + std::to_string(wire::be16(data, 6));
        }
        have_info_ = true;
        return Taken::done;
    }

    void load_sensors(Bytes data) {
        const auto count = sensor_count(data);
        battery_.temperatures.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            const bool power_stage = i == 0 && data[22] > 1 && options_.first_sensor_is_mosfet;
            battery_.temperatures[i] = {power_stage ? Place::mosfet : Place::cell, sensor(data, i)};
        }
    }

    Taken take_cells(Bytes data) {
        const auto cells = battery_.cell_count.value_or(0);
        if (have_info_ && data.size() < std::size_t{2} * cells) {
            refuted_ = true;
            return Taken::foreign;
        }
        const auto values = words(data, {data.size() / 2});
        if (values.empty() || values.size() > kMaxCells) {
            return Taken::foreign;
        }
        set_cells(battery_, values);
        set_balancing(battery_, balancing_);
        have_cells_ = true;
        return Taken::done;
    }

    /// One command carries both FETs, so the other one's lock is kept: a FET that a protection opened is not
    /// locked by it. Needs a reading of the present state.
    bool switch_fet(Control control, bool on, Queries& out) {
        if (!battery_.charge_fet || !battery_.discharge_fet || !battery_.alarm_word) {
            return false;
        }
        const bool locked = (*battery_.alarm_word >> kLockBit & 1) != 0;
        bool charge_off = locked && !*battery_.charge_fet;
        bool discharge_off = locked && !*battery_.discharge_fet;
        (control == Control::charge ? charge_off : discharge_off) = !on;
        const auto word = static_cast<std::uint16_t>((charge_off ? 1 : 0) | (discharge_off ? 2 : 0));
        out.push_back({.bytes = write(kMosControl, word), .tag = kMosControl});
        out.push_back({.bytes = read(kBasicInfo), .tag = kBasicInfo, .pause = 200ms});
        return true;
    }

    /// Factory mode, read the function register, change one bit, write, leave and save. Leaving is sent whatever
    /// happens in between: a board left in factory mode stays there.
    void switch_balancer(bool on, Queries& out) {
        balancer_wanted_ = on;
        functions_seen_ = false;
        out.push_back({.bytes = write(kEnterFactory, kEnterKey), .tag = kEnterFactory});
        out.push_back({.bytes = read(kFunctions), .tag = kFunctions});
        out.push_back({.bytes = write(kLeaveFactory, kLeaveUnsaved),
                       .tag = kLeaveFactory,
                       .required = false,
                       .always = true});
    }

    Taken take_functions(Bytes data, Queries& follow) {
        if (data.empty() && functions_seen_) {
            return Taken::done;  // the acknowledge of the write
        }
        if (data.size() != 2) {
            return Taken::foreign;
        }
        const auto present = wire::be16(data, 0);
        battery_.balance_switch = (present & kBalancerBit) != 0;
        if (functions_seen_ || *battery_.balance_switch == balancer_wanted_) {
            return Taken::done;
        }
        functions_seen_ = true;
        const auto wanted =
            static_cast<std::uint16_t>(balancer_wanted_ ? present | kBalancerBit : present & ~kBalancerBit);
        follow.push_back({.bytes = write(kFunctions, wanted), .tag = kFunctions});
        follow.push_back({.bytes = read(kFunctions), .tag = kFunctions});
        follow.push_back({.bytes = write(kLeaveFactory, kLeaveSaved), .tag = kLeaveFactory});
        return Taken::done;
    }

    Options options_;
    unsigned model_tries_left_ = 3;
    std::uint32_t balancing_ = 0;
    bool have_info_ = false;
    bool have_cells_ = false;
    bool refuted_ = false;
    bool balancer_wanted_ = false;
    bool functions_seen_ = false;
};

std::unique_ptr<Session> open(std::uint8_t, const Options& options) {
    return std::make_unique<JbdSession>(options);
}
Query probe(std::uint8_t) {
    return {.bytes = read(kBasicInfo), .tag = kBasicInfo};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kControls =
    std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}, {Control::balancing}});

}  // namespace
}  // namespace jbd

extern const Family kJbd;
constexpr Family kJbd{
    .name = "jbd",
    .title = "LLT/JBD",
    .lines = jbd::kLines,
    .timing = {.reply = 500ms, .gap = 150ms, .pause = 20ms, .tries = 3},
    .detection = {.rank = 10, .window = 200ms},
    .controls = jbd::kControls,
    .sight = jbd::sight,
    .mismatch = jbd::mismatch,
    .describe = jbd::describe,
    .identify = jbd::identify,
    .probe = jbd::probe,
    .open = jbd::open,
};

}  // namespace bms
