// A state that was accepted must survive its own text form.

#include "tsmppt/control/state.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto state = tristar::from_text({data, data + size});
    if (state && tristar::from_text(tristar::to_text(*state)) != state) {
        std::abort();
    }
    return 0;
}
