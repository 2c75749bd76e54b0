#pragma once
// The first questions to a GX: who are you, and which registers do you have? Tells what to ask next from the answers
// so far, with at most one question the remote logs as an error (docs/protocols/gx-modbus.md, "Which server is it").

#include "gxmodbus/plan/read_plan.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gxmodbus {

/// What came back for a read.
struct Answer {
    enum class Kind : std::uint8_t {
        data,
        exception,
        timeout,
        lost  ///< the connection broke
    };
    Kind kind = Kind::timeout;
    std::uint8_t exception = 0;
    std::vector<std::uint16_t> words;

    [[nodiscard]] bool has_data() const { return kind == Kind::data; }
    [[nodiscard]] bool refused(unsigned code) const { return kind == Kind::exception && exception == code; }
    /// The unit does not have the type (11 from servers 1.0.88 to 1.0.91).
    [[nodiscard]] bool absent() const { return refused(10) || refused(11); }
};

struct Identity {
    std::string serial;         ///< VRM portal id, 12 hexadecimal digits
    std::uint16_t version = 0;  ///< Venus OS version in hexadecimal digits, 0 when the server does not tell
    std::uint16_t beta = 0;
    Generation generation = Generation::v75;
    std::string name;  ///< the name the owner gave the system, empty when unknown

    /// "v3.46~20", empty when unknown.
    [[nodiscard]] std::string firmware() const {
        return version == 0 ? std::string{} : firmware_text(version, beta);
    }
    friend bool operator==(const Identity&, const Identity&) = default;
};

class Identification {
  public:
    struct Question {
        std::uint8_t unit;
        std::uint16_t first;
        std::uint16_t count;
    };
    /// What an earlier identification of the GX with a serial found, if there was one. While the firmware is
    /// the same, the tests of the server's generation are not repeated.
    using Recall = std::function<std::optional<Identity>(const std::string& serial)>;
    explicit Identification(Recall recall = {}) : recall_(std::move(recall)) {}

    /// The next question, nothing when all is known or the GX cannot be identified.
    [[nodiscard]] std::optional<Question> next() const;
    void answer(const Answer& answer);

    [[nodiscard]] bool done() const { return step_ == Step::done; }
    [[nodiscard]] bool failed() const { return step_ == Step::failed; }
    [[nodiscard]] const Identity& identity() const { return identity_; }

  private:
    enum class Step : std::uint8_t { serial, firmware, wide_block, newest, done, failed };
    void take_firmware(const Answer& answer);

    Recall recall_;
    Identity identity_;
    Step step_ = Step::serial;
};

}  // namespace gxmodbus
