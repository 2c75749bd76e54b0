#include "serialbattery/driver/capture.hpp"

#include "serialbattery/driver/battery_settings.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <system_error>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
namespace {

constexpr double kBytesPerMegabyte = 1e6;
const std::string kSwitch = std::string(kInstallationRoot) + "Capture";

transport::Recorder::Limits limits_of(const control::Settings& settings) {
    const auto wanted = static_cast<std::size_t>(settings.capture_max_mb * kBytesPerMegabyte);
    return {.file_bytes = std::min(wanted, transport::recording_limits::kFileBytes),
            .older_files = static_cast<unsigned>(settings.capture_backups)};
}

}  // namespace

Capture::Capture(Host& host, std::shared_ptr<transport::Recorder> recorder, std::string name)
    : host_(host), recorder_(std::move(recorder)), name_(std::move(name)), timer_(host.bus.executor) {}

void Capture::apply() {
    if (!recorder_) {
        return;
    }
    const auto settings = installation_settings(host_.settings, host_.config);
    if (!settings.capture) {
        if (recorder_->recording()) {
            spdlog::info("nothing is recorded any more");
        }
        recorder_->end();
        timer_.cancel();
        done_ = false;
    } else if (!recorder_->recording() && !done_) {
        begin(settings);
    }
}

void Capture::follow() {
    if (recorder_) {
        changes_ =
            host_.settings.subscribe(kSwitch, [this](std::string_view, const velib::Value&) { apply(); });
        apply();
    }
}

void Capture::begin(const control::Settings& settings) {
    const auto folder = host_.state_folder / "recordings";
    const auto file = (folder / (name_ + ".rec")).string();
    done_ = true;  // a disk that is full is not tried again and again
    try {
        std::filesystem::create_directories(folder);
        recorder_->begin(file, limits_of(settings));
    } catch (const std::system_error& error) {
        spdlog::error("nothing is recorded: {}", error.what());
        return;
    }
    spdlog::info("recording every byte to {} for {} minutes", file, settings.capture_minutes);
    timer_.expires_after(std::chrono::milliseconds(std::llround(settings.capture_minutes * 60'000)));
    timer_.async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped) {
            expire();
        }
    });
}

void Capture::expire() {
    recorder_->end();
    spdlog::info("recorded for long enough; nothing is recorded any more");
    if (host_.settings.value(kSwitch).integer().value_or(0) != 0) {
        asio::co_spawn(host_.bus.executor, host_.settings.set(kSwitch, velib::Value(0)), asio::detached);
    }
}

}  // namespace bms
