// Any register with any content.
#include "smartsolar/protocol/registers.hpp"

#include "smartsolar/protocol/query_report.hpp"

#include <cmath>
#include <cstdlib>

using namespace smartsolar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const wire::Bytes bytes(data, size);
    const auto number = wire::be16(bytes, 0);
    const auto content = bytes.subspan(2);
    if (const auto value = decode_register(number, content)) {
        if (const auto* scaled = std::get_if<double>(&*value); scaled != nullptr && !std::isfinite(*scaled)) {
            std::abort();
        }
    }
    (void)decode_published(number, content);
    (void)decode_history_day(content);
    Reading reading;
    apply_register(reading, number, content);
    Identity identity;
    apply_register(identity, number, content);
    QueryReport report;
    report.accept(number, content);
    (void)report.line();
    return 0;
}
