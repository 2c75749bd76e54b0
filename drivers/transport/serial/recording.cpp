#include "transport/serial/recording.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>

namespace transport {
namespace {

using Kind = RecordedEvent::Kind;
using std::chrono::microseconds;
namespace limits = recording_limits;

constexpr std::array<std::string_view, 5> kKinds{"open", "line", "sent", "received", "close"};
constexpr std::int64_t kMicroseconds = 1'000'000;
constexpr std::size_t kDecimals = 6;
constexpr std::uint32_t kHighestBaud = 4'000'000;

template <class T>
std::optional<T> whole_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool digits = !text.empty() && text.front() != '-';
    return digits && error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                              : std::nullopt;
}

/// The text before the next space; it and the space are taken off.
std::string_view next_word(std::string_view& text) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

std::optional<microseconds> recorded_time(std::string_view text) {
    const auto point = text.find('.');
    if (point == std::string_view::npos || text.size() - point - 1 != kDecimals) {
        return std::nullopt;
    }
    const auto seconds = whole_number<std::uint32_t>(text.substr(0, point));
    const auto rest = whole_number<std::uint32_t>(text.substr(point + 1));
    if (!seconds || !rest) {
        return std::nullopt;
    }
    const microseconds time{*seconds * kMicroseconds + *rest};
    return time <= limits::kLength ? std::optional(time) : std::nullopt;
}

class RecordingParser {
  public:
    wire::Expected<Recording, RecordingFault> run(std::string_view text) {
        if (!text.starts_with(kRecordingHead)) {
            return wire::Unexpected{RecordingFault{1, "this is no recording, or one of another version"}};
        }
        if (text.size() > limits::kFileBytes) {
            return wire::Unexpected{RecordingFault{1, "the recording is too large"}};
        }
        std::size_t number = 1;
        text.remove_prefix(kRecordingHead.size());
        for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
            ++number;
            if (const auto what = take(text.substr(0, end)); !what.empty()) {
                return wire::Unexpected{RecordingFault{number, what}};
            }
            text.remove_prefix(end + 1);
        }
        return std::move(recording_);
    }

  private:
    /// What is wrong with a line; empty when nothing is.
    std::string_view take(std::string_view line) {
        const auto time = recorded_time(next_word(line));
        const auto port = whole_number<unsigned>(next_word(line));
        const auto kind = std::ranges::find(kKinds, next_word(line));
        if (!time) {
            return "no time of a recording";
        }
        if (*time < last_) {
            return "time runs backwards";
        }
        if (kind == kKinds.end()) {
            return "nothing that happens to a port";
        }
        if (recording_.events.size() >= limits::kEvents) {
            return "too many events";
        }
        last_ = *time;
        RecordedEvent event{.at = *time, .port = port.value_or(0)};
        event.kind = static_cast<Kind>(kind - kKinds.begin());
        const bool known = event.port >= 1 && event.port <= recording_.ports.size();
        if (event.kind == Kind::open) {
            if (const auto what = take_open(event.port, line); !what.empty()) {
                return what;
            }
        } else if (!known) {
            return "a port that was never opened";
        } else if (const auto what = take_rest(event, line); !what.empty()) {
            return what;
        }
        recording_.events.push_back(event);
        return {};
    }

    std::string_view take_open(unsigned port, std::string_view path) {
        auto& ports = recording_.ports;
        if (port == 0 || port > ports.size() + 1 || port > limits::kPorts) {
            return "no number of a port";
        }
        if (path.empty() || path.size() > limits::kPathLength) {
            return "no name of a port";
        }
        if (port == ports.size() + 1) {
            ports.emplace_back(path);
        }
        return ports[port - 1] == path ? "" : "a port with another name than before";
    }

    std::string_view take_rest(RecordedEvent& event, std::string_view rest) {
        if (event.kind == Kind::close) {
            return rest.empty() ? "" : "more than a line can hold";
        }
        if (event.kind == Kind::line) {
            const auto baud = whole_number<std::uint32_t>(next_word(rest));
            if (!baud || *baud == 0 || *baud > kHighestBaud) {
                return "no baud rate";
            }
            if (rest != "none" && rest != "even") {
                return "no parity";
            }
            event.line = {*baud, rest == "even"};
            return "";
        }
        const auto bytes = rest.size() <= 2 * limits::kBytesAtOnce ? wire::from_hex(rest) : std::nullopt;
        if (!bytes || bytes->empty()) {
            return "no bytes";
        }
        event.offset = recording_.bytes.size();
        event.length = bytes->size();
        wire::put(recording_.bytes, *bytes);
        return "";
    }

    Recording recording_;
    microseconds last_{};
};

std::string beginning(microseconds at, unsigned port, Kind kind) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%lld.%06lld %u %s",
                  static_cast<long long>(at.count() / kMicroseconds),
                  static_cast<long long>(at.count() % kMicroseconds), port,
                  kKinds[static_cast<std::size_t>(kind)].data());
    return text.data();
}

}  // namespace

wire::Expected<Recording, RecordingFault> parse_recording(std::string_view text) {
    return RecordingParser().run(text);
}

std::string recorded_open(microseconds at, unsigned port, std::string_view path) {
    return beginning(at, port, Kind::open) + " " + std::string(path) + "\n";
}

std::string recorded_line(microseconds at, unsigned port, const RecordedLine& line) {
    return beginning(at, port, Kind::line) + " " + std::to_string(line.baud)
           + (line.even_parity ? " even\n" : " none\n");
}

std::string recorded_bytes(microseconds at, unsigned port, bool sent, wire::Bytes bytes) {
    std::string text;
    while (!bytes.empty()) {
        const auto count = std::min(bytes.size(), limits::kBytesAtOnce);
        text += beginning(at, port, sent ? Kind::sent : Kind::received) + " "
                + wire::to_hex(bytes.first(count)) + "\n";
        bytes = bytes.subspan(count);
    }
    return text;
}

std::string recorded_close(microseconds at, unsigned port) {
    return beginning(at, port, Kind::close) + "\n";
}

std::string to_text(const Recording& recording) {
    std::string text(kRecordingHead);
    for (const auto& event : recording.events) {
        switch (event.kind) {
            case Kind::open:
                text += recorded_open(event.at, event.port, recording.ports.at(event.port - 1));
                break;
            case Kind::line:
                text += recorded_line(event.at, event.port, event.line);
                break;
            case Kind::sent:
            case Kind::received:
                text +=
                    recorded_bytes(event.at, event.port, event.kind == Kind::sent, recording.bytes_of(event));
                break;
            case Kind::close:
                text += recorded_close(event.at, event.port);
                break;
        }
    }
    return text;
}

}  // namespace transport
