#include "view.hpp"

#include "utf8.hpp"
#include "velib/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace velib::cli {
namespace {

enum class Style : std::uint8_t { plain, dim, service, invalid, changed, attention };

// SGR parameters, in the order of Style.
constexpr std::array<std::string_view, 6> kSgr{"", "2", "1;36", "2", "1;33", "1;31"};

// Appends text to a line, cut and padded to columns.
class LineBuilder {
  public:
    LineBuilder(bool color, bool unicode) : color_(color), unicode_(unicode) {}

    LineBuilder& cell(std::string_view text, std::size_t columns, Style style, bool right = false) {
        const auto shown = for_terminal(text, columns, unicode_);
        const auto blanks = columns - std::min(columns, display_width(shown));
        line_.append(right ? blanks : 0, ' ');
        paint(shown, style);
        line_.append(right ? 0 : blanks, ' ');
        return *this;
    }

    LineBuilder& text(std::string_view text, Style style) { return cell(text, display_width(text), style); }
    LineBuilder& gap(std::size_t columns) {
        line_.append(columns, ' ');
        return *this;
    }

    [[nodiscard]] std::string take() { return std::move(line_); }

  private:
    void paint(const std::string& shown, Style style) {
        const auto sgr = kSgr[static_cast<std::size_t>(style)];
        if (!color_ || sgr.empty() || shown.empty()) {
            line_ += shown;
        } else {
            fmt::format_to(std::back_inserter(line_), "\x1b[{}m{}\x1b[0m", sgr, shown);
        }
    }

    std::string line_;
    bool color_;
    bool unicode_;
};

struct Row {
    const MonitoredService* service = nullptr;
    std::string_view path;                // empty: the service's own line
    const MonitoredItem* item = nullptr;  // absent with a path: a note in its place
    std::size_t hidden = 0;               // history items that the note stands for
};

constexpr std::string_view kHistory = "/History/";

std::vector<Row> rows_of(const Services& services, bool history) {
    std::vector<Row> rows;
    for (const auto& [name, service] : services) {
        if (!rows.empty()) {
            rows.push_back({});
        }
        rows.push_back({&service});
        std::size_t hidden = 0;
        for (const auto& [path, item] : service.items) {
            if (!history && path.starts_with(kHistory)) {
                ++hidden;
            } else {
                rows.push_back({&service, path, &item});
            }
        }
        if (hidden > 0) {
            rows.push_back({&service, kHistory, nullptr, hidden});
        }
    }
    return rows;
}

// Widths of the three cells of an item and of one column of them.
struct Widths {
    std::size_t path = 0;
    std::size_t value = 0;
    std::size_t text = 0;

    static constexpr std::size_t kGap = 2;
    [[nodiscard]] std::size_t total() const { return kGap + path + kGap + value + kGap + text; }
};

constexpr std::size_t kColumnGap = 3;

// What the longest content needs.
Widths natural_widths(const std::vector<Row>& rows) {
    Widths widths{8, 5, 4};
    for (const auto& row : rows) {
        if (row.item != nullptr) {
            widths.path = std::max(widths.path, display_width(row.path));
            widths.value = std::max(widths.value, display_width(shown_value(row.item->value, true)));
            widths.text = std::max(widths.text, display_width(row.item->text));
        }
    }
    return widths;
}

// Without the room that a few long values would take from all others, and fitted to the screen.
Widths usual_widths(const Widths& natural, std::size_t width) {
    Widths widths{std::min<std::size_t>(natural.path, 44), std::min<std::size_t>(natural.value, 20),
                  std::min<std::size_t>(natural.text, 22)};
    const auto shrink = [&](std::size_t& part, std::size_t least) {
        const auto excess = widths.total() - std::min(widths.total(), width);
        part -= std::min(part - std::min(part, least), excess);
    };
    // A narrow screen loses the text first, then values, then the ends of paths.
    shrink(widths.text, 6);
    shrink(widths.value, 8);
    shrink(widths.path, 8);
    shrink(widths.text, 0);
    shrink(widths.value, 0);
    return widths;
}

// The room of a wide column goes to what was cut; the rest stays blank on the right.
Widths widened(Widths widths, const Widths& natural, std::size_t width) {
    const auto grow = [&](std::size_t& part, std::size_t wanted) {
        const auto room = width - std::min(widths.total(), width);
        part += std::min(wanted - std::min(part, wanted), room);
    };
    grow(widths.path, natural.path);
    grow(widths.value, natural.value);
    grow(widths.text, natural.text);
    widths.text += width - std::min(widths.total(), width);
    return widths;
}

bool needs_attention(std::string_view path, const Value& value) {
    return value.real().value_or(0) != 0 && (path.starts_with("/Alarms/") || path == "/ErrorCode");
}

// How much of a path is as in the path before: that part is shown faintly.
std::size_t common_parents(std::string_view path, std::string_view before) {
    std::size_t common = 0;
    for (std::size_t i = 0; i < std::min(path.size(), before.size()) && path[i] == before[i]; ++i) {
        if (path[i] == '/') {
            common = i + 1;
        }
    }
    return common > 1 ? common : 0;
}

class Renderer {
  public:
    Renderer(const Changes& changes, const ViewStyle& style, Widths widths)
        : changes_(changes), style_(style), widths_(widths) {}

