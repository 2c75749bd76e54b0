// Feeds the family named in FUZZ_VARIANT: its decoder with a frame and a stream, its session with answers to what it
// asks. The first byte chooses what the rest is.

#include "serialbattery/conversation.hpp"
#include "serialbattery/decode.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace bms;

const Family* fuzzed = nullptr;

void decode_it(Bytes bytes, bool stream) {
    DecodeInput input{std::string(fuzzed->name), {}, {}};
    if (!bytes.empty()) {
        const std::size_t asked = std::min<std::size_t>(bytes[0] % 32, bytes.size() - 1);
        input.asked.assign(bytes.begin() + 1, bytes.begin() + 1 + static_cast<std::ptrdiff_t>(asked));
        bytes = bytes.subspan(1 + asked);
    }
    input.bytes.assign(bytes.begin(), bytes.end());
    input.stream = stream;
    if (decode(input).members().empty()) {
        std::abort();
    }
}

/// Answers whatever is asked with pieces of the input, a length byte before each.
void talk(Bytes bytes) {
    if (fuzzed->open == nullptr) {
        return;
    }
    const auto session = fuzzed->open(fuzzed->first_address, {});
    Conversation conversation(*fuzzed, *session, fuzzed->lines.front());
    TimePoint now{};
    for (int round = 0; round < 3; ++round) {
        conversation.start_cycle();
        for (int steps = 0; steps < 2000; ++steps) {
            const Step step = conversation.next(now);
            if (step.kind == Step::Kind::finished) {
                break;
            }
            if (step.kind == Step::Kind::receive && !bytes.empty()) {
                const std::size_t count = std::min<std::size_t>(bytes[0], bytes.size() - 1);
                conversation.received(bytes.subspan(1, count), now);
                bytes = bytes.subspan(1 + count);
            } else if (step.kind != Step::Kind::send) {
                now = std::max(now, step.until);
            }
        }
        for (const auto& info : fuzzed->controls) {
            if (conversation.start_control({info.control, info.highest})) {
                break;
            }
        }
    }
}

/// Frames of good shape straight into a session, past every checksum.
void take(Bytes bytes) {
    if (fuzzed->open == nullptr) {
        return;
    }
    const auto session = fuzzed->open(fuzzed->first_address, {});
    Queries queries;
    for (unsigned poll = 0; poll < 2; ++poll) {
        queries.clear();
        session->cycle(poll, queries);
        for (const auto& query : queries) {
            Queries follow;
            const auto found = fuzzed->sight(bytes, query.bytes);
            if (found.kind == Sight::Kind::frame && found.role == Role::reply
                && !fuzzed->mismatch(bytes.first(found.length), query.bytes)) {
                session->take(query, bytes.first(found.length), follow);
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*words*/) {
    lenient_checks = true;
    const char* name = std::getenv("FUZZ_VARIANT");
    fuzzed = find_family(name == nullptr ? "" : name);
    if (fuzzed == nullptr) {
        std::fputs("FUZZ_VARIANT in the environment has to be the name of a family\n", stderr);
        std::exit(2);
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Bytes rest(data + 1, size - 1);
    switch (data[0] % 4) {
        case 0:
            decode_it(rest, false);
            break;
        case 1:
            decode_it(rest, true);
            break;
        case 2:
            talk(rest);
            break;
        default:
            take(rest);
    }
    return 0;
}
