#pragma once
// Why a port is not served any more, and what that means to who started the process for it.

#include <cstdint>

namespace bms {

enum class GivenUp : std::uint8_t {
    excluded,  ///< the configuration says never to touch it
    no_port,   ///< it is not there, or somebody else has it
    nothing,   ///< no battery answered, or something else is there
    failed,    ///< through no fault of the port
};

/// Nothing of ours on the port: serial-starter tries the next driver.
inline constexpr int kExitNotOurs = 129;

[[nodiscard]] constexpr int exit_code(GivenUp why) {
    switch (why) {
        case GivenUp::excluded:
            return 0;
        case GivenUp::no_port:
        case GivenUp::nothing:
            return kExitNotOurs;
        case GivenUp::failed:
            break;
    }
    return 1;
}

}  // namespace bms