    [[nodiscard]] std::string line(const Row& row, std::string_view path_before, std::size_t width) const {
        auto builder = LineBuilder(style_.color, style_.unicode);
        if (row.service == nullptr) {
            builder.gap(width);
        } else if (row.path.empty()) {
            service_line(builder, *row.service, width);
        } else if (row.item == nullptr) {
            builder.gap(Widths::kGap)
                .cell(fmt::format("{}... {} items", row.path, row.hidden),
                      width - std::min(width, Widths::kGap), Style::dim);
        } else {
            item_line(builder, row, path_before);
        }
        return builder.take();
    }

  private:
    void service_line(LineBuilder& builder, const MonitoredService& service, std::size_t width) const {
        const auto name_width = std::min(display_width(service.name), width);
        builder.cell(service.name, name_width, Style::service);
        const auto about = about_service(service);
        const auto rest = width - name_width;
        if (rest > Widths::kGap) {
            builder.gap(Widths::kGap).cell(about, rest - Widths::kGap, Style::dim);
        } else {
            builder.gap(rest);
        }
    }

    [[nodiscard]] std::string about_service(const MonitoredService& service) const {
        std::vector<std::string> parts;
        const auto custom = to_text(service.value("/CustomName"), format::plain);
        const auto product = service.value("/ProductName");
        if (service.value("/CustomName").valid() && !custom.empty()) {
            parts.push_back(custom);
        } else if (product.valid()) {
            parts.push_back(to_text(product));
        }
        if (const auto instance = service.value("/DeviceInstance").integer()) {
            parts.push_back(fmt::format("instance {}", *instance));
        }
        if (const auto connected = service.value("/Connected").integer()) {
            parts.emplace_back(*connected != 0 ? "connected" : "not connected");
        }
        return fmt::format("{}", fmt::join(parts, style_.unicode ? " · " : ", "));
    }

    void item_line(LineBuilder& builder, const Row& row, std::string_view path_before) const {
        const auto& value = row.item->value;
        const bool changed = changes_.recent(row.service->name, row.path);
        const Style style = needs_attention(row.path, value) ? Style::attention
                            : changed                        ? Style::changed
                            : !value.valid()                 ? Style::invalid
                                                             : Style::plain;
        const auto common = std::min(common_parents(row.path, path_before), widths_.path);
        const auto value_text = shown_value(value, style_.unicode);
        // A text that only repeats the value steps back.
        const Style text_style = style == Style::plain && value_text == row.item->text ? Style::dim : style;
        builder.text(changed && !style_.color ? "* " : "  ", Style::plain)
            .cell(row.path.substr(0, common), common, Style::dim)
            .cell(row.path.substr(common), widths_.path - common, Style::plain)
            .gap(Widths::kGap)
            .cell(value_text, widths_.value, style, value.real().has_value())
            .gap(Widths::kGap)
            .cell(row.item->text, widths_.text, text_style);
    }

