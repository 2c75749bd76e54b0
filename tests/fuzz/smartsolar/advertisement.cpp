// Advertisements of any shape, with the key that fits and without one.
#include "smartsolar/protocol/advertisement.hpp"

#include "smartsolar/protocol/records.hpp"

#include <cmath>
#include <cstdlib>

using namespace smartsolar;

namespace {

void check_plausible(const Reading& reading, std::uint16_t type) {
    for (const auto& field : find_layout(type)->fields) {
        if (const auto* quantity = std::get_if<Quantity Reading::*>(&field.into)) {
            if ((reading.*(*quantity)) && !std::isfinite(*(reading.*(*quantity)))) {
                std::abort();
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const wire::Bytes bytes(data, size);
    (void)decode_readout(bytes, nullptr);
    Key key{};
    if (const auto header = parse_header(bytes)) {
        key[0] = header->key_check;
        if (header->payload.size() > kMaxPayload) {
            std::abort();
        }
    }
    if (const auto readout = decode_readout(bytes, &key)) {
        check_plausible(readout->reading, readout->record_type);
    }
    (void)advertised_product(bytes);
    const auto structures = parse_ad(bytes);
    (void)decode_readout(structures.manufacturer_data, &key);
    // Every record type on the same payload: short ones must lose fields, not read past the end.
    for (const auto& layout : record_layouts()) {
        check_plausible(*decode_record(layout.type, bytes), layout.type);
    }
    return 0;
}
