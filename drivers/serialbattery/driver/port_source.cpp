#include "serialbattery/driver/port_source.hpp"

#include "common/state_file.hpp"
#include "serialbattery/driver/replay_port.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace bms {
namespace asio = boost::asio;
namespace {

/// Several ports wake the process up together; a lone one as soon as it can.
constexpr auto kSharedRaster = 10ms;
constexpr auto kOwnRaster = 1ms;

/// Writes down what passes over another port, while anything is recorded.
class RecordedPort final : public Port {
  public:
    RecordedPort(std::unique_ptr<Port> port, std::shared_ptr<transport::Recorder> recorder,
                 const std::string& path, const Line& line)
        : port_(std::move(port)), recorder_(std::move(recorder)), number_(recorder_->opened(path)) {
        recorder_->line(number_, recorded(line));
    }
    RecordedPort(const RecordedPort&) = delete;
    RecordedPort& operator=(const RecordedPort&) = delete;
    ~RecordedPort() override { recorder_->closed(number_); }

    [[nodiscard]] TimePoint now() const override { return port_->now(); }
    [[nodiscard]] std::optional<SerialFault> set_line(const Line& line) override {
        recorder_->line(number_, recorded(line));
        return port_->set_line(line);
    }
    void discard_input() override { port_->discard_input(); }
    [[nodiscard]] asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_some(
        std::span<std::uint8_t> into, TimePoint until) override {
        return recorder_->recording() ? read_and_record(into, until) : port_->read_some(into, until);
    }
    [[nodiscard]] asio::awaitable<std::optional<SerialFault>> write(Bytes bytes) override {
        recorder_->sent(number_, bytes);
        return port_->write(bytes);
    }
    [[nodiscard]] asio::awaitable<void> pause(TimePoint until) override { return port_->pause(until); }
    [[nodiscard]] bool keeps_times() const override { return recorder_->recording(); }

  private:
    asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_and_record(std::span<std::uint8_t> into,
                                                                              TimePoint until) {
        const auto count = co_await port_->read_some(into, until);
        if (count) {
            recorder_->received(number_, into.first(*count));
        }
        co_return count;
    }

    std::unique_ptr<Port> port_;
    std::shared_ptr<transport::Recorder> recorder_;
    unsigned number_;
};

}  // namespace

transport::RecordedLine recorded(const Line& line) {
    return {line.baud, line.parity == Parity::even};
}

OpenPort local_ports(const asio::any_io_executor& executor, bool several,
                     std::shared_ptr<transport::Recorder> recorder) {
    const milliseconds raster = several ? kSharedRaster : kOwnRaster;
    return
        [executor, raster, recorder = std::move(recorder)](
            const std::string& path, const Line& line) -> wire::Expected<std::unique_ptr<Port>, SerialFault> {
            auto local = std::make_unique<LocalPort>(executor, raster);
            if (const auto fault = local->open(path, line)) {
                return wire::Unexpected{*fault};
            }
            std::unique_ptr<Port> port = std::move(local);
            if (recorder) {
                port = std::make_unique<RecordedPort>(std::move(port), recorder, path, line);
            }
            return port;
        };
}

SharedRecording load_recording(const std::string& file) {
    std::error_code ignored;
    const auto text = std::filesystem::is_directory(file, ignored)
                          ? std::nullopt
                          : common::read_file(file, transport::recording_limits::kFileBytes);
    if (!text) {
        throw std::runtime_error(file + ": cannot be read, or is larger than a recording");
    }
    auto recording = transport::parse_recording(*text);
    if (!recording) {
        throw std::runtime_error(file + ", line " + std::to_string(recording.error().line) + ": "
                                 + std::string(recording.error().what));
    }
    if (recording->ports.empty()) {
        throw std::runtime_error(file + ": no port was ever opened");
    }
    return std::make_shared<const transport::Recording>(std::move(*recording));
}

OpenPort recorded_ports(const asio::any_io_executor& executor, SharedRecording recording, Pace pace,
                        std::function<void()> ended) {
    auto opened = std::make_shared<std::set<std::string>>();
    auto open_ones = std::make_shared<std::size_t>(recording->ports.size());
    const auto count_down = [open_ones, ended = std::move(ended)] {
        if (--*open_ones == 0) {
            ended();
        }
    };
    return
        [=](const std::string& path, const Line& line) -> wire::Expected<std::unique_ptr<Port>, SerialFault> {
            const auto at = std::ranges::find(recording->ports, path);
            if (at == recording->ports.end() || !opened->insert(path).second) {
                return wire::Unexpected{SerialFault::missing};
            }
            const auto number = static_cast<unsigned>(at - recording->ports.begin()) + 1;
            auto port = std::make_unique<ReplayPort>(executor, recording, number, pace, count_down);
            static_cast<void>(port->set_line(line));
            return std::unique_ptr<Port>(std::move(port));
        };
}

}  // namespace bms
