#include "serialbattery/control/config_file.hpp"

#include "serialbattery/control/settings_text.hpp"
#include "serialbattery/control/text.hpp"

#include <algorithm>

namespace bms::control {
namespace {

constexpr std::string_view kDefaultSection = "default";
constexpr std::string_view kBatteryPrefix = "battery:";
constexpr std::string_view kPortPrefix = "port:";

/// The name of a section as we keep it, empty when there is no such section.
std::string known_section(std::string_view name) {
    if (name == kDefaultSection || name == "DEFAULT") {
        return std::string(kDefaultSection);
    }
    for (const auto prefix : {kBatteryPrefix, kPortPrefix}) {
        if (name.starts_with(prefix) && name.size() > prefix.size()) {
            return std::string(name);
        }
    }
    return {};
}

class Reader {
  public:
    explicit Reader(ConfigFile& file) : file_(file) {}

    void line(std::string_view text) {
        ++number_;
        const auto content = trimmed(text);
        if (content.empty() || content.front() == '#' || content.front() == ';') {
            return;
        }
        const bool indented = text.front() == ' ' || text.front() == '\t';
        if (content.front() == '[' && !indented) {
            open_section(content);
        } else if (indented && can_continue_) {
            if (FileEntry* entry = last_entry()) {
                entry->text.append(1, ' ').append(content);
            }
        } else {
            option(content);
        }
    }

  private:
    void open_section(std::string_view content) {
        const auto end = content.find(']');
        const auto name = trimmed(content.substr(1, end == std::string_view::npos ? end : end - 1));
        can_continue_ = false;
        seen_section_ = true;
        const std::string known = end == std::string_view::npos ? std::string() : known_section(name);
        if (known.empty()) {
            section_ = kNone;
            file_.findings.push_back(
                {Severity::error, Problem::unknown_section, std::string(name),
                 concat({place(), "[", name,
                         "] is not a section; [default], [battery:<id>] and [port:<tty>] "
                         "are"})});
            return;
        }
        const auto at = std::ranges::find(file_.sections, known, &FileSection::name);
        section_ = static_cast<std::size_t>(at - file_.sections.begin());
        if (at == file_.sections.end()) {
            file_.sections.push_back({known, number_, {}});
        }
    }

    void option(std::string_view content) {
        const auto separator = content.find_first_of("=:");
        const auto name = trimmed(content.substr(0, separator));
        if (!seen_section_) {
            if (!reported_no_section_) {
                file_.findings.push_back(
                    {Severity::error, Problem::no_section, "",
                     concat({place(), "the line [DEFAULT] is missing above \"", name.substr(0, 60),
                             "\": nothing of it is used and no current is allowed"})});
            }
            reported_no_section_ = true;
            return;
        }
        can_continue_ = true;
        if (section_ == kNone) {
            return;  // reported with its section
        }
        if (separator == std::string_view::npos || name.empty()) {
            file_.findings.push_back(
                {Severity::error, Problem::unknown_option, std::string(name),
                 concat({place(), "\"", content.substr(0, 60), "\" is not of the form NAME = value"})});
            can_continue_ = false;
            return;
        }
        file_.sections[section_].entries.push_back(
            {std::string(name), std::string(trimmed(content.substr(separator + 1))), number_});
    }

    FileEntry* last_entry() {
        if (section_ == kNone || file_.sections[section_].entries.empty()) {
            return nullptr;
        }
        return &file_.sections[section_].entries.back();
    }

    [[nodiscard]] std::string place() const { return concat({"line ", std::to_string(number_), ": "}); }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    ConfigFile& file_;
    std::size_t number_ = 0;
    std::size_t section_ = kNone;
    bool seen_section_ = false;
    bool reported_no_section_ = false;
    bool can_continue_ = false;
};

/// Adds a section's entries. A name set twice with different values says nothing: both go and the default stays.
void add_section(const FileSection& section, std::vector<SettingText>& texts, Findings& findings) {
    for (auto entry = section.entries.begin(); entry != section.entries.end(); ++entry) {
        const auto same_name = [entry](const FileEntry& other) { return other.name == entry->name; };
        const bool first = std::none_of(section.entries.begin(), entry, same_name);
        const auto other = std::find_if(section.entries.begin(), section.entries.end(),
                                        [&](const auto& e) { return same_name(e) && e.text != entry->text; });
        const Row* row = find_setting(entry->name);
        if (other == section.entries.end() || row == nullptr) {
            if (first) {
                texts.push_back({entry->name, entry->text});
            }
        } else if (first) {
            texts.push_back({entry->name, default_text(*row)});
            findings.push_back(
                {Severity::error, Problem::set_twice, entry->name,
                 concat({entry->name, " stands in lines ", std::to_string(entry->line), " and ",
                         std::to_string(other->line), " with different values; the default ",
                         default_text(*row), " is used"})});
        }
    }
}

}  // namespace

const FileSection* ConfigFile::section(std::string_view name) const {
    const auto at = std::ranges::find(sections, name, &FileSection::name);
    return at == sections.end() ? nullptr : &*at;
}

ConfigFile parse_config(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    ConfigFile file;
    Reader reader(file);
    while (!text.empty()) {
        const auto end = text.find_first_of("\r\n");
        const auto line = text.substr(0, end);
        if (end == std::string_view::npos) {
            text = {};
        } else {
            text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
        }
        reader.line(line.empty() ? std::string_view(" ") : line);
    }
    return file;
}

Checked settings_for(const ConfigFile& file, const Sources& sources) {
    std::vector<SettingText> texts;
    Findings findings = file.findings;
    for (const auto& name : {concat({kDefaultSection}), concat({kPortPrefix, sources.port}),
                             concat({kBatteryPrefix, sources.battery_id})}) {
        if (const FileSection* section = file.section(name)) {
            add_section(*section, texts, findings);
        }
    }
    texts.insert(texts.end(), sources.overrides.begin(), sources.overrides.end());
    Checked checked = check_texts(texts);
    checked.findings.insert(checked.findings.begin(), findings.begin(), findings.end());
    return checked;
}

Finding unreadable_file(std::string_view path) {
    return {Severity::error, Problem::no_section, "",
            concat({path, " cannot be read: the defaults are used and no current is allowed"})};
}

std::string config_text(const Settings& settings, std::string_view section) {
    const Settings defaults;
    std::string text;
    for (const auto& row : kSettings) {
        if (row.place != Place::none && !same_value(settings, defaults, row)) {
            text += concat({row.name, " = ", to_text(settings, row), "\n"});
        }
    }
    return text.empty() ? text : concat({"[", section, "]\n", text});
}

}  // namespace bms::control
