#include "transport/serial/recorder.hpp"

#include <algorithm>
#include <cerrno>

namespace transport {

Recorder::Recorder(const std::string& file, std::function<void(const std::string&)> stopped)
    : name_(file), stopped_(std::move(stopped)), file_(std::fopen(file.c_str(), "we")) {
    if (!file_) {
        throw std::system_error(errno, std::generic_category(), file);
    }
    put(std::string(kRecordingHead));
}

unsigned Recorder::opened(const std::string& path) {
    const auto at = std::ranges::find(ports_, path);
    const auto port = static_cast<unsigned>(at - ports_.begin()) + 1;
    if (at == ports_.end()) {
        ports_.push_back(path);
    }
    put(recorded_open(now(), port, path));
    return port;
}

std::chrono::microseconds Recorder::now() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin_);
}

/// Each event is handed to the system at once: what led to a crash is in the file.
void Recorder::put(const std::string& text) {
    if (!file_) {
        return;
    }
    if (written_ + text.size() > recording_limits::kFileBytes) {
        stop("the recording has its largest size");
        return;
    }
    const bool done =
        std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size() && std::fflush(file_.get()) == 0;
    if (!done) {
        stop(std::generic_category().message(errno));
        return;
    }
    written_ += text.size();
}

void Recorder::stop(const std::string& why) {
    file_.reset();
    stopped_(name_ + ": " + why + "; nothing more is recorded");
}

}  // namespace transport
