#include "serialbattery/framing/yd1363.hpp"

#include "serialbattery/framing/check.hpp"

#include <algorithm>
#include <string>

namespace bms::yd1363 {

Packet request(std::uint8_t soi, unsigned ver, unsigned adr, unsigned cid1, unsigned cid2, Bytes info) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    Packet packet;
    const auto put = [&packet](unsigned value, int digits) {
        for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
            packet.push(static_cast<std::uint8_t>(kDigits[value >> shift & 15]));
        }
    };
    packet.push(soi);
    put(ver, 2);
    put(adr, 2);
    put(cid1, 2);
    put(cid2, 2);
    const auto lenid = static_cast<unsigned>(info.size() * 2);
    put(length_check(lenid) << 12 | lenid, 4);
    for (const auto byte : info) {
        put(byte, 2);
    }
    put(checksum(packet.bytes().subspan(1)), 4);
    packet.push(kEnd);
    return packet;
}

Sight sight(Bytes bytes, std::uint8_t soi) {
    if (bytes.empty()) {
        return Sight::needs(kShortest);
    }
    if (bytes[0] != soi) {
        return Sight::no();
    }
    std::size_t end = 1;
    while (end < bytes.size() && bytes[end] != kEnd) {
        if (bytes[end] == soi || end > kLongest) {
            return Sight::no(Fault::truncated);  // a new start drops what was collected
        }
        if (nibble(bytes[end]) < 0) {
            return Sight::no(Fault::header);
        }
        ++end;
    }
    if (end == bytes.size()) {
        return Sight::needs(std::max(kShortest, end + 1));
    }
    const std::size_t total = end + 1;
    if (total < kShortest) {
        return Sight::no(Fault::length);
    }
    const auto sum = number(bytes, total - 5, 4);
    if (!sum || !check_holds(std::uint32_t{checksum(bytes.subspan(1, total - 6))}, *sum)) {
        return Sight::no(Fault::checksum);
    }
    const auto length = number(bytes, 9, 4);
    if (!length || (*length & 0xfff) + kShortest != total) {
        return Sight::no(Fault::length);
    }
    if (*length >> 12 != length_check(*length & 0xfff)) {
        return {Sight::Kind::none, total, Fault::length_checksum, Role::reply};
    }
    return Sight::frame(total);
}

Head head(Bytes frame) {
    Head head;
    head.soi = frame[0];
    head.ver = static_cast<std::uint8_t>(number(frame, 1, 2).value_or(0));
    head.adr = static_cast<std::uint8_t>(number(frame, 3, 2).value_or(0));
    head.cid1 = static_cast<std::uint8_t>(number(frame, 5, 2).value_or(0));
    head.cid2 = static_cast<std::uint8_t>(number(frame, 7, 2).value_or(0));
    const auto length = number(frame, 9, 4).value_or(0);
    head.lenid = static_cast<std::uint16_t>(length & 0xfff);
    head.length_check_good = length >> 12 == length_check(head.lenid);
    return head;
}

wire::Buffer info(Bytes frame) {
    wire::Buffer bytes;
    const std::size_t characters = frame.size() - kShortest;
    bytes.reserve(characters / 2);
    for (std::size_t i = 0; i + 1 < characters; i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(number(frame, 13 + i, 2).value_or(0)));
    }
    return bytes;
}

std::string_view rtn_text(unsigned rtn) {
    switch (rtn) {
        case 0x00:
            return "ok";
        case 0x01:
            return "VER error";
        case 0x02:
            return "CHKSUM error";
        case 0x03:
            return "LCHKSUM error";
        case 0x04:
            return "CID2 invalid";
        case 0x05:
            return "format error";
        case 0x06:
            return "invalid data";
        case 0x07:
            return "no data (end of history)";
        case 0x09:
            return "operation or write refused";
        case 0x90:
            return "ADR error";
        case 0x91:
            return "internal communication error";
        case 0xe1:
            return "CID1 invalid";
        case 0xe2:
            return "execution failed";
        case 0xe3:
            return "device fault";
        case 0xe4:
            return "no permission";
        default:
            return {};
    }
}

Sight sight(Bytes bytes, Bytes asked, const Dialect& dialect) {
    Sight seen = sight(bytes, dialect.soi);
    if (seen.kind == Sight::Kind::none && seen.fault == Fault::length_checksum && !asked.empty()) {
        seen = Sight::frame(seen.length);
    }
    if (seen.kind != Sight::Kind::frame) {
        return seen;
    }
    const Head found = head(bytes.first(seen.length));
    if (!dialect.ours(found)) {
        return Sight::no();
    }
    const bool answers =
        found.cid2 <= 6
        || std::find(dialect.rtns.begin(), dialect.rtns.end(), found.cid2) != dialect.rtns.end();
    seen.role = answers ? Role::reply : Role::request;
    return seen;
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    const auto other = mismatch_of_any_class(frame, asked);
    return !other && head(frame).cid1 != head(asked).cid1 ? std::optional(Fault::address) : other;
}

std::optional<Fault> mismatch_of_any_class(Bytes frame, Bytes asked) {
    const bool same = asked.size() >= kShortest && frame[0] == asked[0] && head(frame).adr == head(asked).adr;
    return same ? std::nullopt : std::optional(Fault::address);
}

std::optional<unsigned> command(Bytes request) {
    return request.size() < kShortest ? std::nullopt : std::optional<unsigned>(head(request).cid2);
}

std::optional<wire::Buffer> describe(Bytes frame, Role role, Record& out) {
    const Head top = head(frame);
    const Bytes characters = frame.subspan(13, frame.size() - kShortest);
    if (role == Role::request) {
        out.set("soi", std::string(1, static_cast<char>(top.soi)));
    }
    out.set("ver", int{top.ver});
    out.set("adr", int{top.adr});
    out.set("cid1", int{top.cid1});
    out.set(role == Role::request ? "cid2" : "rtn", int{top.cid2});
    out.set("lenid", int{top.lenid});
    if (role == Role::request) {
        out.set("info_ascii", std::string(characters.begin(), characters.end()));
        return std::nullopt;
    }
    if (top.cid2 != 0) {
        out.set("error", rtn_text(top.cid2));
    }
    wire::Buffer bytes = info(frame);
    out.set("info_hex", wire::to_hex(bytes));
    return top.cid2 == 0 ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace bms::yd1363