    const Changes& changes_;
    const ViewStyle& style_;
    Widths widths_;
};

std::string heading(const Services& services, const ViewStyle& style) {
    std::size_t items = 0;
    for (const auto& [name, service] : services) {
        items += service.items.size();
    }
    const auto text = services.empty() ? std::string("waiting for services")
                                       : fmt::format("{} {}, {} {}", services.size(),
                                                     services.size() == 1 ? "service" : "services", items,
                                                     items == 1 ? "item" : "items");
    return LineBuilder(style.color, style.unicode)
        .text(for_terminal(text, style.width, style.unicode), Style::dim)
        .take();
}

// How the rows are laid out on a screen.
struct Layout {
    std::size_t height = 0;
    std::size_t columns = 1;
    std::size_t column_width = 0;
};

Layout layout_of(std::size_t rows, const Widths& widths, std::size_t width, std::size_t height) {
    if (rows <= height) {
        return {height, 1, width};
    }
    auto columns = std::max<std::size_t>(1, (width + kColumnGap) / (widths.total() + kColumnGap));
    columns = std::min(columns, (rows + height - 1) / height);
    return {height, columns, (width - kColumnGap * (columns - 1)) / columns};
}

// Fills the columns from top to bottom, beginning with row `first`.
std::vector<std::string> fill(const std::vector<Row>& rows, const Renderer& renderer, std::size_t first,
                              const Layout& layout) {
    std::vector<std::string> lines(std::min(layout.height, rows.size() - std::min(first, rows.size())));
    for (std::size_t i = first; i < rows.size() && i - first < layout.height * layout.columns; ++i) {
        const auto place = i - first;
        // At the top of a column the whole path is shown plainly.
        const auto before = place % layout.height == 0 ? std::string_view() : rows[i - 1].path;
        auto& line = lines[place % layout.height];
        line.append(place < layout.height ? 0 : kColumnGap, ' ');
        line += renderer.line(rows[i], before, layout.column_width);
    }
    for (auto& line : lines) {
        line.erase(line.find_last_not_of(' ') + 1);
    }
    return lines;
}

}  // namespace

void Changes::note(std::string_view service, std::string_view path, Clock::time_point now) {
    auto place = times_.find(service);
    if (place == times_.end()) {
        place = times_.emplace(service, std::map<std::string, Clock::time_point, std::less<>>()).first;
    }
    place->second.insert_or_assign(std::string(path), now);
}

void Changes::forget(std::string_view service) {
    if (const auto place = times_.find(service); place != times_.end()) {
        times_.erase(place);
    }
}

void Changes::expire(Clock::time_point now) {
    for (auto& [service, paths] : times_) {
        std::erase_if(paths, [&](const auto& entry) { return entry.second + kHighlight <= now; });
    }
}

bool Changes::recent(std::string_view service, std::string_view path) const {
    const auto place = times_.find(service);
    return place != times_.end() && place->second.contains(path);
}

std::optional<Clock::time_point> Changes::next_expiry() const {
    std::optional<Clock::time_point> next;
    for (const auto& [service, paths] : times_) {
        for (const auto& [path, time] : paths) {
            next = std::min(next.value_or(Clock::time_point::max()), time + kHighlight);
        }
    }
    return next;
}

std::string shown_value(const Value& value, bool unicode) {
    if (!value.valid()) {
        return unicode ? "—" : "--";
    }
    return to_text(value);
}

std::string plain_line(std::string_view service, std::string_view path, const MonitoredItem& item) {
    constexpr std::size_t kEndless = 100000;
    const auto clean = [](std::string_view text) { return for_terminal(text, kEndless, true); };
    return fmt::format("{} {:<32} {:<14} {}", service, path, clean(shown_value(item.value, false)),
                       clean(item.text));
}

Screen render(const Services& services, const Changes& changes, const ViewStyle& style) {
    const auto rows = rows_of(services, style.history);
    const auto natural = natural_widths(rows);
    const auto usual = usual_widths(natural, style.width);
    Screen screen;
    for (const auto& line : style.title) {
        screen.lines.push_back(for_terminal(line, style.width, style.unicode));
    }
    screen.lines.push_back(heading(services, style));

    // One row is for the hint at the bottom.
    const auto used = screen.lines.size() + 1;
    const bool endless = style.height == 0;
    const auto height =
        endless ? std::max<std::size_t>(rows.size(), 1) : std::max(style.height, used + 1) - used;
    const auto layout = layout_of(rows.size(), usual, style.width, height);
    const Renderer renderer(changes, style, widened(usual, natural, layout.column_width));
    const auto room = layout.height * layout.columns;
    screen.most_scroll = rows.size() > room ? rows.size() - room : 0;
    const auto first = std::min(style.scroll, screen.most_scroll);
    const auto lines = fill(rows, renderer, first, layout);
    screen.lines.insert(screen.lines.end(), lines.begin(), lines.end());
    if (endless) {
        return screen;
    }
    const auto more = screen.most_scroll - first;
    const auto hint =
        fmt::format("{}q quit  h history{}", more > 0 ? fmt::format("{} more below  ", more) : "",
                    screen.most_scroll > 0 ? "  arrows and page keys scroll" : "");
    screen.lines.push_back(LineBuilder(style.color, style.unicode)
                               .text(for_terminal(hint, style.width, style.unicode), Style::dim)
                               .take());
    screen.lines.resize(std::min(screen.lines.size(), style.height));
    return screen;
}

}  // namespace velib::cli
