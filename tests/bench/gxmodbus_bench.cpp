// dbus-gxmodbus against a simulated GX: what finding and reading a house costs on the wire, beside the ways of a naive
// client, and what mirroring it costs the machine it runs on.
#include "bench.hpp"
#include "gxmodbus/driver/ask.hpp"
#include "gxmodbus/driver/memory.hpp"
#include "simulators/gxmodbus/plant.hpp"
#include "simulators/gxmodbus/tcp_server.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace {

namespace asio = boost::asio;
using namespace gxmodbus;

// The simulated GX on a thread of its own. Its measurements change twice a second.
class House {
  public:
    House() : server_(kNewestServer), network_(context_, server_) {
        gxsim::furnish_house(server_);
        live();
        port_ = network_.listen(0, false);
        thread_ = std::thread([this] { context_.run(); });
    }
    ~House() {
        context_.stop();
        thread_.join();
    }
    House(const House&) = delete;
    House& operator=(const House&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    void live() {
        constexpr double kSecondsAtOnce = 144;  // a day in five minutes
        timer_.expires_after(std::chrono::milliseconds(500));
        timer_.async_wait([this](const boost::system::error_code& cancelled) {
            if (!cancelled) {
                day_.advance(kSecondsAtOnce);
                live();
            }
        });
    }

    asio::io_context context_{1};
    gxsim::GxServer server_;
    gxsim::TcpServer network_;
    gxsim::HouseDay day_{server_};
    asio::steady_timer timer_{context_};
    std::uint16_t port_ = 0;
    std::thread thread_;
};

struct Cost {
    Traffic traffic;
    std::size_t found = 0;
    std::size_t registers = 0;
    double wall = 0;
    double cpu = 0;
};

using Work = std::function<asio::awaitable<void>(TcpClient&, Cost&)>;

Cost measure(std::uint16_t port, const Work& work) {
    asio::io_context context{1};
    Cost cost;
    auto options = client_options("127.0.0.1", port, 1);
    options.tap = [&](TcpClient::Direction, wire::Bytes bytes) { cost.traffic.bytes += bytes.size(); };
    TcpClient client(context.get_executor(), std::move(options));
    const double wall = bench::wall_seconds();
    timespec start{}, end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    std::exception_ptr failure;
    asio::co_spawn(context, work(client, cost), [&](const std::exception_ptr& thrown) {
        failure = thrown;
        client.close();  // an open connection would keep the loop going
    });
    context.run();
    if (failure) {
        std::rethrow_exception(failure);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    cost.wall = bench::wall_seconds() - wall;
    cost.cpu = static_cast<double>(end.tv_sec - start.tv_sec)
               + static_cast<double>(end.tv_nsec - start.tv_nsec) * 1e-9;
    return cost;
}

asio::awaitable<Answer> ask(TcpClient& client, Cost& cost, std::uint8_t unit, Block block) {
    auto answer = co_await read_registers(client, cost.traffic, unit, block.first, block.count, kReadTimeout);
    cost.registers += answer.words.size();
    co_return answer;
}

asio::awaitable<void> our_scan(TcpClient& client, Cost& cost) {
    for (Scan scan = Scan::likely({}, {}); const auto pair = scan.next();) {
        const auto answer =
            co_await ask(client, cost, pair->unit, {probe_address(pair->type), 1, Speed::fast});
        cost.found += answer.has_data() ? 1 : 0;
        scan.answer(outcome_of(answer));
    }
}

// The way of well-known clients: the whole block of every type on some eighty units, to see what does not fail.
asio::awaitable<void> naive_scan(TcpClient& client, Cost& cost) {
    std::vector<unsigned> units;
    for (const auto& [first, last] :
         {std::pair{0u, 12u}, {20, 46}, {100, 101}, {204, 239}, {242, 243}, {245, 247}}) {
        for (unsigned unit = first; unit <= last; ++unit) {
            units.push_back(unit);
        }
    }
    const ReadPlan plan(Generation::v101);
    for (const unsigned unit : units) {
        for (std::size_t i = 0; i < kServiceTypes; ++i) {
            for (const Block& block : plan.blocks(static_cast<ServiceType>(i))) {
                const auto answer = co_await ask(client, cost, static_cast<std::uint8_t>(unit), block);
                cost.found += answer.has_data() ? 1 : 0;
            }
        }
    }
}

const std::vector<Pair> kHouse{{100, ServiceType::system},       {100, ServiceType::generator},
                               {227, ServiceType::vebus},        {225, ServiceType::battery},
                               {224, ServiceType::solarcharger}, {0, ServiceType::solarcharger},
                               {30, ServiceType::grid},          {20, ServiceType::pvinverter},
                               {25, ServiceType::tank},          {26, ServiceType::tank},
                               {24, ServiceType::temperature},   {27, ServiceType::temperature},
                               {40, ServiceType::evcharger},     {1, ServiceType::gps},
                               {1, ServiceType::digitalinput}};

asio::awaitable<void> our_read(TcpClient& client, Cost& cost) {
    const ReadPlan plan(Generation::v101);
    for (const Read& read : reads_of(plan, kHouse)) {
        co_await ask(client, cost, read.unit, read.block);
    }
}

asio::awaitable<void> naive_read(TcpClient& client, Cost& cost) {
    for (const Pair& pair : kHouse) {
        for (const Register& row : all_registers()) {
            if (row.type == pair.type && row.has_value()) {
                co_await ask(client, cost, pair.unit, {row.address, row.count, Speed::fast});
            }
        }
    }
}

std::vector<std::string> cells(const char* name, const Cost& cost) {
    return {name,
            std::to_string(cost.traffic.requests),
            std::to_string(cost.traffic.exceptions),
            bench::kibibytes(static_cast<double>(cost.traffic.bytes) / 1024),
            bench::milliseconds(cost.wall),
            bench::milliseconds(cost.cpu),
            std::to_string(static_cast<long>(static_cast<double>(cost.registers) / cost.wall))};
}

// A program of this build, ended with the object.
class Child {
  public:
    explicit Child(std::vector<std::string> arguments) {
        arguments[0] = std::string(BENCH_BIN "/") + arguments[0];
        pid_ = fork();
        if (pid_ == 0) {
            std::vector<char*> argv;
            for (auto& argument : arguments) {
                argv.push_back(argument.data());
            }
            argv.push_back(nullptr);
            execv(argv[0], argv.data());
            _exit(127);
        }
    }
    ~Child() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] double cpu_seconds() const {
        clockid_t clock{};
        return clock_getcpuclockid(pid_, &clock) == 0 ? bench::seconds_of(clock) : 0;
    }

  private:
    pid_t pid_ = 0;
};

// What the driver knows of the house after a scan, so that it only reads.
void remember_house(const std::filesystem::path& directory) {
    Memory memory;
    memory.identity = {"c0619ab2f3d1", 0x0380, 0, Generation::v101, "Barn"};
    for (const Pair& pair : kHouse) {
        memory.pairs[pair] = "";
    }
    memory.scanned = true;
    std::ofstream(directory / "c0619ab2f3d1.json") << to_json(memory);
}

void mirroring(std::uint16_t port, bool quick) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("gxmodbus-bench-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory);
    remember_house(directory);
    {
        const Child settings({"velib-settings", "--path", directory.string()});
        const Child driver({"dbus-gxmodbus", "--log-level", "error", "--state", directory.string(), "--host",
                            "127.0.0.1:" + std::to_string(port)});
        const double patience = quick ? 2 : 20;
        std::this_thread::sleep_for(std::chrono::duration<double>(patience));
        const double cpu = driver.cpu_seconds();
        const double wall = bench::wall_seconds();
        std::this_thread::sleep_for(std::chrono::duration<double>(patience));
        if (waitpid(driver.pid(), nullptr, WNOHANG) != 0) {
            throw std::runtime_error("dbus-gxmodbus has ended");
        }
        const double used = (driver.cpu_seconds() - cpu) / (bench::wall_seconds() - wall);
        bench::Table table("dbus-gxmodbus mirrors the house, one cycle a second",
                           {"", "cpu a second", "memory", "without files"});
        table.row({"dbus-gxmodbus", bench::milliseconds(used),
                   bench::kibibytes(static_cast<double>(bench::memory_kib("VmRSS", driver.pid()))),
                   bench::kibibytes(static_cast<double>(bench::memory_kib("RssAnon", driver.pid())))});
    }
    std::filesystem::remove_all(directory);
}

}  // namespace

int main(int argc, char** argv) {
    const bool quick = bench::is_short(argc, argv);
    const House house;
    const std::vector<std::string> head{"", "requests", "error lines", "bytes", "time", "cpu", "registers/s"};
    {
        bench::Table table("finding the devices of a GX", head);
        table.row(cells("dbus-gxmodbus", measure(house.port(), our_scan)));
        table.row(cells("every block of 83 units", measure(house.port(), naive_scan)));
    }
    {
        bench::Table table("reading 15 devices once", head);
        (void)measure(house.port(), our_read);
        table.row(cells("dbus-gxmodbus", measure(house.port(), our_read)));
        table.row(cells("a request for each value", measure(house.port(), naive_read)));
    }
    mirroring(house.port(), quick);
    return 0;
}
