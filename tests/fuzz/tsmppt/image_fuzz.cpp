// Any words at all, in a few runs: count, address, words, and so on.

#include "tsmppt/decode.hpp"
#include "tsmppt/venus.hpp"
#include "wire/bytes.hpp"

#include <cmath>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    wire::Cursor cursor{{data, size}};
    tristar::Image image;
    while (cursor.ok() && cursor.remaining() > 3) {
        const auto count = cursor.u8();
        const auto address = cursor.be16();
        std::vector<std::uint16_t> words;
        for (unsigned i = 0; i < count && cursor.ok(); ++i) {
            words.push_back(cursor.be16());
        }
        image.add(address, std::move(words));
    }
    const auto charger = tristar::decode_charger(image);
    if (charger) {
        const auto points = tristar::decode_set_points(image, *charger->volts_per_unit);
        static_cast<void>(tristar::system_volts_of(*charger, points));
        const auto values = tristar::to_venus(*charger);
        if ((values.dc_amps && !(*values.dc_amps >= 0))
            || (values.pv_amps && !std::isfinite(*values.pv_amps))) {
            std::abort();
        }
    }
    static_cast<void>(tristar::to_json(image).dump());
    return 0;
}
