#include "serialbattery/family.hpp"
#include "support/catch.hpp"
#include "wire/bytes.hpp"

#include <string>

using namespace bms;

namespace {

/// From the vendor's document: 20 cells of 3.945 V.
const std::string kAnswer =
    "eb9001ff1ed30f69141302000000070000000503e801140f690f690f690f690f690f690f690f690f690f690f690f690f"
    "690f690f690f690f690f690f690f690f690f690f690f6900166f";

const Family& balancer() {
    return *find_family("jk_balancer");
}
wire::Buffer bytes(const std::string& hex) {
    return wire::from_hex(hex).value();
}

}  // namespace

TEST_CASE("jk_balancer: it is known, but no battery") {
    CHECK(balancer().open == nullptr);
    CHECK_FALSE(balancer().detection.battery);
    CHECK(wire::to_hex(balancer().probe(1).bytes.bytes()) == "55aa01ff0000ff");
}

TEST_CASE("jk_balancer: answers and requests are told apart, and from damage") {
    auto frame = bytes(kAnswer);
    const auto seen = balancer().sight(frame, {});
    CHECK(seen.kind == Sight::Kind::frame);
    CHECK(seen.role == Role::reply);
    CHECK(seen.length == frame.size());
    CHECK(balancer().sight(bytes("55aa01ff0000ff"), {}).role == Role::request);
    for (std::size_t length = 1; length < frame.size(); ++length) {
        CHECK(balancer().sight(wire::Bytes(frame).first(length), {}).kind == Sight::Kind::partial);
    }
    frame[30] ^= 0x10;
    CHECK(balancer().sight(frame, {}).kind == Sight::Kind::none);
    CHECK(balancer().sight(bytes("eb91"), {}).kind == Sight::Kind::none);
    CHECK(balancer().sight(bytes("55ab"), {}).kind == Sight::Kind::none);
}

TEST_CASE("jk_balancer: an answer belongs to its address and command") {
    const auto frame = bytes(kAnswer);
    CHECK_FALSE(balancer().mismatch(frame, bytes("55aa01ff0000ff")));
    CHECK(balancer().mismatch(frame, bytes("55aa02ff000000")));
    CHECK(balancer().mismatch(frame, bytes("55aa01f60001f7")));
    CHECK(balancer().mismatch(frame, {}));
}
