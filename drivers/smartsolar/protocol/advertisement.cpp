#include "smartsolar/protocol/advertisement.hpp"

#include "smartsolar/protocol/records.hpp"
#include "smartsolar/protocol/text.hpp"

#include <algorithm>
#include <array>

#include <mbedtls/aes.h>

namespace smartsolar {

namespace {

constexpr std::size_t kHeaderSize = 8;
constexpr std::size_t kProductOnlySize = 4;
constexpr std::uint8_t kExtendedType = 0xFF;

// AD types of the Bluetooth assigned numbers.
constexpr std::uint8_t kAdFlags = 0x01;
constexpr std::uint8_t kAdShortName = 0x08;
constexpr std::uint8_t kAdCompleteName = 0x09;
constexpr std::uint8_t kAdManufacturer = 0xFF;

}  // namespace

std::string_view name(ReadoutFault fault) {
    switch (fault) {
        case ReadoutFault::too_short:
            return "too_short";
        case ReadoutFault::not_instant_readout:
            return "not_instant_readout";
        case ReadoutFault::no_record:
            return "no_record";
        case ReadoutFault::empty_payload:
            return "empty_payload";
        case ReadoutFault::too_long:
            return "too_long";
        case ReadoutFault::no_key:
            return "no_key";
        case ReadoutFault::key_mismatch:
            return "key_mismatch";
        case ReadoutFault::unknown_record_type:
            return "unknown_record_type";
    }
    return "unknown";
}

wire::Expected<ReadoutHeader, ReadoutFault> parse_header(wire::Bytes data) {
    using enum ReadoutFault;
    if (data.empty()) {
        return wire::Unexpected{too_short};
    }
    if (data[0] != kProductAdvertisement) {
        return wire::Unexpected{not_instant_readout};
    }
    if (data.size() < kHeaderSize) {
        return wire::Unexpected{data.size() == kProductOnlySize ? no_record : too_short};
    }
    ReadoutHeader header{.product_id = wire::le16(data, 2),
                         .record_type = data[4],
                         .nonce = wire::le16(data, 5),
                         .key_check = data[7],
                         .payload = data.subspan(kHeaderSize)};
    if (data[4] == kExtendedType) {
        header.record_type = static_cast<std::uint16_t>(0xFF00 | data[7]);
    }
    if (header.payload.empty()) {
        return wire::Unexpected{empty_payload};
    }
    if (header.payload.size() > kMaxPayload) {
        return wire::Unexpected{too_long};
    }
    return header;
}

std::optional<std::uint16_t> advertised_product(wire::Bytes data) {
    if (data.size() < kProductOnlySize || data[0] != kProductAdvertisement) {
        return std::nullopt;
    }
    return wire::le16(data, 2);
}

bool key_fits(const ReadoutHeader& header, const Key& key) {
    return header.encrypted() && header.key_check == key[0];
}

wire::Buffer decrypt(const Key& key, std::uint16_t nonce, wire::Bytes payload) {
    wire::Buffer plain(payload.begin(), payload.end());
    std::array<std::uint8_t, 16> counter{static_cast<std::uint8_t>(nonce & 0xff),
                                         static_cast<std::uint8_t>(nonce >> 8)};
    std::array<std::uint8_t, 16> keystream{};
    std::size_t used = 0;
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    mbedtls_aes_setkey_enc(&aes, key.data(), 128);
    mbedtls_aes_crypt_ctr(&aes, plain.size(), &used, counter.data(), keystream.data(), plain.data(),
                          plain.data());
    mbedtls_aes_free(&aes);
    return plain;
}

wire::Expected<Readout, ReadoutFault> decode_readout(wire::Bytes data, const Key* key) {
    const auto header = parse_header(data);
    if (!header) {
        return wire::Unexpected{header.error()};
    }
    wire::Buffer plain;
    if (header->encrypted()) {
        if (key == nullptr) {
            return wire::Unexpected{ReadoutFault::no_key};
        }
        if (!key_fits(*header, *key)) {
            return wire::Unexpected{ReadoutFault::key_mismatch};
        }
        plain = decrypt(*key, header->nonce, header->payload);
    } else {
        plain.assign(header->payload.begin(), header->payload.end());
    }
    auto reading = decode_record(header->record_type, plain);
    if (!reading) {
        return wire::Unexpected{ReadoutFault::unknown_record_type};
    }
    return Readout{header->product_id, header->record_type, header->nonce, std::move(plain), *reading};
}

AdStructures parse_ad(wire::Bytes report) {
    AdStructures found;
    while (!report.empty()) {
        const std::size_t length = report[0];
        if (length == 0 || length + 1 > report.size()) {
            break;
        }
        const std::uint8_t type = report[1];
        const wire::Bytes data = report.subspan(2, length - 1);
        report = report.subspan(length + 1);
        if (type == kAdFlags && !data.empty()) {
            found.flags = data[0];
        } else if (type == kAdManufacturer && data.size() >= 2) {
            found.company = wire::le16(data, 0);
            found.manufacturer_data = data.subspan(2);
        } else if (type == kAdCompleteName || (type == kAdShortName && !found.local_name)) {
            found.local_name = clean_text(data);
        }
    }
    return found;
}

}  // namespace smartsolar
