#pragma once
// The configuration file: an INI text with [default] for all batteries, [battery:<id>] for one of them and
// [port:<tty>] for a port. The [DEFAULT] of the Python driver's config.ini is the same as [default].

#include "serialbattery/control/config_check.hpp"

#include <map>

namespace bms::control {

/// One `NAME = text` of a file.
struct FileEntry {
    std::string name;
    std::string text;
    std::size_t line = 0;  ///< from 1
};

struct FileSection {
    std::string name;  ///< without brackets; "default" for either spelling
    std::size_t line = 0;
    std::vector<FileEntry> entries;
};

/// The sections of a file in their order, equal ones joined. Never fails: what is not understood is a finding.
struct ConfigFile {
    std::vector<FileSection> sections;
    Findings findings;

    [[nodiscard]] const FileSection* section(std::string_view name) const;
};

/// Reads an INI text: `NAME = text` or `NAME: text`, comment lines with ; or #, a value goes on in indented
/// lines. A byte order mark and any line end are understood. Options before the first section are dropped and
/// reported (Problem::no_section), as are lines that are none of these.
[[nodiscard]] ConfigFile parse_config(std::string_view text);

/// Where a battery's settings come from.
struct Sources {
    std::string battery_id;  ///< of its [battery:<id>] section
    std::string port;        ///< of its [port:<tty>] section, whole name ("ttyUSB1" is not "ttyUSB10")
    /// Changed on D-Bus: name and text as in a file. They win over the file.
    std::span<const SettingText> overrides;
};

/// The settings in force for one battery: the defaults, then [default], its port, its own section, the
/// overrides, checked together.
[[nodiscard]] Checked settings_for(const ConfigFile& file, const Sources& sources);

/// The finding for a file that exists but cannot be read: defaults, no current.
[[nodiscard]] Finding unreadable_file(std::string_view path);

/// A file with every setting that differs from its default, in `section`; empty when none does.
[[nodiscard]] std::string config_text(const Settings& settings, std::string_view section = "default");

}  // namespace bms::control
