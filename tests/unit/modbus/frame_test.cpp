#include "transport/modbus/frame.hpp"

#include "support/catch.hpp"

#include <string>

using namespace transport::modbus;
using wire::Buffer;

namespace {

Buffer hex(std::string_view text) {
    const auto bytes = wire::from_hex(text);
    REQUIRE(bytes.has_value());
    return *bytes;
}

std::string sent(const Request& request, std::uint16_t transaction = 1) {
    const auto frame = encode(transaction, request);
    return frame ? wire::to_hex(*frame) : describe(frame.error());
}

/// Decodes the whole frame given in hexadecimal as the answer to `request`.
Result<Response> answer(const Request& request, std::string_view text) {
    FrameReader reader;
    reader.feed(hex(text));
    const auto frame = reader.next();
    if (!frame) {
        return wire::Unexpected{frame.error()};
    }
    REQUIRE(frame->has_value());
    return decode(request, **frame);
}

Fault fault_of(const Request& request, std::string_view text) {
    const auto result = answer(request, text);
    REQUIRE_FALSE(result.has_value());
    return result.error().fault;
}

}  // namespace

// Requests and answers of the protocol specification's own examples (chapter 6), behind an MBAP header.
TEST_CASE("requests are encoded as in the protocol specification") {
    CHECK(sent(read_coils(1, 0x13, 19)) == "000100000006010100130013");
    CHECK(sent(read_discrete_inputs(1, 0xC4, 22)) == "000100000006010200c40016");
    CHECK(sent(read_holding_registers(1, 0x6B, 3)) == "0001000000060103006b0003");
    CHECK(sent(read_input_registers(1, 8, 1)) == "000100000006010400080001");
    CHECK(sent(write_coil(1, 0xAC, true)) == "000100000006010500acff00");
    CHECK(sent(write_coil(1, 0xAC, false)) == "000100000006010500ac0000");
    CHECK(sent(write_register(1, 1, 3)) == "000100000006010600010003");
    CHECK(sent(write_coils(1, 0x13, {true, false, true, true, false, false, true, true, true, false}))
          == "000100000009010f0013000a02cd01");
    CHECK(sent(write_registers(1, 1, {0x000A, 0x0102})) == "00010000000b01100001000204000a0102");
    CHECK(sent(read_identification(1)) == "000100000005012b0e0100");
    CHECK(sent(read_holding_registers(247, 0, 1), 0xFFFE) == "fffe00000006f70300000001");
}

TEST_CASE("answers are decoded as in the protocol specification") {
    const auto registers = answer(read_holding_registers(1, 0x6B, 3), "000100000009010306022b00000064");
    REQUIRE(registers);
    CHECK(registers->registers == std::vector<std::uint16_t>{0x022B, 0, 0x64});

    const auto coils = answer(read_coils(1, 0x13, 19), "000100000006010103cd6b05");
    REQUIRE(coils);
    CHECK(coils->coils
          == std::vector<bool>{true, false, true, true, false, false, true, true, true, true, false, true,
                               false, true, true, false, true, false, true});

    CHECK(answer(write_coil(1, 0xAC, true), "000100000006010500acff00"));
    CHECK(answer(write_register(1, 1, 3), "000100000006010600010003"));
    CHECK(answer(write_coils(1, 0x13, std::vector<bool>(10, true)), "000100000006010f0013000a"));
    CHECK(answer(write_registers(1, 1, {10, 258}), "000100000006011000010002"));
}

TEST_CASE("the device identification is taken apart object by object") {
    // "Morningstar Corp.", "TS-MPPT-60", "v01.02.42"
    const auto identity = answer(read_identification(1),
                                 "000100000032012b0e0181000003"
                                 "00114d6f726e696e677374617220436f72702e"
                                 "010a54532d4d5050542d3630"
                                 "02097630312e30322e3432");
    REQUIRE(identity);
    REQUIRE(identity->objects.size() == 3);
    CHECK(identity->objects[0].text == "Morningstar Corp.");
    CHECK(identity->objects[1].id == 1);
    CHECK(identity->objects[1].text == "TS-MPPT-60");
    CHECK(identity->objects[2].text == "v01.02.42");
    CHECK_FALSE(identity->next_object);

    const auto more = answer(read_identification(1),
                             "00010000000b012b0e0181ff01010001"
                             "41");
    REQUIRE(more);
    CHECK(more->next_object == std::uint8_t{1});
}

TEST_CASE("an identification that ends early or late is refused") {
    const auto question = read_identification(1);
    CHECK(fault_of(question,
                   "00010000000b012b0e018100000100"
                   "0541")
          == Fault::identification);
    CHECK(fault_of(question,
                   "00010000000c012b0e018100000100"
                   "014142")
          == Fault::identification);
    CHECK(fault_of(question, "000100000005012b0e0181") == Fault::identification);
    CHECK(fault_of(question,
                   "000100000008012b0d018100"
                   "0000")
          == Fault::identification);
    CHECK(fault_of(question,
                   "000100000008012b0e028100"
                   "0000")
          == Fault::identification);
}

