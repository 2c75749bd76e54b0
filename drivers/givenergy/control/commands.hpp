#pragma once
// Control functions as GivTCP users know them, turned into approved writes: docs/givenergy.md, "Control".
// A function and its arguments come as text from the command line, MQTT or D-Bus; nothing is sent unless every
// write of the function passes the allow-list.

#include "givenergy/control/model_registers.hpp"
#include "givenergy/protocol/banks.hpp"
#include "givenergy/protocol/writes.hpp"

#include <span>

namespace givenergy {

/// Local wall clock time, as the inverter keeps it.
struct WallClock {
    int year = 0;  ///< 2000..2099
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;

    [[nodiscard]] int minute_of_day() const { return hour * 60 + minute; }
    [[nodiscard]] bool valid() const;
};

/// Named arguments of a function, values as text. A bare payload (MQTT) stands under the empty name.
using Arguments = std::map<std::string, std::string, std::less<>>;

/// What a function needs to know about the installation.
struct CommandContext {
    Model model = Model::unknown;
    std::uint16_t dtc = 0;
    std::uint16_t arm_firmware = 0;
    Consent consent{};
    const Registers* registers = nullptr;  ///< settings as last read; may be null
    WallClock now{};                       ///< for clock synchronisation and timed functions
    int saved_reserve = 4;                 ///< reserve that Eco restores; 100 is never restored

    [[nodiscard]] std::optional<std::uint16_t> holding(std::uint16_t reg) const {
        return registers == nullptr ? std::nullopt : registers->holding(reg);
    }
};

struct CommandError {
    std::string text;
    bool usage = true;  ///< the caller's mistake; false: the device or its state does not allow it
};
using Plan = wire::Expected<std::vector<ApprovedWrite>, CommandError>;

struct CommandCall;

/// One control function. A name with `slots` > 0 stands for name1 ... nameN.
struct Command {
    std::string_view name;
    int slots;
    std::string_view
        keys;  ///< names of the arguments it takes, separated by commas; the first takes a bare payload
    std::string_view example;  ///< a right payload as JSON; empty if it takes none
    std::string_view success;
    std::string_view failure;
    Plan (*plan)(const CommandCall& call);
};

/// Every function, those of 2021 first, in the order of docs/givenergy.md.
[[nodiscard]] std::span<const Command> commands();

/// A function found by name, with the slot number that is part of it (0 if none).
struct FoundCommand {
    const Command* command = nullptr;
    int slot = 0;
};
[[nodiscard]] FoundCommand find_command(std::string_view name);

struct CommandCall {
    const Command& command;
    int slot;
    const Arguments& arguments;
    const CommandContext& context;
};

/// The writes of a function in their order, all of them allowed; or what is wrong.
[[nodiscard]] Plan plan_command(std::string_view function, const Arguments& arguments,
                                const CommandContext& context);

/// What is wrong with a call on every model there is, so that it can be refused before anybody is asked; nothing if
/// some model would take it.
[[nodiscard]] std::optional<CommandError> check_payload(std::string_view function,
                                                        const Arguments& arguments);

/// What the function prints when it worked or not.
[[nodiscard]] std::string result_text(std::string_view function, bool success);

/// "0100", "01:00" and "01:00:00" as HHMM; nothing if it is no time.
[[nodiscard]] std::optional<std::uint16_t> parse_time(std::string_view text);

}  // namespace givenergy
