// What advertisements cost: decoding, publishing, and the whole driver with twenty products around it.

#include "bench.hpp"
#include "smartsolar/protocol/advertisement.hpp"
#include "smartsolar/publication/services.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <velib/service.hpp>
#include <velib/settings.hpp>

namespace {

using namespace smartsolar;
namespace asio = boost::asio;

const Key kKey = parse_key("adeccb947395801a4dd45a2eaa44bf17").value();
const wire::Buffer kFrame = wire::from_hex("100242a0016207adceb37b605d7e0ee21b24df5c").value();

// Values change with each frame, as in life: other nonce, other noise, other plain text.
wire::Buffer frame_of(unsigned number) {
    auto frame = kFrame;
    frame[5] = static_cast<std::uint8_t>(number & 0xFF);
    frame[6] = static_cast<std::uint8_t>(number >> 8 & 0xFF);
    return frame;
}

void decoding(bench::Table& table, unsigned rounds) {
    const double start = bench::cpu_seconds();
    double sum = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        const auto readout = decode_readout(frame_of(i), &kKey);
        sum += readout ? readout->reading.pv_power_w.value_or(0) : 0;
    }
    const double each = (bench::cpu_seconds() - start) / rounds;
    if (sum > 0) {
        table.row(
            {"decode (check, decrypt, decode)", bench::microseconds(each), bench::scaled(1 / each, "/s")});
    }
}

// A real service on a real bus, one ItemsChanged a frame.
void publishing(bench::Table& table, unsigned rounds) {
    asio::io_context context;
    velib::Service service({context.get_executor(), {}, {}}, "com.victronenergy.solarcharger.ble_bench");
    velib::Publication<ProductView> rows(service.items(), service_for(1, 0xA042, {}, false)->rows);
    service.start();
    const double start = bench::cpu_seconds();
    ProductView view;
    for (unsigned i = 0; i < rounds; ++i) {
        if (const auto readout = decode_readout(frame_of(i), &kKey)) {
            view.live = readout->reading;
            velib::Update update(service.items());
            rows.publish(update, view);
        }
        context.poll();
    }
    const double each = (bench::cpu_seconds() - start) / rounds;
    table.row({"decode and publish", bench::microseconds(each), bench::scaled(1 / each, "/s")});
}

class Child {
  public:
    explicit Child(const std::string& command) : pid_(fork()) {
        if (pid_ == 0) {
            execl("/bin/sh", "sh", "-c", ("exec " + command + " >/dev/null 2>&1").c_str(), nullptr);
            _exit(127);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] double cpu_seconds() const {
        std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
        std::stringstream content;
        content << file.rdbuf();
        std::istringstream fields(content.str().substr(content.str().rfind(')') + 2));
        std::string skipped;
        for (int i = 0; i < 11; ++i) {
            fields >> skipped;
        }
        double user = 0;
        double system = 0;
        fields >> user >> system;
        return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }

  private:
    pid_t pid_;
};

std::string address(int number) {
    char text[32];
    std::snprintf(text, sizeof text, "aa:00:00:00:00:%02x", number);
    return text;
}

void pass(asio::io_context& context, std::chrono::duration<double> time) {
    context.restart();
    context.run_for(std::chrono::duration_cast<std::chrono::milliseconds>(time));
}

// Keys are entered before the driver finds the products.
asio::awaitable<void> enter_keys(velib::Settings& settings, int count) {
    std::vector<velib::SettingSpec> specs;
    for (int i = 0; i < count; ++i) {
        auto id = address(i);
        std::erase(id, ':');
        specs.push_back({"/Settings/Devices/ble_" + id + "/Key", "adeccb947395801a4dd45a2eaa44bf17"});
    }
    co_await settings.add(std::move(specs));
}

void whole_driver(bench::Table& table, const char* what, int products, int foreign,
                  const std::string& options, double seconds) {
    const std::string bin = VENUS_BIN_DIR;
    std::string directory = "/tmp/smartsolar-bench-XXXXXX";
    if (mkdtemp(directory.data()) == nullptr) {
        return;
    }
    {
        std::ofstream commands(directory + "/commands");
        for (int i = 0; i < products; ++i) {
            commands << "add " << (i % 2 == 0 ? "smartsolar " : "smartshunt ") << address(i)
                     << " adeccb947395801a4dd45a2eaa44bf17\n";
        }
        commands << "foreign " << foreign << '\n';
    }
    {
        asio::io_context context;
        const velib::BusContext bus{context.get_executor(), {}, {}};
        const Child settings_service(bin + "/velib-settings --path " + directory);
        velib::Settings settings(bus);
        asio::co_spawn(context, enter_keys(settings, products), asio::detached);
        const Child bluez(bin + "/bluez-simulator --interval 0.2 " + options + " <" + directory
                          + "/commands");
        pass(context, std::chrono::duration<double>(1));
        const Child driver(bin + "/dbus-smartsolar --log-level error");
        pass(context, std::chrono::duration<double>(seconds / 2 + 1));
        const double start = driver.cpu_seconds();
        pass(context, std::chrono::duration<double>(seconds));
        const double used = driver.cpu_seconds() - start;
        table.row({what, bench::scaled(used / seconds * 100, "% CPU"),
                   bench::kibibytes(static_cast<double>(bench::memory_kib("VmRSS", driver.pid())))});
    }
    static_cast<void>(std::system(("rm -rf " + directory).c_str()));
}

}  // namespace

int main(int argc, char** argv) {
    const bool brief = bench::is_short(argc, argv);
    {
        bench::Table table("one advertisement", {"", "time", "rate"});
        decoding(table, brief ? 1000 : 500'000);
        publishing(table, brief ? 100 : 20'000);
    }
    const double seconds = brief ? 0.5 : 10;
    bench::Table table("the driver, 5 advertisements a second from each product", {"", "one core", "memory"});
    whole_driver(table, "20 products, advertisement monitor", 20, 0, "", seconds);
    whole_driver(table, "20 products and 100 foreign devices, discovery", 20, 100, "--no-monitors", seconds);
    return 0;
}
