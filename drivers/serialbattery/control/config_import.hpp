#pragma once
// Taking over the config.ini of the public Python drivers: what of it is understood, what had to change, what
// is ignored and why.

#include "serialbattery/control/config_check.hpp"

namespace bms::control {

enum class Taken : std::uint8_t {
    understood,  ///< in force as it stands there
    as_default,  ///< understood, and nothing but our default
    changed,     ///< under another name or with another value
    ignored,
    refused,  ///< not usable: the default counts
};

/// One option of the file.
struct ImportLine {
    Taken taken = Taken::ignored;
    std::size_t line = 0;
    std::string name;  ///< as in the file
    std::string text;
    std::string becomes;  ///< "NAME = value" when changed
    std::string why;      ///< when changed, ignored or refused
};

struct Import {
    std::vector<ImportLine> lines;   ///< in the order of the file
    Findings findings;               ///< what the settings together, or the file as a whole, suffer from
    std::vector<std::string> notes;  ///< what works differently here
    Settings settings;               ///< in force, all corrections made
    std::string config;              ///< the same as a file of ours; empty when everything is default
};

/// Reads a config.ini of either generation (older names are translated).
[[nodiscard]] Import import_config(std::string_view text);

/// The result for people.
[[nodiscard]] std::string import_report(const Import& import);

}  // namespace bms::control
