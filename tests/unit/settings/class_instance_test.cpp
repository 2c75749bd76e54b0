#include "class_instance.hpp"

#include "support/catch.hpp"

#include <limits>
#include <vector>

using namespace velib::settings;

TEST_CASE("class and instance are read and brought to their normal form") {
    CHECK(parse_class_instance("battery:1") == ClassInstance{"battery", 1});
    CHECK(to_string(*parse_class_instance("battery:007")) == "battery:7");
    CHECK(to_string(*parse_class_instance("tank:-3")) == "tank:-3");
    CHECK(parse_class_instance("battery:2147483647").has_value());
}

TEST_CASE("what is no class and instance is refused") {
    for (const auto* text : {"", ":", "battery", "battery:", ":1", "battery:3.5", "battery:x", "battery:1:2",
                             "battery:2147483648", "battery:99999999999999999999"}) {
        INFO(text);
        CHECK_FALSE(parse_class_instance(text));
    }
}

TEST_CASE("a taken instance gives way to the next higher free one of its class") {
    const std::vector<ClassInstance> taken{{"battery", 1}, {"battery", 2}, {"battery", 4}, {"tank", 3}};
    CHECK(first_free({"battery", 1}, taken) == ClassInstance{"battery", 3});
    CHECK(first_free({"battery", 4}, taken) == ClassInstance{"battery", 5});
    CHECK(first_free({"battery", 0}, taken) == ClassInstance{"battery", 0});
    CHECK(first_free({"tank", 3}, taken) == ClassInstance{"tank", 4});
    CHECK(first_free({"grid", 1}, taken) == ClassInstance{"grid", 1});
}

TEST_CASE("there is nothing after the highest instance") {
    constexpr auto kHighest = std::numeric_limits<std::int32_t>::max();
    const std::vector<ClassInstance> taken{{"battery", kHighest}};
    CHECK_FALSE(first_free({"battery", kHighest}, taken));
}

TEST_CASE("only one setting of a device holds its instance") {
    CHECK(is_class_instance_path("/Settings/Devices/bms_AB12/ClassAndVrmInstance"));
    CHECK_FALSE(is_class_instance_path("/Settings/Devices/ClassAndVrmInstance"));
    CHECK_FALSE(is_class_instance_path("/Settings/Devices//ClassAndVrmInstance"));
    CHECK_FALSE(is_class_instance_path("/Settings/Devices/a/b/ClassAndVrmInstance"));
    CHECK_FALSE(is_class_instance_path("/Settings/Devices/a/CustomName"));
    CHECK_FALSE(is_class_instance_path("/Settings/Other/a/ClassAndVrmInstance"));
}
