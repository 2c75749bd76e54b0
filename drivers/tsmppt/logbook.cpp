#include "tsmppt/logbook.hpp"

#include "tsmppt/venus.hpp"

#include <spdlog/spdlog.h>

namespace tristar {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kWhileCharging = 5min;
constexpr auto kOtherwise = 60min;

}  // namespace

Logbook::Logbook(const std::filesystem::path& folder, const std::string& name, std::string label)
    : file_(folder / (name + ".json")), label_(std::move(label)), saved_(steady_clock::now()) {
    if (auto state = file_.load(from_text)) {
        state_ = std::move(*state);
        has_history_ = state_.history.day > 0;
        return;
    }
    std::error_code unknown;
    if (std::filesystem::exists(file_.path(), unknown)) {
        spdlog::error("{}: {} cannot be used; the history begins anew, the file is kept as .damaged", label_,
                      file_.path().string());
        std::filesystem::rename(file_.path(), file_.path().string() + ".damaged", unknown);
    }
}

void Logbook::book(const Charger& charger, const Moment& now) {
    if (!is_complete(charger) || !is_clock_set(now)) {
        return;
    }
    bool notable = true;
    if (has_history_) {
        notable = tristar::book(state_.history, charger, now);
    } else {
        state_.history = begin_history(charger, now);
        has_history_ = true;
    }
    const auto interval = is_charging(*charger.charge_state) ? kWhileCharging : kOtherwise;
    if (notable || steady_clock::now() - saved_ >= interval) {
        save();
    }
}

void Logbook::roll(const Moment& now) {
    if (has_history_ && tristar::roll(state_.history, now)) {
        save();
    }
}

void Logbook::book_array_maximum(std::optional<double> volts) {
    if (has_history_) {
        tristar::book_array_maximum(state_.history, volts);
    }
}

void Logbook::save() {
    saved_ = steady_clock::now();
    const auto fault = file_.save(to_text(state_));
    if (fault && !failed_) {
        spdlog::error("{}: {} cannot be written: {}; history will be lost at the next restart", label_,
                      file_.path().string(), fault.message());
    }
    failed_ = static_cast<bool>(fault);
}

}  // namespace tristar
