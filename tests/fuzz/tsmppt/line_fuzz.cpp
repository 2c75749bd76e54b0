#include "tsmppt/decode.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line{data, data + size};
    static_cast<void>(
        tristar::decode_line(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
}
