#include "serialbattery/driver/identities.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using bms::Identities;

TEST_CASE("an identity is for one battery at a time, in one process and in several") {
    const test::TemporaryFolder folder;
    Identities here(folder.path);
    Identities there(folder.path);
    auto held = here.take("SERIAL", "ttyUSB0");
    REQUIRE(held);
    CHECK_FALSE(here.take("SERIAL", "ttyUSB1"));
    CHECK_FALSE(there.take("SERIAL", "ttyUSB1"));
    CHECK(there.take("ANOTHER", "ttyUSB1"));
    CHECK(there.holder("SERIAL").place == "ttyUSB0");
    CHECK_FALSE(there.holder("SERIAL").silent);
    held->note_silence(true);
    CHECK(there.holder("SERIAL").place == "ttyUSB0");
    CHECK(there.holder("SERIAL").silent);
    held->note_silence(false);
    CHECK_FALSE(there.holder("SERIAL").silent);

    auto moved = std::move(held);
    held.reset();
    CHECK_FALSE(there.take("SERIAL", "ttyUSB1"));
    moved.reset();
    const auto next = there.take("SERIAL", "ttyUSB1");
    CHECK(next);
    CHECK_FALSE(here.take("SERIAL", "ttyUSB0"));
    CHECK(here.holder("SERIAL").place == "ttyUSB1");
}

TEST_CASE("an identity that two batteries have is kept for the first of them") {
    const test::TemporaryFolder folder;
    const Identities here(folder.path);
    CHECK_FALSE(here.is_for_another("SERIAL", "ttyUSB0"));
    here.reserve("SERIAL", "ttyUSB0");
    const Identities later(folder.path);
    CHECK_FALSE(later.is_for_another("SERIAL", "ttyUSB0"));
    CHECK(later.is_for_another("SERIAL", "ttyUSB1"));
    CHECK(later.is_for_another("SERIAL", "ttyUSB10"));
    CHECK_FALSE(later.is_for_another("ANOTHER", "ttyUSB1"));
}

TEST_CASE("where nothing can be written one process still tells its batteries apart") {
    Identities here("/proc/no/such/folder");
    const auto held = here.take("SERIAL", "ttyUSB0");
    CHECK(held);
    CHECK_FALSE(here.take("SERIAL", "ttyUSB1"));
}
