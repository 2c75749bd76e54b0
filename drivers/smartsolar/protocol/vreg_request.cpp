#include "smartsolar/protocol/vreg_request.hpp"

#include <cbor.h>

#include <algorithm>
#include <array>

namespace smartsolar {

namespace {

constexpr std::uint8_t kOpen = 1;
constexpr std::uint8_t kSubscribe = 3;
constexpr std::uint8_t kGet = 5;
constexpr std::uint8_t kSet = 6;

// The longest head CBOR knows: a kind and an eight byte number.
using Head = std::array<unsigned char, 9>;

void put_head(wire::Buffer& message, std::size_t (*encode)(std::size_t, unsigned char*, std::size_t),
              std::size_t n) {
    Head head{};
    const std::size_t used = encode(n, head.data(), head.size());
    wire::put(message, wire::Bytes(head).first(used));
}

void put_number(wire::Buffer& message, std::uint32_t value) {
    Head head{};
    const std::size_t used = cbor_encode_uint(value, head.data(), head.size());
    wire::put(message, wire::Bytes(head).first(used));
}

}  // namespace

void put_open(wire::Buffer& message) {
    put_number(message, kOpen);
}

void put_subscribe(wire::Buffer& message, std::uint32_t instance) {
    put_number(message, kSubscribe);
    put_number(message, instance);
}

void put_get(wire::Buffer& message, std::uint32_t instance, std::span<const std::uint16_t> vregs) {
    put_number(message, kGet);
    put_number(message, instance);
    put_head(message, cbor_encode_array_start, vregs.size());
    for (const auto vreg : vregs) {
        put_number(message, vreg);
    }
}

void put_set(wire::Buffer& message, std::uint32_t instance, std::uint16_t vreg, wire::Bytes data) {
    put_number(message, kSet);
    put_number(message, instance);
    put_head(message, cbor_encode_array_start, 2);
    put_number(message, vreg);
    put_head(message, cbor_encode_bytestring_start, data.size());
    wire::put(message, data);
}

std::vector<Fragment> fragment(wire::Bytes message, std::size_t size) {
    std::vector<Fragment> fragments;
    size = std::max<std::size_t>(size, 1);
    while (message.size() > size) {
        const auto head = message.first(size);
        fragments.push_back({Characteristic::more, {head.begin(), head.end()}});
        message = message.subspan(size);
    }
    if (!message.empty()) {
        fragments.push_back({Characteristic::last, {message.begin(), message.end()}});
    }
    return fragments;
}

}  // namespace smartsolar
