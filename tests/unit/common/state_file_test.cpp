#include "common/state_file.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <fstream>

namespace fs = std::filesystem;

namespace {

/// Accepts what begins with "good".
std::optional<std::string> parse(const std::string& text) {
    return text.starts_with("good") ? std::optional{text} : std::nullopt;
}

void spoil(const fs::path& path, const std::string& text) {
    std::ofstream{path, std::ios::trunc} << text;
}

}  // namespace

TEST_CASE("what was saved is loaded, by another instance too") {
    const test::TemporaryFolder folder;
    const auto path = folder.path / "deeper" / "state.json";
    CHECK_FALSE(common::StateFile{path}.load(parse).has_value());
    CHECK_FALSE(common::StateFile{path}.save("good 1"));
    CHECK(common::StateFile{path}.load(parse) == "good 1");
    CHECK_FALSE(common::StateFile{path}.save("good 2"));
    CHECK(common::StateFile{path}.load(parse) == "good 2");
    CHECK_FALSE(fs::exists(path.string() + ".new"));
}

TEST_CASE("a spoilt file is replaced by its spare") {
    const test::TemporaryFolder folder;
    const common::StateFile file{folder.path / "state"};
    REQUIRE_FALSE(file.save("good 1"));
    REQUIRE_FALSE(file.save("good 2"));
    // Written in place by the storage's own fault: the spare must not share its content.
    fs::remove(file.path());
    spoil(file.path(), "go");
    CHECK(file.load(parse) == "good 1");
    fs::remove(file.path());
    CHECK(file.load(parse) == "good 1");
    spoil(folder.path / "state.old", "");
    CHECK_FALSE(file.load(parse).has_value());
}

TEST_CASE("a file too large to be one of ours is none") {
    const test::TemporaryFolder folder;
    spoil(folder.path / "state", "good" + std::string(1 << 20, 'x'));
    CHECK_FALSE(common::StateFile{folder.path / "state"}.load(parse).has_value());
}

TEST_CASE("a folder that cannot be written to is an error, and the old file stays") {
    const test::TemporaryFolder folder;
    const common::StateFile file{folder.path / "state"};
    REQUIRE_FALSE(file.save("good 1"));
    fs::create_directory(folder.path / "state.new");  // where the new content would go
    fs::create_directory(folder.path / "state.new" / "occupied");
    CHECK(file.save("good 2"));
    CHECK(file.load(parse) == "good 1");
    CHECK(common::StateFile{folder.path / "state" / "below" / "a-file"}.save("good"));
}
