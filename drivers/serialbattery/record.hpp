#pragma once
// A decoded frame as a list of named values: what `dbus-serialbattery decode` prints and what shows a user the
// raw words behind a reading. The protocol room fills it; turning it into JSON is the tool's work.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bms {

struct Datum;
struct Member;

using List = std::vector<Datum>;

/// Members in the order they were added.
class Record {
  public:
    // Members hold data that may hold records: what needs the complete type is defined behind it.
    Record() noexcept;
    Record(const Record& other);
    Record(Record&& other) noexcept;
    Record& operator=(const Record& other);
    Record& operator=(Record&& other) noexcept;
    ~Record();

    /// Adds a member, or replaces the one of the same name.
    void set(std::string_view key, Datum value);
    [[nodiscard]] const Datum* find(std::string_view key) const;
    [[nodiscard]] const std::vector<Member>& members() const { return members_; }

  private:
    std::vector<Member> members_;
};

/// Nothing (null), a truth value, an integer, a number, a text, a list or a record.
struct Datum {
    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, List, Record> value;

    Datum() = default;
    Datum(std::nullptr_t) : value(nullptr) {}
    Datum(bool truth) : value(truth) {}
    Datum(double number) : value(number) {}
    /// A template, because std::size_t is another type than unsigned on one processor and the same on the next.
    template <std::integral Number>
    Datum(Number number) : value(static_cast<std::int64_t>(number)) {}
    Datum(std::string text) : value(std::move(text)) {}
    Datum(std::string_view text) : value(std::string(text)) {}
    Datum(const char* text) : value(std::string(text)) {}
    Datum(List list) : value(std::move(list)) {}
    Datum(Record record) : value(std::move(record)) {}
};

struct Member {
    std::string key;
    Datum value;
};

inline Record::Record() noexcept = default;
inline Record::Record(const Record& other) = default;
inline Record::Record(Record&& other) noexcept = default;
inline Record& Record::operator=(const Record& other) = default;
inline Record& Record::operator=(Record&& other) noexcept = default;
inline Record::~Record() = default;

inline void Record::set(std::string_view key, Datum value) {
    for (auto& member : members_) {
        if (member.key == key) {
            member.value = std::move(value);
            return;
        }
    }
    members_.push_back({std::string(key), std::move(value)});
}

inline const Datum* Record::find(std::string_view key) const {
    for (const auto& member : members_) {
        if (member.key == key) {
            return &member.value;
        }
    }
    return nullptr;
}

}  // namespace bms
