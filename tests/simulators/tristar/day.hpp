#pragma once
// A day in the life of a TriStar MPPT 60 on a 24 V battery, as register images. The numbers are made up to fit one
// another; they are no recording.

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace tristar_simulator {

/// The moments of the day. `fault` is a picture of its own: its counters do not belong to this day.
enum class Scene : std::uint8_t {
    before_dawn,    ///< A 03:00 night, registers still those of yesterday
    night_check,    ///< B 06:30
    stale_morning,  ///< C 07:00 charging, registers still those of yesterday
    fresh_morning,  ///< D 07:05 the daily registers have restarted
    bulk,           ///< E 11:30
    absorption,     ///< F 13:30
    float_,         ///< G 16:00
    fault,          ///< H battery high voltage disconnect
    evening         ///< I 20:00 night of the same day
};
inline constexpr std::size_t kScenes = 9;
inline constexpr std::array<Scene, 8> kDay{Scene::before_dawn,   Scene::night_check, Scene::stale_morning,
                                           Scene::fresh_morning, Scene::bulk,        Scene::absorption,
                                           Scene::float_,        Scene::evening};
inline constexpr std::array<std::string_view, kScenes> kSceneNames{"A", "B", "C", "D", "E",
                                                                   "F", "G", "H", "I"};

struct Row {
    std::uint16_t address;
    std::array<std::uint16_t, kScenes> words;
};

inline constexpr auto kRows = std::to_array<Row>({
    // clang-format off
    //       A      B      C      D      E      F      G      H      I
    { 24, {{ 4588,  4569,  4606,  4624,  4886,  5243,  4952,  5807,  4733}}},
    { 25, {{ 4588,  4569,  4606,  4624,  4910,  5265,  4953,  5825,  4733}}},
    { 26, {{ 4588,  4569,  4606,  4624,  4886,  5243,  4952,  5807,  4733}}},
    { 27, {{   55,  7464, 12379, 12743, 13508, 14382, 15292, 21845,    73}}},
    { 28, {{65454, 65454,   451,   901, 15811,  7455,   860,     0, 65454}}},
    { 29, {{    0,     0,   205,   369,  6103,  2908,   328,     0,     0}}},
    { 35, {{   12,    12,    13,    14,    41,    44,    38,    35,    18}}},
    { 36, {{   14,    13,    13,    13,    18,    20,    21,   128,    18}}},
    { 37, {{   14,    13,    13,    13,    18,    20,    21,    27,    18}}},
    { 38, {{ 4588,  4569,  4588,  4606,  4877,  5241,  4952,  5789,  4733}}},
    { 39, {{65454, 65454,   246,   737, 15524,  7537,   860,     0, 65454}}},
    { 44, {{    0,     0,     0,     0,     0,     0,     0,     8,     0}}},
    { 46, {{    0,     0,     0,     0,     0,     0,     0,     0,     0}}},
    { 47, {{    0,     0,     0,     0,     0,     0,     0,  4100,     0}}},
    { 49, {{    6,     6,     6,     6,     6,     5,     6,    16,     6}}},
    { 50, {{    3,     1,     5,     5,     5,     6,     7,     4,     3}}},
    { 51, {{    0,     0,  5243,  5243,  5243,  5243,  4952,     0,     0}}},
    { 56, {{  312,   312,   312,   312,   312,   312,   312,   312,   315}}},
    { 57, {{ 2604,  2604,  2604,  2604,  2604,  2604,  2604,  2604,  2607}}},
    { 58, {{    0,     0,   255,   510,  9430,  4770,   519,     0,     0}}},
    { 59, {{    0,     0,   282,   564,  9931,  5034,   583,     0,     0}}},
    { 60, {{  364,   364,   300,   583,  9830,  9830,  8192,  8192,   273}}},
    { 61, {{11105, 11105, 12379, 12743, 13471, 13471, 13653, 20025, 10559}}},
    { 62, {{14564, 14564, 15474, 15656, 16803, 16803, 16566, 22027, 14017}}},
    { 64, {{ 4569,  4569,  4569,  4606,  4606,  4606,  4606,  4551,  4606}}},
    { 65, {{ 5243,  5243,  5243,  4624,  4897,  5247,  5252,  5825,  5252}}},
    { 66, {{17003, 17003, 17003, 15656, 17003, 17003, 17003, 22027, 17003}}},
    { 67, {{ 1204,  1204,  1204,     1,   613,  1040,  1240,   440,  1250}}},
    { 68, {{ 3310,  3310,  3310,     0,  1620,  2810,  3370,  1100,  3400}}},
    { 69, {{    4,     4,     4,     0,     0,     0,     4,    24,     4}}},
    { 70, {{10204, 10204, 10204,   510, 10204, 10204, 10204,  7464, 10204}}},
    { 71, {{   11,    11,    11,    13,    13,    13,    13,    13,    13}}},
    { 72, {{   22,    22,    22,    13,    18,    20,    22,    27,    22}}},
    { 73, {{    0,     0,     0,     0,     0,     0,     0,     8,     0}}},
    { 75, {{    0,     0,     0,     0,     0,     0,     0,     0,     0}}},
    { 76, {{    0,     0,     0,     0,     0,     0,     0,  4096,     0}}},
    { 77, {{ 7200,  7200,  7200,     0,     0,  3600,  7200,    60,  7200}}},
    { 79, {{ 9000,  9000,  9000,     0,     0,     0,  1800,     0, 12000}}},
    // clang-format on
});

/// What does not change during the day: scaling 180 V and 80 A, software 42, DIP switches 2 and 8 ON.
inline constexpr auto kConstant = std::to_array<std::pair<std::uint16_t, std::uint16_t>>({
    {0, 180},    {1, 0},      {2, 80},     {3, 0},     {4, 0x42},  {30, 23557}, {31, 17973},
    {32, 22800}, {33, 19442}, {34, 22282}, {40, 4296}, {41, 5298}, {42, 0},     {43, 43210},
    {48, 0x82},  {52, 1},     {53, 57920}, {54, 15},   {55, 4614},
});

/// EEPROM: serial "01234567", model 60, hardware 1.2, and the set points of the custom program.
inline constexpr auto kEeprom = std::to_array<std::pair<std::uint16_t, std::uint16_t>>({
    {0xE000, 2621},   {0xE001, 2476}, {0xE002, 7200},   {0xE003, 3600},   {0xE004, 2276},   {0xE005, 2367},
    {0xE006, 1800},   {0xE007, 0},    {0xE008, 28},     {0xE009, 3600},   {0xE00A, 10800},  {0xE00B, 0},
    {0xE00D, 11},     {0xE00E, 2840}, {0xE00F, 2731},   {0xE010, 2767},   {0xE011, 80},     {0xE012, 0xFFD8},
    {0xE088, 4569},   {0xE089, 5243}, {0xE08A, 17003},  {0xE0C0, 0x3130}, {0xE0C1, 0x3332}, {0xE0C2, 0x3534},
    {0xE0C3, 0x3736}, {0xE0CC, 1},    {0xE0CD, 0x0102},
});

/// All registers of a scene.
inline std::map<std::uint16_t, std::uint16_t> image(Scene scene) {
    std::map<std::uint16_t, std::uint16_t> words;
    for (std::uint16_t address = 0; address < 92; ++address) {
        words[address] = 0;
    }
    for (const auto& [address, word] : kConstant) {
        words[address] = word;
    }
    for (const auto& row : kRows) {
        words[row.address] = row.words[static_cast<std::size_t>(scene)];
    }
    for (const auto& [address, word] : kEeprom) {
        words[address] = word;
    }
    return words;
}

}  // namespace tristar_simulator
