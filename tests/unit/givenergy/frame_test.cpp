// Frames and the framer: docs/protocols/givenergy.md, "Frames" and "Finding frames in the stream".

#include "givenergy/protocol/framer.hpp"
#include "support/catch.hpp"
#include "wire/checksum.hpp"

#include <string>

using namespace givenergy;

namespace {

Buffer bytes_of_hex(std::string_view hex) {
    auto bytes = wire::from_hex(hex);
    REQUIRE(bytes);
    return *bytes;
}

/// A response as a device would send it, built here by hand.
Buffer response(std::uint8_t function, std::uint16_t base, std::vector<std::uint16_t> values) {
    Buffer out = bytes_of_hex("59590001");
    wire::put_be16(out, static_cast<unsigned>(38 + 2 * values.size()));
    wire::put(out, bytes_of_hex("0102"));
    for (const char c : std::string{"WF1234G567"}) {
        wire::put8(out, static_cast<unsigned>(c));
    }
    wire::put_be32(out, 0);
    wire::put_be32(out, static_cast<std::uint32_t>(18 + 2 * values.size()));
    wire::put8(out, 0x11);
    wire::put8(out, function);
    for (const char c : std::string{"SA1234G567"}) {
        wire::put8(out, static_cast<unsigned>(c));
    }
    wire::put_be16(out, base);
    wire::put_be16(out, static_cast<unsigned>(values.size()));
    for (const auto value : values) {
        wire::put_be16(out, value);
    }
    wire::put_le16(out, wire::Crc16Modbus::of(Bytes{out}.subspan(26)));
    return out;
}

struct Seen {
    std::vector<std::string> frames;
    std::size_t skipped = 0;
    std::size_t pending = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
};

Seen run(Bytes stream, std::size_t chunk) {
    Framer framer;
    Seen seen;
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
        framer.feed(stream.subspan(at, std::min(chunk, stream.size() - at)), [&](const Frame& frame) {
            seen.frames.push_back(std::string{to_string(frame.kind)} + (frame.intact ? "" : "!") + ":"
                                  + std::to_string(frame.base));
        });
    }
    seen.skipped = framer.skipped();
    seen.pending = framer.pending();
    return seen;
}

}  // namespace

TEST_CASE("requests are encoded as captured ones") {
    CHECK(wire::to_hex(encode_read({0x11, Function::read_holding, 0, 60}))
          == "59590001001c010241423132333447353637000000000000000811030000003c474b");
    CHECK(wire::to_hex(encode_read({0x01, Function::read_meter_product, 60, 60}, "WF2125G316"))
              .ends_with("003c003c8814"));
    CHECK(wire::to_hex(encode_read({}, "X")).substr(16, 20) == "58202020202020202020");
}

TEST_CASE("every single bit error is noticed") {
    const Buffer good = response(4, 60, {1, 2, 3, 4, 5});
    REQUIRE(parse_frame(good)->intact);
    // Adapter serial and unit id are outside of the check.
    for (std::size_t at = 18; at < good.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Buffer bad = good;
            bad[at] = static_cast<std::uint8_t>(bad[at] ^ 1u << bit);
            const auto frame = parse_frame(bad);
            CHECK((!frame || !frame->intact));
        }
    }
}

TEST_CASE("a frame whose count and length disagree is not intact and gives no registers") {
    Buffer bytes = response(3, 0, {1, 2, 3});
    bytes[41] = 60;
    bytes.resize(bytes.size() - 2);
    wire::put_le16(bytes, wire::Crc16Modbus::of(Bytes{bytes}.subspan(26)));
    const auto frame = parse_frame(bytes);
    REQUIRE(frame);
    CHECK_FALSE(frame->intact);
    CHECK(frame->registers().empty());
    CHECK(frame->count == 60);
}

TEST_CASE("the result does not depend on how the stream was cut") {
    Buffer stream = bytes_of_hex("00590159595900");  // noise that looks like a beginning
    wire::put(stream, response(4, 60, {1, 2}));
    wire::put(stream, bytes_of_hex("59590001ffff0102"));
    wire::put(stream, bytes_of_hex("59590001000d01015746323132354733313601"));
    Buffer cut = response(3, 120, {7, 8, 9});
    cut.resize(cut.size() - 5);  // the next frame begins inside of it
    wire::put(stream, cut);
    wire::put(stream, response(3, 180, {7}));
    Buffer damaged = response(3, 240, {7});
    damaged[30] ^= 1;
    wire::put(stream, damaged);
    wire::put(stream, response(0x86, 96, {}));
    wire::put(stream, bytes_of_hex("5959"));
    const Seen whole = run(stream, stream.size());
    CHECK(whole.frames
          == std::vector<std::string>{"read_response:60", "heartbeat:0", "read_response:180",
                                      "read_response!:240", "error_response:96"});
    CHECK(whole.pending == 2);
    for (std::size_t chunk = 1; chunk < stream.size(); ++chunk) {
        CHECK(run(stream, chunk) == whole);
    }
}

TEST_CASE("a frame that lost one to three bytes does not take the next one with it") {
    for (std::size_t lost = 1; lost <= 3; ++lost) {
        Buffer stream = response(4, 0, {1, 2, 3});
        stream.resize(stream.size() - lost);
        wire::put(stream, response(4, 60, {4}));
        const Seen seen = run(stream, 1);
        CHECK(seen.frames == std::vector<std::string>{"read_response:60"});
    }
}

TEST_CASE("noise does not pile up") {
    Framer framer;
    const Buffer noise(4096, 0x59);
    for (int i = 0; i < 100; ++i) {
        framer.feed(noise, [](const Frame&) {});
    }
    CHECK(framer.pending() <= kMaxFrame);
}

TEST_CASE("answers are matched by address, function, base and count") {
    const Request request{0x11, Function::read_input, 0, 5};
    const auto answered = [&](const Buffer& bytes) { return answers(*parse_frame(bytes), request); };
    CHECK(answered(response(4, 0, {1, 2, 3, 4, 5})));
    CHECK_FALSE(answered(response(4, 0, {1, 2, 3, 4})));
    CHECK_FALSE(answered(response(3, 0, {1, 2, 3, 4, 5})));
    CHECK_FALSE(answered(response(4, 60, {1, 2, 3, 4, 5})));
    CHECK(answered(response(0x84, 0, {})));  // an error may echo a count of 0
    Buffer bad = response(4, 0, {1, 2, 3, 4, 5});
    bad.back() ^= 1;
    CHECK_FALSE(answered(bad));
}

TEST_CASE("pages end where adapters end them") {
    CHECK(within_page(0, 60));
    CHECK(within_page(44, 2));
    CHECK(within_page(1360, 54));
    CHECK(within_page(2040, 60));
    CHECK(within_page(1600, 60));
    CHECK(within_page(318, 3));
    CHECK_FALSE(within_page(236, 60));
    CHECK_FALSE(within_page(0, 61));
    CHECK_FALSE(within_page(0, 0));
}
