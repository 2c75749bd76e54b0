#include "serialbattery/driver/search.hpp"

#include "serialbattery/driver/overhearing.hpp"
#include "support/catch.hpp"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

using namespace bms;

namespace {

std::vector<unsigned> others(std::string_view family, std::uint8_t found,
                             const std::vector<std::uint8_t>& given = {}) {
    const auto* known = find_family(family);
    std::vector<unsigned> addresses;
    for (const auto& place : further_places({known, found, known->lines.front()}, given)) {
        addresses.push_back(place.address);
    }
    return addresses;
}
std::vector<unsigned> range(unsigned first, unsigned last) {
    std::vector<unsigned> numbers;
    for (unsigned i = first; i <= last; ++i) {
        numbers.push_back(i);
    }
    return numbers;
}

/// A line where nobody answers, and time passes by itself.
class DeafPort final : public Port {
  public:
    [[nodiscard]] TimePoint now() const override { return now_; }
    [[nodiscard]] std::optional<SerialFault> set_line(const Line&) override { return std::nullopt; }
    void discard_input() override {}
    [[nodiscard]] boost::asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_some(
        std::span<std::uint8_t>, TimePoint until) override {
        now_ = std::max(now_, until);
        co_return std::size_t{0};
    }
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> write(Bytes bytes) override {
        asked_.emplace_back(bytes.begin(), bytes.end());
        co_return std::nullopt;
    }
    [[nodiscard]] boost::asio::awaitable<void> pause(TimePoint until) override {
        now_ = std::max(now_, until);
        co_return;
    }
    [[nodiscard]] const std::vector<wire::Buffer>& asked() const { return asked_; }

  private:
    TimePoint now_{};
    std::vector<wire::Buffer> asked_;
};

/// With what sessions of the family were opened: address, first monitor.
std::vector<std::pair<unsigned, unsigned>> opened;
std::unique_ptr<Session> open_and_note(std::uint8_t address, const Options& options) {
    opened.emplace_back(address, options.first_monitor.value_or(0));
    return find_family("seplos3")->open(address, options);
}

}  // namespace

TEST_CASE("what a user says of a family counts for further batteries and where only is listened") {
    Family family = *find_family("seplos3");
    family.open = open_and_note;
    const Location found{&family, 0, family.lines.front()};
    opened.clear();
    SECTION("visiting another address") {
        DeafPort port;
        boost::asio::io_context context;
        bool there = true;
        Location place = found;
        place.address = 3;
        boost::asio::co_spawn(context, visit(port, place, {.first_monitor = 40}),
                              [&there](const std::exception_ptr& failure, std::unique_ptr<Session> session) {
                                  there = failure != nullptr || session != nullptr;
                              });
        context.run();
        CHECK_FALSE(there);
        CHECK(port.asked().size() == 1);
        CHECK(opened == std::vector<std::pair<unsigned, unsigned>>{{3, 40}});
    }
    SECTION("listening") {
        const auto listeners = listeners_at(found, {.first_monitor = 41});
        REQUIRE(opened.size() == listeners.size());
        CHECK(opened.size() > 1);
        for (std::size_t i = 0; i < opened.size(); ++i) {
            CHECK(opened[i] == std::pair<unsigned, unsigned>{listeners[i].place.address, 41});
        }
    }
}

TEST_CASE("where further batteries are looked for on a bus") {
    CHECK(others("jbd", 0).empty());
    CHECK(others("jk_pb", 0) == range(1, 15));
    CHECK(others("seplos3", 0) == range(1, 16));
    // Not every make counts from 0 or 1.
    CHECK(others("daly", 0x40) == range(0x41, 0x4f));
    CHECK(others("pylontech", 2) == range(3, 13));
    CHECK(others("renogy", 0x30) == range(0x31, 0x3f));
    CHECK(others("renogy", 0xf7) == range(0x30, 0x3f));
    SECTION("what the user names goes instead") {
        CHECK(others("daly", 0x40, {0x40, 0x42}) == std::vector<unsigned>{0x42});
        CHECK(others("pylontech", 2, {0x12, 0xf0}) == std::vector<unsigned>{0x12});
    }
}
