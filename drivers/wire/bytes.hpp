#pragma once
// Reading and writing integers in frames.
//
// The load functions need `at + width <= bytes.size()`: a decoder checks the frame's length once, first.
// A violated precondition ends the process (the library's own bound check), it never reads past the end.
// Where the length is not known beforehand use Cursor, which remembers that it ran out.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wire {

using Bytes = std::span<const std::uint8_t>;
using Buffer = std::vector<std::uint8_t>;

[[nodiscard]] constexpr std::uint16_t be16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
[[nodiscard]] constexpr std::uint16_t le16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}
[[nodiscard]] constexpr std::uint32_t be24(Bytes bytes, std::size_t at) {
    return std::uint32_t{bytes[at]} << 16 | be16(bytes, at + 1);
}
[[nodiscard]] constexpr std::uint32_t le24(Bytes bytes, std::size_t at) {
    return le16(bytes, at) | std::uint32_t{bytes[at + 2]} << 16;
}
[[nodiscard]] constexpr std::uint32_t be32(Bytes bytes, std::size_t at) {
    return std::uint32_t{be16(bytes, at)} << 16 | be16(bytes, at + 2);
}
[[nodiscard]] constexpr std::uint32_t le32(Bytes bytes, std::size_t at) {
    return le16(bytes, at) | std::uint32_t{le16(bytes, at + 2)} << 16;
}
[[nodiscard]] constexpr std::uint64_t le64(Bytes bytes, std::size_t at) {
    return le32(bytes, at) | std::uint64_t{le32(bytes, at + 4)} << 32;
}

/// Two's complement of the low `bits` of a raw word (1..32).
[[nodiscard]] constexpr std::int32_t sign_extend(std::uint32_t raw, unsigned bits) {
    const std::uint32_t sign = std::uint32_t{1} << (bits - 1);
    const std::uint32_t mask = sign | (sign - 1);
    return static_cast<std::int32_t>(((raw & mask) ^ sign) - sign);
}
[[nodiscard]] constexpr std::int16_t s16(std::uint16_t raw) {
    return static_cast<std::int16_t>(raw);
}
[[nodiscard]] constexpr std::int32_t s32(std::uint32_t raw) {
    return static_cast<std::int32_t>(raw);
}

inline void put8(Buffer& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value));
}
inline void put_be16(Buffer& out, unsigned value) {
    put8(out, value >> 8 & 0xff);
    put8(out, value & 0xff);
}
inline void put_le16(Buffer& out, unsigned value) {
    put8(out, value & 0xff);
    put8(out, value >> 8 & 0xff);
}
inline void put_be32(Buffer& out, std::uint32_t value) {
    put_be16(out, value >> 16);
    put_be16(out, value & 0xffff);
}
inline void put_le32(Buffer& out, std::uint32_t value) {
    put_le16(out, value & 0xffff);
    put_le16(out, value >> 16);
}
inline void put(Buffer& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Reads one field after another. Past the end it yields zeros and ok() turns false, so a decoder
/// reads a whole frame and asks once whether the frame was long enough.
class Cursor {
  public:
    explicit Cursor(Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

    /// The next `count` bytes, empty (and not ok) when there are fewer.
    Bytes take(std::size_t count) {
        if (count > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const Bytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    void skip(std::size_t count) { take(count); }
    std::uint8_t u8() {
        return load<std::uint8_t, 1>([](Bytes b) { return b[0]; });
    }
    std::uint16_t be16() {
        return load<std::uint16_t, 2>([](Bytes b) { return wire::be16(b, 0); });
    }
    std::uint16_t le16() {
        return load<std::uint16_t, 2>([](Bytes b) { return wire::le16(b, 0); });
    }
    std::uint32_t be32() {
        return load<std::uint32_t, 4>([](Bytes b) { return wire::be32(b, 0); });
    }
    std::uint32_t le32() {
        return load<std::uint32_t, 4>([](Bytes b) { return wire::le32(b, 0); });
    }

  private:
    template <class T, std::size_t width, class Load>
    T load(Load read) {
        const Bytes field = take(width);
        return field.size() == width ? read(field) : T{0};
    }

    Bytes rest_;
    bool ok_ = true;
};

/// "01ff" for {0x01, 0xff}.
[[nodiscard]] inline std::string to_hex(Bytes bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

/// The bytes of a hexadecimal text; spaces between bytes are allowed. Nothing when it is not one.
[[nodiscard]] inline std::optional<Buffer> from_hex(std::string_view text) {
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        if (c >= 'a' && c <= 'f') {
            return c - 'a' + 10;
        }
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    Buffer bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ') {
            ++i;
            continue;
        }
        if (i + 1 >= text.size() || digit(text[i]) < 0 || digit(text[i + 1]) < 0) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
        i += 2;
    }
    return bytes;
}

/// A fixed text field of a device: cut at the first NUL, trailing spaces removed, only printable ASCII kept.
[[nodiscard]] inline std::string ascii(Bytes field) {
    std::string text;
    for (const auto byte : field) {
        if (byte == 0) {
            break;
        }
        if (byte >= 0x20 && byte < 0x7f) {
            text += static_cast<char>(byte);
        }
    }
    while (!text.empty() && text.back() == ' ') {
        text.pop_back();
    }
    return text;
}

}  // namespace wire
