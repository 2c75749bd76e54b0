// The one list: every family the driver knows. A new one is a file in families/ and two lines here.

#include "serialbattery/family.hpp"

#include <array>

namespace bms {

extern const Family kJbd;

std::span<const Family* const> families() {
    static constexpr std::array kFamilies{
        &kJbd,
    };
    return kFamilies;
}

}  // namespace bms
