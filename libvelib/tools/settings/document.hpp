#pragma once
// The settings file, settings.xml, as text: the format of localsettings, so that either program reads the
// other's file. Facts: docs/protocols/settings-service.md, "The file".

#include "store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace velib::settings {

struct Document {
    /// What localsettings of today writes; a newer one's number is kept.
    static constexpr int kVersion = 19;

    int version = kVersion;
    /// Identity of the device the file belongs to; kept as it is.
    std::string unique_id = {};
    std::vector<Setting> settings = {};
};

struct ParsedDocument {
    Document document;
    /// Not a settings file at all: nothing of it may be used.
    bool broken = false;
    /// What had to be left out, or why it is broken: a line each, for the log.
    std::vector<std::string> problems;
};

/// Reads a file's content. Never throws for what it contains.
[[nodiscard]] ParsedDocument parse_document(std::string_view xml);

/// The file's content, sorted by element name. Settings must be legal (as a Store has them).
[[nodiscard]] std::string to_xml(const Document& document);

}  // namespace velib::settings
