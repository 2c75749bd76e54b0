#include "smartsolar/protocol/vreg_stream.hpp"

#include <cbor.h>

#include <algorithm>
#include <optional>

namespace smartsolar {

namespace {

constexpr std::uint8_t kPadding = 0xFF;

// What stands at the head of the buffer: one CBOR item.
struct Item {
    enum class Kind { number, bytes, other };

    Kind kind = Kind::other;
    std::uint64_t number = 0;
    wire::Bytes bytes;
};

template <class Word>
void take_number(void* context, Word value) {
    *static_cast<Item*>(context) = {Item::Kind::number, value, {}};
}

// Releases of libcbor differ in the type of a length.
template <class Size>
void take_bytes(void* context, cbor_data data, Size size) {
    *static_cast<Item*>(context) = {Item::Kind::bytes, 0, wire::Bytes(data, static_cast<std::size_t>(size))};
}

const cbor_callbacks kCallbacks = [] {
    cbor_callbacks callbacks = cbor_empty_callbacks;
    callbacks.uint8 = take_number<std::uint8_t>;
    callbacks.uint16 = take_number<std::uint16_t>;
    callbacks.uint32 = take_number<std::uint32_t>;
    callbacks.uint64 = take_number<std::uint64_t>;
    callbacks.byte_string = take_bytes;
    return callbacks;
}();

enum class Outcome { complete, incomplete, misfit };

// Reads the items of one message from the head of the buffer.
class MessageReader {
  public:
    explicit MessageReader(wire::Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] std::size_t used(wire::Bytes whole) const { return whole.size() - rest_.size(); }

    Outcome number(std::uint64_t highest, std::uint64_t& into) {
        Item item;
        if (!starts_with(kMajorNumber)) {
            return Outcome::misfit;
        }
        const Outcome outcome = next(item);
        if (outcome != Outcome::complete) {
            return outcome;
        }
        if (item.kind != Item::Kind::number || item.number > highest) {
            return Outcome::misfit;
        }
        into = item.number;
        return Outcome::complete;
    }

    Outcome bytes(wire::Buffer& into) {
        // A length of eight bytes cannot be meant, and a 32 bit machine would cut it down to something that fits.
        constexpr std::uint8_t kByteString64 = 0x5B;
        Item item;
        if (!starts_with(kMajorBytes) || (!rest_.empty() && rest_[0] == kByteString64)) {
            return Outcome::misfit;
        }
        const Outcome outcome = next(item);
        if (outcome != Outcome::complete) {
            return outcome;
        }
        if (item.kind != Item::Kind::bytes) {
            return Outcome::misfit;
        }
        into.assign(item.bytes.begin(), item.bytes.end());
        return Outcome::complete;
    }

  private:
    static constexpr unsigned kMajorNumber = 0;
    static constexpr unsigned kMajorBytes = 2;

    Outcome next(Item& item) {
        if (rest_.empty()) {
            return Outcome::incomplete;
        }
        const auto result = cbor_stream_decode(rest_.data(), rest_.size(), &kCallbacks, &item);
        switch (result.status) {
            case CBOR_DECODER_FINISHED:
                rest_ = rest_.subspan(result.read);
                return Outcome::complete;
            case CBOR_DECODER_NEDATA:
                // What needs more than the buffer ever holds can never complete.
                return result.required > VregStream::kMaxBuffered ? Outcome::misfit : Outcome::incomplete;
            case CBOR_DECODER_ERROR:
                break;
        }
        return Outcome::misfit;
    }

    // Nothing to look at yet fits, too.
    [[nodiscard]] bool starts_with(unsigned major) const { return rest_.empty() || rest_[0] >> 5U == major; }

    wire::Bytes rest_;
};

Outcome read_message(wire::Bytes buffer, VregMessage& message, std::size_t& used) {
    MessageReader reader(buffer);
    std::uint64_t command = 0;
    std::uint64_t instance = 0;
    std::uint64_t vreg = 0;
    Outcome outcome = reader.number(9, command);
    if (outcome != Outcome::complete) {
        return outcome;
    }
    if (command < 8) {
        return Outcome::misfit;
    }
    message.kind = static_cast<VregMessage::Kind>(command);
    if ((outcome = reader.number(0xFFFFFFFF, instance)) != Outcome::complete
        || (outcome = reader.number(0xFFFF, vreg)) != Outcome::complete) {
        return outcome;
    }
    message.instance = static_cast<std::uint32_t>(instance);
    message.vreg = static_cast<std::uint16_t>(vreg);
    if (message.kind == VregMessage::Kind::value) {
        outcome = reader.bytes(message.data);
    } else {
        std::uint64_t status = 0;
        outcome = reader.number(0xFFFFFFFF, status);
        message.status = static_cast<std::uint32_t>(status);
    }
    used = reader.used(buffer);
    return outcome;
}

}  // namespace

void VregStream::feed(Characteristic from, wire::Bytes fragment, std::vector<VregMessage>& out) {
    if (from == Characteristic::control) {
        return;
    }
    buffer_.insert(buffer_.end(), fragment.begin(), fragment.end());
    std::size_t at = 0;
    while (at < buffer_.size()) {
        if (buffer_[at] == kPadding) {
            ++at;
            continue;
        }
        VregMessage message;
        std::size_t used = 0;
        const Outcome outcome = read_message(wire::Bytes(buffer_).subspan(at), message, used);
        if (outcome == Outcome::incomplete) {
            break;
        }
        if (outcome == Outcome::complete) {
            at += used;
            out.push_back(std::move(message));
        } else {
            ++at;
            ++dropped_;
        }
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at));
    // A message ends with its last fragment, so half a one behind it will never be completed.
    if (from == Characteristic::last || buffer_.size() > kMaxBuffered) {
        dropped_ += buffer_.size();
        buffer_.clear();
    }
}

}  // namespace smartsolar
