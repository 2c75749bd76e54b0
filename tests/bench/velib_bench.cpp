// libvelib beside a naive sdbus-c++ service, each in a process of its own on the same bus:
// processor time for each changed item, start-up, memory, and the time of a GetItems call.
#include "bench.hpp"
#include "contestants.hpp"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <systemd/sd-bus.h>

namespace {

constexpr const char* kName = "com.victronenergy.battery.bench";

struct Figures {
    double start_cpu = 0;
    double start_wall = 0;
    double changed_item_cpu = 0;
    long resident_kib = 0;
    long own_kib = 0;  // without files and libraries
    double get_items_wall = 0;
    double get_items_cpu = 0;
};

// In the child: makes the service, then obeys "change ROUNDS", and "serve" until it is killed.
int serve(const std::string& kind, int items) {
    const auto contestant = kind == "velib" ? bench::make_velib() : bench::make_naive();
    const double cpu = bench::cpu_seconds();
    const double wall = bench::wall_seconds();
    contestant->start(kName, items);
    const double cpu_used = bench::cpu_seconds() - cpu;
    const double wall_used = bench::wall_seconds() - wall;
    std::cout << cpu_used << ' ' << wall_used << ' ' << bench::memory_kib("VmRSS") << ' '
              << bench::memory_kib("RssAnon") << std::endl;

    std::string command;
    while (std::cin >> command) {
        if (command == "change") {
            int rounds = 0;
            std::cin >> rounds;
            constexpr int kPerCycle = 50;
            const int count = std::min(items, kPerCycle);
            const double before = bench::cpu_seconds();
            for (int round = 1; round <= rounds; ++round) {
                contestant->change(count, 12.0 + round % 1000 * 0.01);
            }
            std::cout << (bench::cpu_seconds() - before) / rounds / std::max(count, 1) << std::endl;
        } else if (command == "serve") {
            constexpr int kLongerThanAnyoneAsks = 120'000;  // ms
            contestant->serve(kLongerThanAnyoneAsks);
        }
    }
    return 0;
}

void check(int result, const char* what) {
    if (result < 0) {
        throw std::system_error(-result, std::generic_category(), what);
    }
}

// The child process with its standard input and output.
class Child {
  public:
    Child(const std::string& kind, int items) {
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        if (pipe(in.data()) != 0 || pipe(out.data()) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe");
        }
        process_ = fork();
        if (process_ == 0) {
            dup2(in[0], STDIN_FILENO);
            dup2(out[1], STDOUT_FILENO);
            for (const int descriptor : {in[0], in[1], out[0], out[1]}) {
                close(descriptor);
            }
            const auto count = std::to_string(items);
            execl("/proc/self/exe", "velib-bench", "serve", kind.c_str(), count.c_str(), nullptr);
            _exit(127);
        }
        close(in[0]);
        close(out[1]);
        in_ = fdopen(in[1], "w");
        out_ = fdopen(out[0], "r");
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        kill(process_, SIGKILL);  // it may be serving
        std::fclose(in_);
        std::fclose(out_);
        waitpid(process_, nullptr, 0);
    }

    /// Processor time that it has used, in seconds.
    [[nodiscard]] double cpu_seconds() const {
        clockid_t clock{};
        if (clock_getcpuclockid(process_, &clock) != 0) {
            throw std::runtime_error("the service under test ended");
        }
        return bench::seconds_of(clock);
    }

    void tell(const std::string& line) {
        std::fputs((line + "\n").c_str(), in_);
        std::fflush(in_);
    }
    std::istringstream hear() {
        std::array<char, 256> line{};
        if (std::fgets(line.data(), static_cast<int>(line.size()), out_) == nullptr) {
            throw std::runtime_error("the service under test ended");
        }
        return std::istringstream(line.data());
    }

  private:
    pid_t process_ = 0;
    std::FILE* in_ = nullptr;
    std::FILE* out_ = nullptr;
};

// Calls GetItems, again and again, as each of the many listeners does when a name appears.
double time_get_items(int calls) {
    sd_bus* opened = nullptr;
    check(sd_bus_open_user(&opened), "bus");
    const std::unique_ptr<sd_bus, decltype(&sd_bus_flush_close_unref)> bus(opened, &sd_bus_flush_close_unref);
    double total = 0;
    for (int i = -1; i < calls; ++i) {  // the first one opens the connection and does not count
        sd_bus_message* reply = nullptr;
        const double before = bench::wall_seconds();
        check(sd_bus_call_method(bus.get(), kName, "/", "com.victronenergy.BusItem", "GetItems", nullptr,
                                 &reply, ""),
              "GetItems");
        total += i < 0 ? 0 : bench::wall_seconds() - before;
        sd_bus_message_unref(reply);
    }
    return total / calls;
}

Figures measure(const std::string& kind, int items, bool only_short) {
    Child child(kind, items);
    Figures figures;
    child.hear() >> figures.start_cpu >> figures.start_wall >> figures.resident_kib >> figures.own_kib;
    const int rounds = only_short ? 20 : 20000;
    if (items > 0) {
        child.tell("change " + std::to_string(rounds / 10));  // warm
        child.hear();
        child.tell("change " + std::to_string(rounds));
        child.hear() >> figures.changed_item_cpu;
    }
    const int calls = only_short ? 3 : 300;
    child.tell("serve");
    const double before = child.cpu_seconds();
    figures.get_items_wall = time_get_items(calls);
    figures.get_items_cpu = (child.cpu_seconds() - before) / (calls + 1);
    return figures;
}

void compare(int items, bool only_short) {
    const auto ours = measure("velib", items, only_short);
    const auto theirs = measure("naive", items, only_short);
    const auto our_empty = measure("velib", 0, true);
    const auto their_empty = measure("naive", 0, true);

    bench::Table table("A service of " + std::to_string(items) + " items",
                       {"", "libvelib", "naive", "ratio"});
    const auto time = [&](const char* what, double ours_seconds, double theirs_seconds) {
        table.row({what, bench::microseconds(ours_seconds), bench::microseconds(theirs_seconds),
                   bench::ratio(ours_seconds, theirs_seconds)});
    };
    const auto memory = [&](const char* what, long our_kib, long their_kib) {
        table.row({what, bench::kibibytes(static_cast<double>(our_kib)),
                   bench::kibibytes(static_cast<double>(their_kib)),
                   bench::ratio(static_cast<double>(our_kib), static_cast<double>(their_kib))});
    };
    time("processor time a changed item (50 a cycle)", ours.changed_item_cpu, theirs.changed_item_cpu);
    time("start-up, processor time", ours.start_cpu, theirs.start_cpu);
    time("start-up, until the name is there", ours.start_wall, theirs.start_wall);
    time("GetItems, as the caller sees it", ours.get_items_wall, theirs.get_items_wall);
    time("GetItems, processor time of the service", ours.get_items_cpu, theirs.get_items_cpu);
    memory("resident memory", ours.resident_kib, theirs.resident_kib);
    memory("of it above a service without items", ours.own_kib - our_empty.own_kib,
           theirs.own_kib - their_empty.own_kib);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc == 4 && std::string(argv[1]) == "serve") {
        return serve(argv[2], std::atoi(argv[3]));
    }
    const bool only_short = bench::is_short(argc, argv);
    compare(50, only_short);
    compare(1000, only_short);
    return 0;
} catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
}
