#include "document.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <pugixml.hpp>

namespace velib::settings {
namespace {

constexpr const char* kRootElement = "Settings";
// Deeper than any setting; a hostile file must not exhaust the stack.
constexpr int kDeepest = 32;
// The text of a setting is taken as it stands: blanks alone are text too, carriage returns stay.
constexpr unsigned kParsing = (pugi::parse_default & ~pugi::parse_eol) | pugi::parse_ws_pcdata_single;

// An XML name cannot begin with a digit: "_3" stands for "3".
std::string_view unescaped(std::string_view tag) {
    return tag.starts_with('_') ? tag.substr(1) : tag;
}

bool begins_with_digit(std::string_view name) {
    return !name.empty() && name.front() >= '0' && name.front() <= '9';
}

class Reader {
  public:
    explicit Reader(ParsedDocument& out) : out_(out) {}

    void read_group(const pugi::xml_node& group, const std::string& path, int depth) {
        for (const auto& child : group.children()) {
            if (child.type() != pugi::node_element) {
                continue;
            }
            const std::string child_path = fmt::format("{}/{}", path, unescaped(child.name()));
            if (child.attribute("type")) {
                read_setting(child, child_path);
            } else if (depth == kDeepest) {
                leave_out(child_path, "is nested too deeply");
            } else {
                read_group(child, child_path, depth + 1);
            }
        }
    }

  private:
    void read_setting(const pugi::xml_node& node, const std::string& path) {
        const auto type = type_of_letter(node.attribute("type").value());
        if (!type) {
            leave_out(path, fmt::format("has the unknown type '{}'", node.attribute("type").value()));
            return;
        }
        if (!is_item_path(path)) {
            leave_out(path, "is not a legal path");
            return;
        }
        Setting setting{.path = path, .type = *type};
        setting.default_value = read_value(node.attribute("default"), *type);
        if (*type != Type::text) {
            setting.min = read_value(node.attribute("min"), *type).real();
            setting.max = read_value(node.attribute("max"), *type).real();
        }
        setting.silent = std::string_view(node.attribute("silent").value()) == "True";
        setting.value = coerce(Value(node.text().get()), *type).value_or(Value());
        if (!setting.value.valid()) {
            setting.value = setting.default_value;
            leave_out(path, fmt::format("has the value '{}', which is not of its type", node.text().get()));
        }
        if (setting.value.valid()) {
            out_.document.settings.push_back(std::move(setting));
        }
    }

    static Value read_value(const pugi::xml_attribute& attribute, Type type) {
        return attribute ? coerce(Value(attribute.value()), type).value_or(Value()) : Value();
    }

    void leave_out(std::string_view path, std::string_view why) {
        // A file of garbage must not become a log of the same size.
        constexpr std::size_t kWorthTelling = 20;
        if (out_.problems.size() < kWorthTelling) {
            out_.problems.push_back(fmt::format("{} {}", path, why));
        }
    }

    ParsedDocument& out_;
};

struct Writer final : pugi::xml_writer {
    void write(const void* data, std::size_t size) override {
        text.append(static_cast<const char*>(data), size);
    }
    std::string text;
};

std::vector<std::string> tags_of(std::string_view path) {
    std::vector<std::string> tags;
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto name = path.substr(0, path.find('/'));
        tags.push_back(fmt::format("{}{}", begins_with_digit(name) ? "_" : "", name));
        path.remove_prefix(name.size());
    }
    return tags;
}

void set_attribute(pugi::xml_node& node, const char* name, const std::string& text) {
    node.append_attribute(name).set_value(text.c_str());
}

void fill(pugi::xml_node& node, const Setting& setting) {
    const auto limit_text = [&](double limit) {
        return to_text(coerce(Value(limit), setting.type).value_or(Value()));
    };
    set_attribute(node, "type", std::string(type_letter(setting.type)));
    if (setting.min) {
        set_attribute(node, "min", limit_text(*setting.min));
    }
    if (setting.max) {
        set_attribute(node, "max", limit_text(*setting.max));
    }
    if (setting.default_value.valid()) {
        set_attribute(node, "default", to_text(setting.default_value));
    }
    set_attribute(node, "silent", setting.silent ? "True" : "False");
    if (const auto text = to_text(setting.value); !text.empty()) {
        node.text().set(text.c_str());
    }
}

pugi::xml_node child_named(pugi::xml_node& parent, const std::string& tag) {
    // Settings are sorted, so the group that is wanted is the last one.
    auto last = parent.last_child();
    return last && tag == last.name() ? last : parent.append_child(tag.c_str());
}

}  // namespace

ParsedDocument parse_document(std::string_view xml) {
    ParsedDocument parsed;
    pugi::xml_document document;
    const auto result = document.load_buffer(xml.data(), xml.size(), kParsing);
    const auto root = document.document_element();
    if (!result || std::string_view(root.name()) != kRootElement) {
        parsed.broken = true;
        parsed.problems.push_back(!result
                                      ? fmt::format("{} at byte {}", result.description(), result.offset)
                                      : fmt::format("its root is '{}', not '{}'", root.name(), kRootElement));
        return parsed;
    }
    parsed.document.version = std::max(root.attribute("version").as_int(), Document::kVersion);
    parsed.document.unique_id = sanitize_utf8(root.attribute("unique-id").value());
    Reader(parsed).read_group(root, "/Settings", 0);
    return parsed;
}

std::string to_xml(const Document& document) {
    std::vector<std::pair<std::vector<std::string>, const Setting*>> rows;
    for (const auto& setting : document.settings) {
        rows.emplace_back(tags_of(setting.path), &setting);
    }
    std::ranges::sort(rows);

    pugi::xml_document xml;
    auto root = xml.append_child(kRootElement);
    root.append_attribute("version").set_value(document.version);
    set_attribute(root, "unique-id", document.unique_id);
    for (const auto& [tags, setting] : rows) {
        auto node = root;
        for (auto tag = tags.begin() + 1; tag != tags.end() - 1; ++tag) {
            node = child_named(node, *tag);
        }
        auto leaf = node.append_child(tags.back().c_str());
        fill(leaf, *setting);
    }
    Writer out;
    out.text = "<?xml version='1.0' encoding='UTF-8'?>\n";
    xml.save(out, "  ", pugi::format_indent | pugi::format_no_declaration, pugi::encoding_utf8);
    if (!out.text.ends_with('\n')) {
        out.text += '\n';
    }
    return std::move(out.text);
}

}  // namespace velib::settings
