// The first three bytes choose the question and how the rest, the answers, is cut into pieces.

#include "transport/modbus/frame.hpp"

#include <algorithm>
#include <cstdlib>

using namespace transport::modbus;

namespace {

Request question(std::uint8_t kind, std::uint8_t size) {
    const auto count = static_cast<std::uint16_t>(size);
    switch (kind % 9) {
        case 0:
            return read_coils(1, 0, count);
        case 1:
            return read_discrete_inputs(1, 0, count);
        case 2:
            return read_holding_registers(1, 0, count);
        case 3:
            return read_input_registers(1, 0, count);
        case 4:
            return write_coil(1, 0, size != 0);
        case 5:
            return write_register(1, 0, count);
        case 6:
            return write_coils(1, 0, std::vector<bool>(count, true));
        case 7:
            return write_registers(1, 0, std::vector<std::uint16_t>(count, 7));
        default:
            return read_identification(1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) {
        return 0;
    }
    const auto request = question(data[0], data[1]);
    const std::size_t piece = std::max<std::size_t>(data[2], 1);
    const wire::Bytes answers{data + 3, size - 3};
    FrameReader reader;
    for (std::size_t at = 0; at < answers.size(); at += piece) {
        reader.feed(answers.subspan(at, std::min(piece, answers.size() - at)));
        for (auto frame = reader.next(); frame && frame->has_value(); frame = reader.next()) {
            const auto response = decode(request, **frame);
            if (response && response->registers.size() > 125) {
                std::abort();
            }
        }
    }
    return 0;
}
