#pragma once
// Writes what passes over serial ports to a file (recording.hpp) while they are used.

#include "transport/serial/recording.hpp"

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace transport {

class Recorder {
  public:
    struct Limits {
        std::size_t file_bytes = recording_limits::kFileBytes;
        /// A full file is put aside as FILE.1, the one before as FILE.2 and so on, and a new one begun; empty: it ends.
        std::optional<unsigned> older_files = {};
    };

    /// Records nothing until begun. `stopped` hears why nothing is written any more: the disk is full, or the file has
    /// reached its largest size.
    explicit Recorder(std::function<void(const std::string&)> stopped) : stopped_(std::move(stopped)) {}
    /// Begun at once.
    Recorder(const std::string& file, std::function<void(const std::string&)> stopped);

    /// Begins the file anew, after putting aside an older one if those are kept; it holds how the ports that are open are
    /// set. Only its owner may read it. Throws std::system_error when that fails.
    void begin(const std::string& file, const Limits& limits);
    void end();
    [[nodiscard]] bool recording() const { return file_ != nullptr; }

    /// A port of this path has been opened: its number, for what happens to it from then on.
    [[nodiscard]] unsigned opened(const std::string& path);
    void line(unsigned port, const RecordedLine& line);
    void sent(unsigned port, wire::Bytes bytes);
    void received(unsigned port, wire::Bytes bytes);
    void closed(unsigned port);

  private:
    struct Known {
        std::string path;
        bool open = false;
        std::optional<RecordedLine> line = {};
    };
    [[nodiscard]] std::chrono::microseconds now() const;
    void start_file();
    void put_aside() const;
    template <class Text>
    void put(const Text& text);
    void write(const std::string& text);
    void stop(const std::string& why);

    struct Closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string name_;
    Limits limits_;
    std::function<void(const std::string&)> stopped_;
    std::unique_ptr<std::FILE, Closer> file_;
    std::vector<Known> ports_;  ///< in the order of their first opening
    std::size_t written_ = 0;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace transport
