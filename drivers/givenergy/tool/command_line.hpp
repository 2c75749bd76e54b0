#pragma once
// The words of the command line and what they lead to.

#include "givenergy/driver/serve.hpp"
#include "givenergy/tool/tool.hpp"
#include "velib/app.hpp"

namespace givenergy {

class CommandLine {
  public:
    explicit CommandLine(velib::App& app);

    /// True if a subcommand was given; without one the program is the driver.
    [[nodiscard]] bool given() const;
    boost::asio::awaitable<int> run();
    [[nodiscard]] const ServeOptions& serve_options() const { return serve_; }

  private:
    boost::asio::awaitable<std::optional<AdapterAddress>> address();
    void list_functions() const;

    velib::App& app_;
    ServeOptions serve_;
    CLI::App* read_;
    CLI::App* write_;
    CLI::App* find_;
    CLI::App* decode_;
    std::string host_;
    int gap_ms_ = 300;
    int write_gap_ms_ = 1000;
    std::string function_ = "runAll";
    WriteOptions options_;
    bool raw_ = false, json_ = false, list_ = false;
    std::vector<std::string> places_;
    std::uint16_t port_ = kAdapterPort;
};

}  // namespace givenergy
