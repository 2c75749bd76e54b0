#include "gxmodbus/plan/identify.hpp"

#include <algorithm>

namespace gxmodbus {
namespace {

constexpr std::uint16_t kWideBlock = 120;  // 800..919 is without a hole from server 1.0.96
constexpr std::uint16_t kFiller = 0xffff;

bool is_serial(std::string_view text) {
    return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string text_at(std::uint16_t address, Words words) {
    const auto value = decode(*register_at(address), words);
    const auto* text = value ? std::get_if<std::string>(&*value) : nullptr;
    return text != nullptr ? *text : std::string{};
}

}  // namespace

std::optional<Identification::Question> Identification::next() const {
    switch (step_) {
        case Step::serial:
            return Question{kSystemUnit, kSerialAddress, kSerialCount};
        case Step::firmware:
            return Question{kSystemUnit, kFirmwareAddress, 2};
        case Step::wide_block:
            return Question{kSystemUnit, kSerialAddress, kWideBlock};
        case Step::newest:
            return Question{kSystemUnit, kNewestProbe, 8};
        case Step::done:
        case Step::failed:
            break;
    }
    return std::nullopt;
}

void Identification::take_firmware(const Answer& answer) {
    step_ = Step::done;
    if (!answer.has_data() || answer.words.size() != 2
        || (answer.words[0] == kFiller && answer.words[1] == kFiller)) {
        identity_.generation = Generation::v75;  // what it lacks is learned when it refuses a block
        return;
    }
    identity_.version = answer.words[0];
    identity_.beta = answer.words[1];
    const auto known = recall_ ? recall_(identity_.serial) : std::nullopt;
    if (known && known->version == identity_.version && known->beta == identity_.beta) {
        identity_ = *known;
    } else if (identity_.version >= 0x0370 && identity_.version < 0x0380) {
        identity_.generation = Generation::v94;
    } else if (identity_.version >= 0x0360 && identity_.version < 0x0370) {
        identity_.generation = Generation::v82;
    } else {
        // Newer; or a version older than the servers that tell one, so that it says nothing about the server.
        step_ = Step::wide_block;
    }
}

void Identification::answer(const Answer& answer) {
    if (answer.kind == Answer::Kind::lost || answer.kind == Answer::Kind::timeout) {
        step_ = Step::failed;
        return;
    }
    switch (step_) {
        case Step::serial:
            identity_.serial =
                answer.words.size() == kSerialCount ? text_at(kSerialAddress, answer.words) : "";
            step_ = is_serial(identity_.serial) ? Step::firmware : Step::failed;
            break;
        case Step::firmware:
            take_firmware(answer);
            break;
        case Step::wide_block:
            identity_.generation = answer.has_data()            ? Generation::v96
                                   : identity_.version < 0x0360 ? Generation::v94
                                                                : Generation::v95;
            step_ = answer.has_data() ? Step::newest : Step::done;
            break;
        case Step::newest:
            if (answer.has_data() && answer.words.size() == 8) {
                identity_.generation = Generation::v101;
                identity_.name = text_at(kNewestProbe, answer.words);
            }
            step_ = Step::done;
            break;
        case Step::done:
        case Step::failed:
            break;
    }
}

}  // namespace gxmodbus
