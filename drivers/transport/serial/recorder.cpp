#include "transport/serial/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace transport {

Recorder::Recorder(const std::string& file, std::function<void(const std::string&)> stopped)
    : Recorder(std::move(stopped)) {
    begin(file, {});
}

void Recorder::begin(const std::string& file, const Limits& limits) {
    name_ = file;
    limits_ = limits;
    start_file();
}

void Recorder::end() {
    file_.reset();
}

void Recorder::start_file() {
    file_.reset();
    if (limits_.older_files) {
        put_aside();
    }
    constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
    const int file = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerOnly);
    if (file < 0) {
        throw std::system_error(errno, std::generic_category(), name_);
    }
    struct stat about {};
    if (::fstat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        static_cast<void>(::fchmod(file, kOwnerOnly));  // one that was there before
    }
    file_.reset(::fdopen(file, "w"));
    if (!file_) {
        const int why = errno;
        ::close(file);
        throw std::system_error(why, std::generic_category(), name_);
    }
    begin_ = std::chrono::steady_clock::now();
    written_ = 0;
    write(std::string(kRecordingHead));
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        const auto number = static_cast<unsigned>(i) + 1;
        write(recorded_open(now(), number, ports_[i].path));
        if (!ports_[i].open) {
            write(recorded_close(now(), number));
        } else if (ports_[i].line) {
            write(recorded_line(now(), number, *ports_[i].line));
        }
    }
}

/// FILE.1 becomes FILE.2, FILE becomes FILE.1; the oldest goes.
void Recorder::put_aside() const {
    const auto older = [this](unsigned i) { return i == 0 ? name_ : name_ + "." + std::to_string(i); };
    std::error_code ignored;
    for (unsigned i = *limits_.older_files; i > 0; --i) {
        std::filesystem::rename(older(i - 1), older(i), ignored);
    }
}

/// What `text` makes of this moment, in the file that has room for it.
template <class Text>
void Recorder::put(const Text& text) {
    if (!file_) {
        return;
    }
    std::string event = text();
    if (written_ + event.size() > limits_.file_bytes) {
        if (!limits_.older_files) {
            stop("the recording has its largest size");
            return;
        }
        try {
            start_file();
        } catch (const std::system_error& error) {
            stop(error.code().message());
            return;
        }
        event = text();
    }
    write(event);
}

unsigned Recorder::opened(const std::string& path) {
    const auto at = std::ranges::find(ports_, path, &Known::path);
    const auto port = static_cast<unsigned>(at - ports_.begin()) + 1;
    if (at == ports_.end()) {
        ports_.push_back({path});
    }
    put([&] { return recorded_open(now(), port, path); });
    ports_[port - 1] = {path, true, {}};
    return port;
}

void Recorder::line(unsigned port, const RecordedLine& line) {
    put([&] { return recorded_line(now(), port, line); });
    ports_[port - 1].line = line;
}

void Recorder::sent(unsigned port, wire::Bytes bytes) {
    put([&] { return recorded_bytes(now(), port, true, bytes); });
}

void Recorder::received(unsigned port, wire::Bytes bytes) {
    put([&] { return recorded_bytes(now(), port, false, bytes); });
}

void Recorder::closed(unsigned port) {
    put([&] { return recorded_close(now(), port); });
    ports_[port - 1].open = false;
}

std::chrono::microseconds Recorder::now() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin_);
}

/// Each event is handed to the system at once: what led to a crash is in the file.
void Recorder::write(const std::string& text) {
    if (!file_) {
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
