#pragma once
// Comparing a checksum, in one place so that the fuzzers can get past it.

#include <concepts>

namespace bms {

/// Whether a frame's check word is the one computed over it. In fuzzing builds one in four words counts as right,
/// so that what stands behind the check is reached.
template <std::unsigned_integral Word>
[[nodiscard]] constexpr bool check_holds(Word computed, Word sent) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    return computed == sent || sent % 4 == 1;
#else
    return computed == sent;
#endif
}

}  // namespace bms
