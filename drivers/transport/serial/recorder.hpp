#pragma once
// Writes what passes over serial ports to a file (recording.hpp) while they are used.

#include "transport/serial/recording.hpp"

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace transport {

class Recorder {
  public:
    /// Begins the file anew; throws std::system_error when that fails. `stopped` hears why nothing is written any
    /// more: the disk is full, or the file has reached the largest size a recording may have.
    Recorder(const std::string& file, std::function<void(const std::string&)> stopped);

    /// A port of this path has been opened: its number, for what happens to it from then on.
    [[nodiscard]] unsigned opened(const std::string& path);
    void line(unsigned port, const RecordedLine& line) { put(recorded_line(now(), port, line)); }
    void sent(unsigned port, wire::Bytes bytes) { put(recorded_bytes(now(), port, true, bytes)); }
    void received(unsigned port, wire::Bytes bytes) { put(recorded_bytes(now(), port, false, bytes)); }
    void closed(unsigned port) { put(recorded_close(now(), port)); }

  private:
    [[nodiscard]] std::chrono::microseconds now() const;
    void put(const std::string& text);
    void stop(const std::string& why);

    struct Closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string name_;
    std::function<void(const std::string&)> stopped_;
    std::unique_ptr<std::FILE, Closer> file_;
    std::vector<std::string> ports_;  ///< in the order of their first opening
    std::size_t written_ = 0;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace transport
