// Texts that come from a settings file or the command line: lists of units, stored read plans, versions.

#include "gxmodbus/plan/read_plan.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gxmodbus;
    const std::string text(data, data + size);
    (void)parse_units(text);
    (void)parse_pair(text);
    (void)parse_server_version(text);
    if (const auto plan = ReadPlan::parse(text)) {
        if (ReadPlan::parse(plan->to_text()) != plan && plan->learned()) {
            std::abort();
        }
        for (std::size_t i = 0; i < kServiceTypes; ++i) {
            for (const Block& block : plan->blocks(static_cast<ServiceType>(i))) {
                if (block.count > kMaxBlock || block.first + block.count > kLastAddress + 1) {
                    std::abort();
                }
            }
        }
    }
    return 0;
}
