#pragma once
// What benchmarks share: clocks, memory, and a table that puts our figure beside another one's.
//
//   int main(int argc, char** argv) {
//       bench::Table table("family detection", {"family", "frames", "time"});
//       const int rounds = bench::is_short(argc, argv) ? 1 : 1000;
//       table.row({"JBD", "3", bench::microseconds(seconds)});
//   }  // printed when it goes
//
// Nothing here judges a figure: tests/bench/run shows them, a person compares.

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// With --short a benchmark only shows that it works.
inline bool is_short(int argc, char** argv) {
    return std::any_of(argv + 1, argv + argc,
                       [](const char* argument) { return std::string_view(argument) == "--short"; });
}

inline double seconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Processor time that this process has used, in seconds.
inline double cpu_seconds() {
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

/// Time that has passed, in seconds.
inline double wall_seconds() {
    return seconds_of(CLOCK_MONOTONIC);
}

/// A line of /proc/PID/status in KiB, e.g. "VmRSS", or "RssAnon" without files and libraries; 0 when there is none.
inline long memory_kib(std::string_view field, pid_t process = getpid()) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(field) && line.size() > field.size() && line[field.size()] == ':') {
            return std::stol(line.substr(field.size() + 1));
        }
    }
    return 0;
}

/// "12.3 us" and the like, with the digits that matter.
inline std::string scaled(double value, const char* unit) {
    char text[64];
    const int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    std::snprintf(text, sizeof text, "%.*f %s", digits, value, unit);
    return text;
}
inline std::string microseconds(double seconds) {
    return scaled(seconds * 1e6, "us");
}
inline std::string milliseconds(double seconds) {
    return scaled(seconds * 1e3, "ms");
}
inline std::string kibibytes(double kib) {
    return scaled(kib, "KiB");
}
/// How many times `ours` goes into `theirs`.
inline std::string ratio(double ours, double theirs) {
    return ours > 0 ? scaled(theirs / ours, "x") : "-";
}

/// Printed with columns in line when it is destroyed.
class Table {
  public:
    Table(std::string title, std::vector<std::string> head)
        : title_(std::move(title)), rows_{std::move(head)} {}
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    ~Table() { print(); }

    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  private:
    void print() const {
        std::vector<std::size_t> widths;
        for (const auto& row : rows_) {
            widths.resize(std::max(widths.size(), row.size()));
            for (std::size_t i = 0; i < row.size(); ++i) {
                widths[i] = std::max(widths[i], row[i].size());
            }
        }
        std::printf("\n%s\n", title_.c_str());
        for (const auto& row : rows_) {
            for (std::size_t i = 0; i < row.size(); ++i) {
                // Names to the left, figures to the right.
                std::printf(i == 0 ? "  %-*s" : "  %*s", static_cast<int>(widths[i]), row[i].c_str());
            }
            std::printf("\n");
        }
        std::fflush(stdout);
    }

    std::string title_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace bench
