#pragma once
// What the driver remembers of one controller, kept on the disk.

#include "common/state_file.hpp"
#include "tsmppt/control/state.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace tristar {

class Logbook {
  public:
    /// Opens the book of the controller called `name` and reads what was written last; `label` begins log lines.
    Logbook(const std::filesystem::path& folder, const std::string& name, std::string label);

    [[nodiscard]] State& state() { return state_; }
    /// Whether days are known: false until a first reading with the clock set.
    [[nodiscard]] bool has_history() const { return has_history_; }
    [[nodiscard]] const History& history() const { return state_.history; }

    /// Books a reading and writes the book when that is due: at once for what should not be lost, every five minutes
    /// while the controller charges, every hour otherwise.
    void book(const Charger& charger, const Moment& now);
    /// Turns the page at midnight also when nothing can be read.
    void roll(const Moment& now);
    void book_array_maximum(std::optional<double> volts);

    /// Writes the book. A failure is logged once; the driver goes on.
    void save();

  private:
    common::StateFile file_;
    std::string label_;
    State state_;
    bool has_history_ = false;
    bool failed_ = false;
    std::chrono::steady_clock::time_point saved_{};
};

}  // namespace tristar
