#pragma once
// Where ports come from: this machine, perhaps recorded, or a recording.

#include "serialbattery/driver/port.hpp"
#include "transport/serial/recorder.hpp"
#include "transport/serial/recording.hpp"

#include <functional>
#include <memory>
#include <string>

namespace bms {

/// Opens a port by its path, or says why not.
using OpenPort = std::function<wire::Expected<std::unique_ptr<Port>, SerialFault>(const std::string& path,
                                                                                  const Line& line)>;

/// The serial ports of this machine, one or `several` at a time. A recorder hears what passes; null: none does.
[[nodiscard]] OpenPort local_ports(const boost::asio::any_io_executor& executor, bool several,
                                   std::shared_ptr<transport::Recorder> recorder = nullptr);

[[nodiscard]] transport::RecordedLine recorded(const Line& line);

using SharedRecording = std::shared_ptr<const transport::Recording>;
/// Reads a recording; throws std::runtime_error, with the line, when it is none.
[[nodiscard]] SharedRecording load_recording(const std::string& file);

enum class Pace : std::uint8_t {
    real,   ///< as it was
    quick,  ///< without waiting
};
/// The ports of a recording, each once. `ended` hears when the last of them has been used up.
[[nodiscard]] OpenPort recorded_ports(
    const boost::asio::any_io_executor& executor, SharedRecording recording, Pace pace,
    std::function<void()> ended = [] {});

}  // namespace bms
