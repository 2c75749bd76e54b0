#include "contestants.hpp"
#include "velib/service.hpp"

#include <chrono>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <systemd/sd-bus.h>

namespace bench {

std::string item_path(int number) {
    return fmt::format("/History/Daily/{}/Value{:02}", number / 20, number % 20);
}

namespace {

class Velib final : public Contestant {
  public:
    void start(const std::string& name, int items) override {
        service_ = std::make_unique<velib::Service>(velib::BusContext{context_.get_executor(), {}, {}}, name);
        for (int i = 0; i < items; ++i) {
            items_.push_back(
                &service_->items().add(item_path(i), {velib::Type::real, velib::format::dc_volts}, 12.0 + i));
        }
        service_->start();
        context_.poll();
    }

    void change(int count, double base) override {
        {
            velib::Update update(service_->items());
            for (int i = 0; i < count; ++i) {
                update.set(*items_[static_cast<std::size_t>(i)], base + i);
            }
        }
        context_.poll();
        sd_bus_flush(service_->bus().raw());
    }

    void serve(int milliseconds) override { context_.run_for(std::chrono::milliseconds(milliseconds)); }

  private:
    boost::asio::io_context context_{1};
    std::unique_ptr<velib::Service> service_;
    std::vector<velib::Item*> items_;
};

}  // namespace

std::unique_ptr<Contestant> make_velib() {
    return std::make_unique<Velib>();
}

}  // namespace bench
