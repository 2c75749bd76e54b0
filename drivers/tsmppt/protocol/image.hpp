#pragma once
// The registers of a controller as they were read, and what they mean. Pure.

#include "tsmppt/charger.hpp"
#include "tsmppt/protocol/registers.hpp"
#include "wire/expected.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tristar {

/// A sparse register image: only what was read is in it. Made for a few runs of registers.
class Image {
  public:
    /// The words of one answer, the first of them at `address`. What would pass address 65535 is dropped.
    void add(std::uint16_t address, std::vector<std::uint16_t> words);
    void add(std::uint16_t address, std::uint16_t word);

    [[nodiscard]] std::optional<std::uint16_t> at(std::uint16_t address) const;
    [[nodiscard]] bool has(std::uint16_t address, std::uint16_t words = 1) const;

  private:
    struct Run {
        std::uint32_t address;
        std::vector<std::uint16_t> words;
    };
    std::vector<Run> runs_;
};

enum class ImageFault : std::uint8_t {
    no_scaling,  ///< a scaling word was not read or is zero: the read failed or the controller is starting
    implausible  ///< a scale, voltage, current or temperature that no such controller can have
};
[[nodiscard]] std::string_view describe(ImageFault fault);

/// The reading in an image; members whose registers are missing stay empty.
/// A fault refuses the whole image: nothing in it could be trusted.
[[nodiscard]] wire::Expected<Charger, ImageFault> decode_charger(const Image& image);

/// The set points in an image, in 12 V terms. `volts_per_unit` is that of the controller's RAM (greater than zero).
[[nodiscard]] SetPoints decode_set_points(const Image& image, double volts_per_unit);

/// Serial number, model and hardware version, as far as the image has them.
/// A serial with anything but letters and digits in it is no serial.
[[nodiscard]] Identity decode_identity(const Image& image);

}  // namespace tristar
