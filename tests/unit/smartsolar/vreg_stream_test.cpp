#include "smartsolar/protocol/vreg_stream.hpp"

#include "smartsolar/protocol/vreg_request.hpp"
#include "support/catch.hpp"

#include <random>

using namespace smartsolar;

namespace {

wire::Buffer bytes(const char* hex) {
    return wire::from_hex(hex).value();
}

struct Fed {
    std::vector<VregMessage> messages;
    std::string rest;
    std::size_t dropped = 0;
};

Fed feed(const std::vector<Fragment>& fragments) {
    Fed fed;
    VregStream stream;
    for (const auto& piece : fragments) {
        stream.feed(piece.to, piece.bytes, fed.messages);
    }
    fed.rest = wire::to_hex(stream.rest());
    fed.dropped = stream.dropped();
    return fed;
}

Fed feed(const char* hex, Characteristic from = Characteristic::more) {
    return feed({{from, bytes(hex)}});
}

VregMessage value(std::uint32_t instance, std::uint16_t number, const char* hex) {
    return {VregMessage::Kind::value, instance, number, bytes(hex), 0};
}

}  // namespace

TEST_CASE("a message cut anywhere, into any number of fragments, is one message") {
    const auto message = bytes("080319ed8c44e803000009001890010803190102440059010008001901204412070000");
    const auto whole = feed({{Characteristic::last, message}});
    REQUIRE(whole.messages.size() == 4);
    for (std::size_t size = 1; size <= message.size(); ++size) {
        const auto fed = feed(fragment(message, size));
        CHECK(fed.messages == whole.messages);
        CHECK(fed.rest.empty());
        CHECK(fed.dropped == 0);
    }
}

TEST_CASE("integers of every width are numbers") {
    const auto expected = std::vector{value(3, 0xED8D, "2f05")};
    CHECK(feed("080319ed8d422f05").messages == expected);
    CHECK(feed("18081803 1a0000ed8d 58022f05").messages == expected);
    CHECK(feed("190008 190003 1b000000000000ed8d 5900022f05").messages == expected);
    CHECK(feed("1a00000008 1b0000000000000003 19ed8d 5a000000022f05").messages == expected);
    CHECK(feed("08 03 05 41 01").messages == std::vector{value(3, 5, "01")});
    CHECK(feed("08 03 19ed8d 40").messages == std::vector{value(3, 0xED8D, "")});
}

TEST_CASE("what fits no message is dropped byte by byte, padding without a word") {
    CHECK(feed("ffffff").dropped == 0);
    CHECK(feed("ffff080319ed8d422f05ffff").dropped == 0);
    CHECK(feed("ffff080319ed8d422f05ffff").messages.size() == 1);
    // A wrong command, a text string where bytes belong, a register of more than 16 bits, an indefinite string.
    for (const char* junk :
         {"0700", "080319ed8d622f05", "08031a0001000041ff", "080319ed8d5f", "1c", "80", "f6"}) {
        const auto fed = feed((std::string(junk) + "080319ed8d422f05").c_str());
        CAPTURE(junk);
        CHECK(fed.messages == std::vector{value(3, 0xED8D, "2f05")});
        CHECK(fed.dropped > 0);
    }
}

TEST_CASE("what is not complete stays, up to the last fragment") {
    CHECK(feed("0803").rest == "0803");
    CHECK(feed("080319ed8d42").rest == "080319ed8d42");
    CHECK(feed("080319ed8d42").dropped == 0);
    const auto ended = feed("080319ed8d42", Characteristic::last);
    CHECK(ended.rest.empty());
    CHECK(ended.dropped == 6);
}

TEST_CASE("a length beyond the bound is never waited for") {
    for (const char* head : {"080319ed8d591001", "080319ed8d5a10000000", "080319ed8d5bffffffffffffffff"}) {
        const auto fed = feed((std::string(head) + "080319ed8d422f05").c_str());
        CAPTURE(head);
        CHECK(fed.messages == std::vector{value(3, 0xED8D, "2f05")});
    }
    VregStream stream;
    std::vector<VregMessage> messages;
    stream.feed(Characteristic::more, bytes("080319ed8d590fff"), messages);
    const wire::Buffer filler(100, 0x08);
    for (int i = 0; i < 1000; ++i) {
        stream.feed(Characteristic::more, filler, messages);
        CHECK(stream.rest().size() <= VregStream::kMaxBuffered);
    }
}

TEST_CASE("after a loss of step the stream finds the next message") {
    std::mt19937 random(5);
    std::uniform_int_distribution<unsigned> any(0, 255);
    for (int round = 0; round < 500; ++round) {
        VregStream stream;
        std::vector<VregMessage> messages;
        wire::Buffer noise(60);
        for (auto& byte : noise) {
            byte = static_cast<std::uint8_t>(any(random));
        }
        stream.feed(Characteristic::last, noise, messages);
        messages.clear();
        stream.feed(Characteristic::last, bytes("080319ed8d422f05"), messages);
        CHECK(messages == std::vector{value(3, 0xED8D, "2f05")});
    }
}

TEST_CASE("control notifications are not part of the stream, a cut link forgets half a message") {
    VregStream stream;
    std::vector<VregMessage> messages;
    stream.feed(Characteristic::more, bytes("080319ed"), messages);
    stream.feed(Characteristic::control, bytes("f901"), messages);
    CHECK(wire::to_hex(stream.rest()) == "080319ed");
    stream.clear();
    stream.feed(Characteristic::last, bytes("080319ed8d422f05"), messages);
    CHECK(messages.size() == 1);
    CHECK(stream.dropped() == 0);
}

TEST_CASE("only the last fragment ends a message") {
    const auto message = bytes("000102030405060708090a");
    CHECK(fragment(message, 20) == std::vector<Fragment>{{Characteristic::last, message}});
    CHECK(fragment(message, 11).size() == 1);
    const auto pieces = fragment(message, 5);
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0].to == Characteristic::more);
    CHECK(pieces[1].to == Characteristic::more);
    CHECK(pieces[2] == Fragment{Characteristic::last, bytes("0a")});
    CHECK(fragment(message, 0).size() == 11);
    CHECK(fragment({}, 20).empty());
}