TEST_CASE("a request outside the protocol's limits is never sent") {
    const auto refused = [](const Request& request) {
        const auto frame = encode(1, request);
        return !frame && frame.error().fault == Fault::bad_request;
    };
    CHECK(refused(read_holding_registers(1, 0, 0)));
    CHECK(refused(read_holding_registers(1, 0, 126)));
    CHECK(refused(read_coils(1, 0, 2001)));
    CHECK(refused(read_input_registers(1, 0xFFFF, 2)));
    CHECK(refused(write_registers(1, 0, {})));
    CHECK(refused(write_registers(1, 0, std::vector<std::uint16_t>(124))));
    CHECK(refused(write_registers(1, 0, std::vector<std::uint16_t>(65536 + 3))));
    CHECK(refused(write_coils(1, 0, std::vector<bool>(1969))));
    CHECK_FALSE(refused(read_input_registers(1, 0xFFFF, 1)));
    CHECK_FALSE(refused(write_coils(1, 0, std::vector<bool>(1968))));
    CHECK_FALSE(refused(write_registers(1, 0, std::vector<std::uint16_t>(123))));
}

TEST_CASE("an answer must fit its question") {
    const auto question = read_holding_registers(1, 0x6B, 3);
    CHECK(fault_of(question, "000100000009020306022b00000064") == Fault::unit);
    CHECK(fault_of(question, "000100000009010406022b00000064") == Fault::function);
    CHECK(fault_of(question, "000100000007010304022b0000") == Fault::byte_count);
    CHECK(fault_of(question, "000100000009010304022b00000064") == Fault::byte_count);
    CHECK(fault_of(question, "00010000000a010306022b0000006400") == Fault::byte_count);
    CHECK(fault_of(question, "0001000000020103") == Fault::byte_count);
    CHECK(fault_of(read_coils(1, 0, 9), "000100000004010101ff") == Fault::byte_count);
    CHECK(fault_of(write_register(1, 1, 3), "000100000006010600010004") == Fault::echo);
    CHECK(fault_of(write_register(1, 1, 3), "000100000006010600020003") == Fault::echo);
    CHECK(fault_of(write_register(1, 1, 3),
                   "00010000000501060001"
                   "00")
          == Fault::length);
    CHECK(fault_of(write_registers(1, 1, {1, 2}), "000100000006011000010001") == Fault::echo);
}

TEST_CASE("a refusal carries the code of the device") {
    const auto result = answer(write_coil(1, 2, true), "000100000003018501");
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error() == Error{Fault::exception, Exception::illegal_function});
    CHECK(describe(result.error()) == "the device refused the request (exception 1, illegal function)");
    // A refusal of another function, and one with a tail.
    CHECK(fault_of(write_coil(1, 2, true), "000100000003018601") == Fault::function);
    CHECK(fault_of(write_coil(1, 2, true), "00010000000401850100") == Fault::length);
}

TEST_CASE("every fault and exception has a sentence of its own") {
    for (int fault = 0; fault <= static_cast<int>(Fault::identification); ++fault) {
        CHECK(describe(static_cast<Fault>(fault)) != "unknown fault");
    }
    CHECK(describe(static_cast<Exception>(99)) == "unknown exception");
}

TEST_CASE("frames are found in pieces of any size and back to back") {
    const auto stream =
        hex("000100000009010306022b00000064"
            "000200000003018302"
            "0003000000050104020007");
    const auto piece = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000});
    FrameReader reader;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        reader.feed(wire::Bytes{stream}.subspan(at, std::min(piece, stream.size() - at)));
        for (;;) {
            const auto frame = reader.next();
            REQUIRE(frame);
            if (!frame->has_value()) {
                break;
            }
            frames.push_back(**frame);
        }
    }
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].transaction == 1);
    CHECK(frames[1].pdu == Buffer{0x83, 2});
    CHECK(frames[2].unit == 1);
    CHECK(decode(read_input_registers(1, 9, 1), frames[2])->registers == std::vector<std::uint16_t>{7});
}

TEST_CASE("a stream that is not Modbus stays broken") {
    const auto [bytes, fault] = GENERATE(table<std::string, Fault>({
        {"00010001", Fault::protocol_id},
        {"485454502f", Fault::protocol_id},
        {"000100000001", Fault::length},
        {"0001000000ff", Fault::length},
        {"00010000ffff", Fault::length},
    }));
    FrameReader reader;
    reader.feed(hex(bytes));
    REQUIRE_FALSE(reader.next().has_value());
    reader.feed(hex("000100000003018302"));
    const auto after = reader.next();
    REQUIRE_FALSE(after.has_value());
    CHECK(after.error().fault == fault);
    CHECK(is_malformed(fault));
}
