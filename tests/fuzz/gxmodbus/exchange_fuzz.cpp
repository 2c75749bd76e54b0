// A reply of any shape to a fixed set of requests, then every value the table makes of its words.

#include "gxmodbus/plan/read_plan.hpp"
#include "gxmodbus/protocol/exchange.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gxmodbus;
    static const auto kRequests = *wire::from_hex(
        "0000000000066403032000060001000000066403032000780002000000060003030300170003000000066503060026007d"
        "0004000000066406001600a5000500000010641005380008 1042616e6b204100000000000000000000");
    const wire::Bytes bytes(data, size);
    for (const ServerVersion server : {kNewestServer, ServerVersion{1, 0, 82}}) {
        const auto replies = decode_exchange(kRequests, bytes, server);
        if (!replies) {
            continue;
        }
        for (const DecodedReply& reply : *replies) {
            for (const DecodedValue& value : reply.values) {
                if (text_of(*value.row, value.value).size() > 400) {
                    std::abort();
                }
            }
        }
    }
    // The same bytes as the words of every block a plan may have.
    std::vector<std::uint16_t> words;
    for (std::size_t i = 0; i + 1 < size; i += 2) {
        words.push_back(wire::be16(bytes, i));
    }
    for (const Generation generation : {Generation::v75, Generation::v101}) {
        const ReadPlan plan(generation);
        for (const Block& block : plan.blocks(ServiceType::battery)) {
            for_each_row(block, words, version_of(generation), [](const Register& row, Words raw) {
                const auto value = decode(row, raw);
                if (value && row.writable) {
                    (void)encode(row, *value);
                }
            });
        }
    }
    return 0;
}
