#pragma once
// The sending half of the GATT register protocol: commands to bytes, bytes to fragments.
// docs/protocols/victron-ble.md, "GATT messages".

#include "smartsolar/protocol/vreg_stream.hpp"
#include "wire/bytes.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace smartsolar {

/// Appends the command "open" (01).
void put_open(wire::Buffer& message);

/// Appends "subscribe" (03): the product reports the registers of `instance` now and whenever they change.
void put_subscribe(wire::Buffer& message, std::uint32_t instance);

/// Appends "get" (05) for all of `vregs`.
void put_get(wire::Buffer& message, std::uint32_t instance, std::span<const std::uint16_t> vregs);

/// Appends "set" (06). `data` is the value as the product stores it, little-endian.
void put_set(wire::Buffer& message, std::uint32_t instance, std::uint16_t vreg, wire::Bytes data);

/// A write to one characteristic.
struct Fragment {
    Characteristic to = Characteristic::last;
    wire::Buffer bytes;

    bool operator==(const Fragment&) const = default;
};

/// Cuts a message into fragments of at most `size` bytes (the link's MTU less 3, at least 1); the last one, and it
/// alone, goes to the characteristic that ends a message.
[[nodiscard]] std::vector<Fragment> fragment(wire::Bytes message, std::size_t size);

}  // namespace smartsolar
