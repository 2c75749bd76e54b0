#include "simulators/givenergy/wire_format.hpp"

#include <algorithm>

namespace gesim {

namespace {

void word(Octets& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
    out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

unsigned word_at(const Octets& octets, std::size_t at) {
    return static_cast<unsigned>(octets[at] << 8 | octets[at + 1]);
}

void serial(Octets& out, const std::string& text) {
    for (std::size_t i = 0; i < 10; ++i) {
        out.push_back(i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0);
    }
}

/// Outer header and inner length around `content`, which ends before the check.
Octets transparent(const std::string& adapter, const Octets& content) {
    Octets out{0x59, 0x59, 0x00, 0x01};
    word(out, static_cast<unsigned>(20 + content.size() + 2));
    out.push_back(1);
    out.push_back(2);
    serial(out, adapter);
    word(out, 0);
    word(out, 0);
    word(out, 0);
    word(out, static_cast<unsigned>(content.size() + 2));
    out.insert(out.end(), content.begin(), content.end());
    out.resize(out.size() + 2);
    renew_check(out);
    return out;
}

Octets answer_head(const Serials& serials, const Request& request, unsigned function) {
    Octets content{request.address, static_cast<std::uint8_t>(function)};
    serial(content, serials.device);
    word(content, request.first);
    return content;
}

}  // namespace

std::uint16_t crc(const std::uint8_t* data, std::size_t size) {
    unsigned sum = 0xffff;
    for (std::size_t i = 0; i < size; ++i) {
        sum ^= data[i];
        for (int bit = 0; bit < 8; ++bit) {
            sum = (sum & 1) != 0 ? sum >> 1 ^ 0xa001 : sum >> 1;
        }
    }
    return static_cast<std::uint16_t>(sum);
}

void renew_check(Octets& frame) {
    const std::uint16_t sum = crc(frame.data() + 26, frame.size() - 28);
    frame[frame.size() - 2] = static_cast<std::uint8_t>(sum & 0xff);
    frame[frame.size() - 1] = static_cast<std::uint8_t>(sum >> 8);
}

Incoming take_frame(Octets& stream) {
    static const Octets kMarker{0x59, 0x59, 0x00, 0x01};
    const auto start = std::search(stream.begin(), stream.end(), kMarker.begin(), kMarker.end());
    if (start == stream.end() || stream.end() - start < 8) {
        return {};
    }
    stream.erase(stream.begin(), start);
    const std::size_t size = 6 + word_at(stream, 4);
    if (size > 300) {
        stream.erase(stream.begin(), stream.begin() + 4);
        return {Incoming::Kind::rubbish, {}};
    }
    if (stream.size() < size) {
        return {};
    }
    const Octets frame(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
    stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
    if (frame[7] == 1 && size == 19) {
        return {Incoming::Kind::heartbeat, {}};
    }
    const bool sized = frame[7] == 2 && size == 34 && word_at(frame, 24) == 8;
    if (!sized || crc(frame.data() + 26, 6) != (frame[32] | frame[33] << 8)) {
        return {Incoming::Kind::rubbish, {}};
    }
    return {Incoming::Kind::request,
            {frame[26], frame[27], static_cast<std::uint16_t>(word_at(frame, 28)),
             static_cast<std::uint16_t>(word_at(frame, 30))}};
}

Octets read_answer(const Serials& serials, const Request& request, const std::vector<std::uint16_t>& values) {
    Octets content = answer_head(serials, request, request.function);
    word(content, static_cast<unsigned>(values.size()));
    for (const auto value : values) {
        word(content, value);
    }
    return transparent(serials.adapter, content);
}

Octets write_answer(const Serials& serials, const Request& request) {
    Octets content = answer_head(serials, request, request.function);
    word(content, request.second);
    return transparent(serials.adapter, content);
}

Octets error_answer(const Serials& serials, const Request& request, bool echo_count) {
    Octets content = answer_head(serials, request, request.function | 0x80u);
    word(content, echo_count ? request.second : 0u);
    return transparent(serials.adapter, content);
}

Octets heartbeat(const std::string& adapter, std::uint8_t type) {
    Octets out{0x59, 0x59, 0x00, 0x01, 0x00, 0x0d, 0x01, 0x01};
    serial(out, adapter);
    out.push_back(type);
    return out;
}

Octets null_answer(const std::string& adapter) {
    Octets content{0x32, 0x00};
    content.resize(2 + 10 + 124);
    Octets out = transparent(adapter, content);
    out[out.size() - 2] = out[out.size() - 1] = 0;
    return out;
}

Octets network_announcement(const std::string& adapter) {
    const std::string text = "192.168.1.50,255.255.255.0,192.168.1.1";
    Octets content(text.begin(), text.end());
    for (const char c : {'\r', '\n', '\r', '\n'}) {
        content.push_back(static_cast<std::uint8_t>(c));
    }
    return transparent(adapter, content);
}

}  // namespace gesim
