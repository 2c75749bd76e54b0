#pragma once
// The Modbus server of a GX as its clients see it: services with D-Bus values behind unit ids, one register map per
// server version, and the order in which a request is judged. It shares nothing with the driver but the generated
// register table, so that a mistake in one is not hidden by the same mistake in the other.

#include "gxmodbus/protocol/registers.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace gxsim {

using gxmodbus::ServerVersion;
using gxmodbus::ServiceType;

/// A value on the simulated GX's D-Bus; monostate is invalid.
using BusValue = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

struct Service {
    ServiceType type{};
    int instance = 0;
    std::map<std::string, BusValue, std::less<>> paths;
};

/// One write that reached a service.
struct Write {
    std::uint8_t unit;
    ServiceType type;
    int instance;
    std::string path;
    std::uint16_t address;
    std::uint8_t function;
    BusValue value;
};

/// An exception the server gives for some registers although they would work.
struct ForcedException {
    std::optional<std::uint8_t> unit;
    std::uint16_t first;
    std::uint16_t last;
    std::uint8_t code;
};

struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t exceptions = 0;
    std::uint64_t crashes = 0;
    std::map<std::pair<std::uint8_t, unsigned>, std::uint64_t> reads;  ///< by unit and first register
};

class GxServer {
  public:
    explicit GxServer(ServerVersion version);

    /// What one entry of the map answers for: a row of the table, or what older servers had in its place.
    struct Entry {
        std::uint16_t address;
        std::uint16_t count;
        ServiceType type;
        gxmodbus::Encoding encoding;
        char dbus_type;
        double scale;
        bool writable;
        std::string path;
    };

    // The plant
    Service& add(ServiceType type, int instance);
    bool remove(ServiceType type, int instance);
    [[nodiscard]] Service* find(ServiceType type, int instance);
    [[nodiscard]] const std::vector<Service>& services() const { return services_; }
    void set(ServiceType type, int instance, const std::string& path, BusValue value);
    [[nodiscard]] BusValue get(ServiceType type, int instance, const std::string& path);

    /// The firmware that register 834 tells, in hexadecimal digits.
    void set_firmware(std::uint16_t version, std::uint16_t beta) { firmware_ = {version, beta}; }
    void set_read_only(bool on) { read_only_ = on; }
    /// Writes are answered but nothing changes, as when the device refuses.
    void set_ignore_writes(bool on) { ignore_writes_ = on; }
    /// A number that grows by a step each time its service is read, as a measurement that is never twice the same.
    struct Restless {
        ServiceType type{};
        int instance = 0;
        std::string path;
        double step = 0;
    };
    std::vector<Restless> restless;
    void set_clock(std::function<std::uint64_t()> utc_seconds) { clock_ = std::move(utc_seconds); }
    /// How a written value is stored; by default at once. Used to delay it as a real device does.
    void set_apply(std::function<void(std::function<void()>)> apply) { apply_ = std::move(apply); }
    std::vector<ForcedException> forced;

    /// The reply PDU for a request PDU, or nothing when the server program crashes on it.
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> handle(std::uint8_t unit,
                                                                  const std::vector<std::uint8_t>& pdu);

    [[nodiscard]] const Counters& counters() const { return counters_; }
    void clear_counters() { counters_ = {}; }
    [[nodiscard]] const std::vector<Write>& writes() const { return writes_; }
    void clear_writes() { writes_.clear(); }
    [[nodiscard]] ServerVersion version() const { return version_; }

  private:
    using Words = std::vector<std::uint16_t>;
    struct Part {
        const Entry* entry;
        unsigned offset;  // first register of the entry that the request touches
        unsigned count;
        Service* service;
    };
    struct Refusal {
        std::uint8_t code = 0;
        bool crash = false;
    };

    void build_map();
    void add_old_entries();
    void fill(unsigned first, unsigned last, ServiceType type);
    [[nodiscard]] const Entry* entry_at(unsigned address, bool first_of_block) const;
    [[nodiscard]] Service* service_of(std::uint8_t unit, ServiceType type);
    [[nodiscard]] bool any_of_type(ServiceType type) const;
    [[nodiscard]] bool unit_exists(std::uint8_t unit);
    [[nodiscard]] std::variant<std::vector<Part>, Refusal> locate(std::uint8_t unit, unsigned first,
                                                                  unsigned count);
    [[nodiscard]] Words encode(const Entry& entry, const Service* service) const;
    [[nodiscard]] BusValue value_of(const Entry& entry, const Service& service) const;
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> read(std::uint8_t unit, std::uint8_t function,
                                                                unsigned first, unsigned count);
    [[nodiscard]] std::optional<std::vector<std::uint8_t>> write(std::uint8_t unit, std::uint8_t function,
                                                                 unsigned first, const Words& words);
    void stir(std::uint8_t unit);
    [[nodiscard]] std::uint8_t check_writes(const std::vector<Part>& parts) const;
    void apply_write(std::uint8_t unit, std::uint8_t function, const Part& part, const Words& words);
    std::vector<std::uint8_t> exception(std::uint8_t function, std::uint8_t code);

    ServerVersion version_;
    std::multimap<unsigned, Entry> map_;
    std::vector<Service> services_;
    std::pair<std::uint16_t, std::uint16_t> firmware_{0x0380, 0};
    bool read_only_ = false;
    bool ignore_writes_ = false;
    std::function<std::uint64_t()> clock_;
    std::function<void(std::function<void()>)> apply_;
    Counters counters_;
    std::vector<Write> writes_;
};

}  // namespace gxsim
