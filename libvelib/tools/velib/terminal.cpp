#include "terminal.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>
#include <utility>

namespace velib::cli {
namespace {

constexpr std::string_view kEnter =
    "\x1b[?1049h\x1b[?25l\x1b[?7l";  // alternate screen, no cursor, no wrapping
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

// A terminal that is gone needs no drawing.
void put(std::string_view text) {
    while (!text.empty()) {
        const auto written = write(STDOUT_FILENO, text.data(), text.size());
        if (written <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

constexpr std::array<std::pair<std::string_view, Key>, 16> kKeys{{{"\x1b[A", Key::up},
                                                                  {"\x1b[B", Key::down},
                                                                  {"\x1bOA", Key::up},
                                                                  {"\x1bOB", Key::down},
                                                                  {"\x1b[5~", Key::page_up},
                                                                  {"\x1b[6~", Key::page_down},
                                                                  {"\x1b[H", Key::top},
                                                                  {"\x1b[F", Key::bottom},
                                                                  {"\x1b[1~", Key::top},
                                                                  {"\x1b[4~", Key::bottom},
                                                                  {"k", Key::up},
                                                                  {"j", Key::down},
                                                                  {" ", Key::page_down},
                                                                  {"q", Key::quit},
                                                                  {"Q", Key::quit},
                                                                  {"h", Key::history}}};

}  // namespace

std::vector<Key> keys_in(std::string_view sent) {
    std::vector<Key> keys;
    while (!sent.empty()) {
        const auto row =
            std::ranges::find_if(kKeys, [&](const auto& key) { return sent.starts_with(key.first); });
        if (row != kKeys.end()) {
            keys.push_back(row->second);
        }
        sent.remove_prefix(row != kKeys.end() ? row->first.size() : 1);
    }
    return keys;
}

bool Terminal::usable() {
    const auto kind = environment("TERM");
    return isatty(STDOUT_FILENO) != 0 && !kind.empty() && kind != "dumb";
}

bool Terminal::unicode() {
    std::setlocale(LC_CTYPE, "");
    return std::string_view(nl_langinfo(CODESET)) == "UTF-8";
}

bool Terminal::color() {
    return environment("NO_COLOR").empty();
}

Terminal::Size Terminal::size() {
    winsize reported{};
    Size size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &reported) == 0 && reported.ws_col > 0 && reported.ws_row > 0) {
        size = {reported.ws_col, reported.ws_row};
    }
    constexpr std::size_t kNarrowest = 20;
    constexpr std::size_t kLowest = 4;
    return {std::max(size.columns, kNarrowest), std::max(size.rows, kLowest)};
}

void Terminal::enter() {
    if (entered_) {
        return;
    }
    entered_ = true;
    // In the background a change of the terminal's mode would stop us.
    keys_ = isatty(STDIN_FILENO) != 0 && tcgetpgrp(STDIN_FILENO) == getpgrp()
            && tcgetattr(STDIN_FILENO, &before_) == 0;
    if (keys_) {
        auto raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    put(kEnter);
}

void Terminal::leave() {
    if (!entered_) {
        return;
    }
    entered_ = false;
    put(kLeave);
    if (keys_) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        keys_ = false;
    }
}

void Terminal::draw(const std::vector<std::string>& lines) {
    std::string screen = "\x1b[?2026h\x1b[H";  // all at once, where the terminal can do that
    for (std::size_t i = 0; i < lines.size(); ++i) {
        screen += i > 0 ? "\r\n" : "";
        screen += lines[i];
        screen += "\x1b[K";
    }
    screen += "\x1b[J\x1b[?2026l";
    put(screen);
}

}  // namespace velib::cli
