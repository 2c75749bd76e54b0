#pragma once
// The terminal under the live view: its size and abilities, its alternate screen, its keys.

#include <termios.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace velib::cli {

enum class Key { none, quit, history, up, down, page_up, page_down, top, bottom };

/// The keys in what a terminal has sent.
[[nodiscard]] std::vector<Key> keys_in(std::string_view sent);

/// Shows whole screens in place. Gives the terminal back as it was when left or destroyed.
class Terminal {
  public:
    Terminal() = default;
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() { leave(); }

    /// Whether stdout is a terminal that can be drawn on.
    [[nodiscard]] static bool usable();
    /// Whether the user's locale is UTF-8, and whether colours are wanted (NO_COLOR).
    [[nodiscard]] static bool unicode();
    [[nodiscard]] static bool color();

    struct Size {
        std::size_t columns = 80;
        std::size_t rows = 24;
    };
    [[nodiscard]] static Size size();

    /// Takes the terminal over: alternate screen, no cursor; keys come one by one if stdin is that terminal
    /// and we are in its foreground.
    void enter();
    void leave();
    [[nodiscard]] bool entered() const { return entered_; }
    [[nodiscard]] bool reads_keys() const { return keys_; }

    static void draw(const std::vector<std::string>& lines);

  private:
    bool entered_ = false;
    bool keys_ = false;
    termios before_{};
};

}  // namespace velib::cli
