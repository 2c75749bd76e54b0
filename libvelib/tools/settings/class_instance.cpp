#include "class_instance.hpp"

#include "velib/value.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace velib::settings {

std::optional<ClassInstance> parse_class_instance(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto number = parse_integer(text.substr(colon + 1));
    if (!number || !std::in_range<std::int32_t>(*number)) {
        return std::nullopt;
    }
    return ClassInstance{std::string(text.substr(0, colon)), static_cast<std::int32_t>(*number)};
}

std::string to_string(const ClassInstance& instance) {
    return fmt::format("{}:{}", instance.device_class, instance.number);
}

std::optional<ClassInstance> first_free(ClassInstance wanted, std::span<const ClassInstance> taken) {
    while (std::ranges::find(taken, wanted) != taken.end()) {
        if (wanted.number == std::numeric_limits<std::int32_t>::max()) {
            return std::nullopt;
        }
        ++wanted.number;
    }
    return wanted;
}

bool is_class_instance_path(std::string_view path) {
    constexpr std::string_view kDevices = "/Settings/Devices/";
    constexpr std::string_view kName = "/ClassAndVrmInstance";
    if (!path.starts_with(kDevices) || !path.ends_with(kName)
        || path.size() <= kDevices.size() + kName.size()) {
        return false;
    }
    const auto id = path.substr(kDevices.size(), path.size() - kDevices.size() - kName.size());
    return id.find('/') == std::string_view::npos;
}

}  // namespace velib::settings
