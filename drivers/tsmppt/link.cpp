#include "tsmppt/link.hpp"

#include <utility>

namespace tristar {

namespace {

namespace modbus = transport::modbus;
namespace asio = boost::asio;
using wire::Unexpected;

modbus::TcpClient::Options client_options(const Link::Options& options) {
    modbus::TcpClient::Options client;
    client.host = options.host;
    client.port = options.port;
    client.mode = modbus::TcpClient::Mode::one_request_per_connection;
    client.connect_timeout = options.connect_timeout;
    client.response_timeout = options.response_timeout;
    return client;
}

}  // namespace

std::string LinkFault::text() const {
    return modbus ? modbus::describe(*modbus)
                  : std::string{describe(image.value_or(ImageFault::implausible))};
}

Link::Link(const asio::any_io_executor& executor, const Options& options)
    : unit_(options.unit), client_(executor, client_options(options)) {}

asio::awaitable<LinkResult<modbus::Response>> Link::read(modbus::Request request) {
    auto response = co_await client_.ask(request);
    const bool said_no = !response && response.error().fault == modbus::Fault::exception;
    if (!response && !said_no) {
        response = co_await client_.ask(std::move(request));
    }
    if (!response) {
        co_return Unexpected{LinkFault{response.error(), {}}};
    }
    co_return std::move(*response);
}

asio::awaitable<LinkResult<Charger>> Link::read_charger(bool with_override) {
    const auto block = with_override ? kPollBlockWithOverride : kPollBlock;
    auto response = co_await read(modbus::read_input_registers(unit_, block.address, block.count));
    if (!response) {
        co_return Unexpected{response.error()};
    }
    Image image;
    image.add(block.address, std::move(response->registers));
    const auto charger = decode_charger(image);
    if (!charger) {
        co_return Unexpected{LinkFault{{}, charger.error()}};
    }
    co_return *charger;
}

asio::awaitable<LinkResult<Image>> Link::read_eeprom(std::span<const Block> blocks, bool refusal_is_gap) {
    Image image;
    for (const auto& block : blocks) {
        auto response = co_await read(modbus::read_holding_registers(unit_, block.address, block.count));
        if (response) {
            image.add(block.address, std::move(response->registers));
        } else if (!refusal_is_gap || !response.error().refused()) {
            co_return Unexpected{response.error()};
        }
    }
    co_return image;
}

asio::awaitable<LinkResult<Identity>> Link::read_identity() {
    static constexpr auto kBlocks = std::to_array<Block>({kSerialBlock, kModelBlock});
    const auto image = co_await read_eeprom(kBlocks, true);
    if (!image) {
        co_return Unexpected{image.error()};
    }
    co_return decode_identity(*image);
}

asio::awaitable<LinkResult<SetPoints>> Link::read_set_points(double volts_per_unit) {
    const auto image = co_await read_eeprom(kSetPointBlocks, true);
    if (!image) {
        co_return Unexpected{image.error()};
    }
    co_return decode_set_points(*image, volts_per_unit);
}

asio::awaitable<LinkResult<std::uint16_t>> Link::read_word(std::uint16_t address) {
    const std::array<Block, 1> block{{{address, 1}}};
    const auto image = co_await read_eeprom(block, false);
    if (!image) {
        co_return Unexpected{image.error()};
    }
    co_return image->at(address).value_or(0);
}

asio::awaitable<LinkResult<Coils>> Link::read_coils() {
    constexpr std::uint16_t kCoils = 3;
    const auto response = co_await read(modbus::read_coils(unit_, 0, kCoils));
    if (!response) {
        co_return Unexpected{response.error()};
    }
    co_return Coils{response->coils.at(static_cast<std::size_t>(Coil::equalize)),
                    response->coils.at(static_cast<std::size_t>(Coil::disconnect))};
}

asio::awaitable<LinkResult<bool>> Link::write(modbus::Request request) {
    const auto response = co_await client_.ask(std::move(request));
    if (!response) {
        co_return Unexpected{LinkFault{response.error(), {}}};
    }
    co_return true;
}

}  // namespace tristar
