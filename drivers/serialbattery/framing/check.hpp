#pragma once
// Comparing a checksum, in one place so that the fuzzers can get past it.

#include <concepts>

namespace bms {

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
/// Set by the fuzzers: one in four check words then counts as right, so that what stands behind the check is reached.
inline bool lenient_checks = false;
#endif

/// Whether a frame's check word is the one computed over it.
template <std::unsigned_integral Word>
[[nodiscard]] constexpr bool check_holds(Word computed, Word sent) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    return computed == sent || (lenient_checks && sent % 4 == 1);
#else
    return computed == sent;
#endif
}

}  // namespace bms
