#pragma once
// The VRM instance of a device, kept in settings as "class:number", for example "battery:1".
// Facts: docs/protocols/settings-service.md, "Device instances".

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace velib::settings {

struct ClassInstance {
    std::string device_class;
    std::int32_t number = 0;

    friend bool operator==(const ClassInstance&, const ClassInstance&) = default;
};

/// Reads "class:number". The number may be negative and have leading zeros; nothing when there is no class,
/// no number, a fraction, or more than 32 bits.
[[nodiscard]] std::optional<ClassInstance> parse_class_instance(std::string_view text);

/// The normal form: "battery:7", also for "battery:007".
[[nodiscard]] std::string to_string(const ClassInstance& instance);

/// `wanted`, or the next higher number of the same class that is not in `taken`. Nothing when there is none.
[[nodiscard]] std::optional<ClassInstance> first_free(ClassInstance wanted,
                                                      std::span<const ClassInstance> taken);

/// Whether a setting at `path` holds a device's class and instance:
/// /Settings/Devices/<id>/ClassAndVrmInstance.
[[nodiscard]] bool is_class_instance_path(std::string_view path);

}  // namespace velib::settings
