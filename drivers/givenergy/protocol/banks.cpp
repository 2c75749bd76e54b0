#include "givenergy/protocol/banks.hpp"

#include "givenergy/protocol/holding_registers.hpp"
#include "givenergy/protocol/input_registers.hpp"
#include "givenergy/protocol/plant_registers.hpp"

#include <algorithm>

namespace givenergy {

namespace {

constexpr std::uint16_t kModuleFirstTemperature = 90, kModuleSplitSerial = 110, kModuleSerial = 114;
constexpr int kModuleTemperatures = 24;
constexpr auto kStackStates =
    std::to_array<std::string_view>({"initialising", "precharge", "standby", "charging", "discharging",
                                     "error", "updating", "powered off", "production"});

Table holding_table(std::uint16_t base) {
    return base >= 2040 ? Table{kHoldingEms} : base >= 1000 ? Table{kHoldingThreePhase} : Table{kHolding};
}

Table inverter_table(std::uint16_t base) {
    return base >= 2040   ? Table{kEms}
           : base >= 1600 ? Table{kGateway}
           : base >= 1000 ? Table{kThreePhase}
                          : Table{kLive};
}

bool is_letter(std::uint8_t byte) {
    return byte >= 'A' && byte <= 'Z';
}

/// Some modules keep the first two letters of their serial inside the temperatures, the rest behind them.
void mend_split_serial(NamedValues& values, BankView bank) {
    if (!bank.covers(kModuleSplitSerial, kModuleSerial + 5 - kModuleSplitSerial)) {
        return;
    }
    const auto letters = bytes_of(bank[kModuleSplitSerial]);
    if (!is_letter(letters[0]) || !is_letter(letters[1]) || bank[kModuleSerial] != 0) {
        return;
    }
    for (auto& [name, value] : values.entries) {
        if (name == "t_21") {
            value = std::monostate{};
        } else if (name == "serial") {
            value = std::string(letters.begin(), letters.end()) + std::get<std::string>(value);
        }
    }
}

double sensors_fitted(const NamedValues& values) {
    static constexpr In<kBmu> kFirst{"t_01"};
    for (int i = kModuleTemperatures - 1; i >= 0; --i) {
        const auto celsius = values.number(kFirst.row[i].name);
        if (celsius && *celsius != 0) {
            return i + 1;
        }
    }
    return 0;
}

void add_derived(NamedValues& values, Device device, BankView bank) {
    if (device == Device::meter) {
        const auto l1 = values.number("p_l1"), l2 = values.number("p_l2"), l3 = values.number("p_l3");
        if (l1 && l2 && l3) {
            values.entries.emplace_back("p_sum", *l1 + *l2 + *l3);
        }
    } else if (device == Device::module) {
        mend_split_serial(values, bank);
        if (bank.covers(kModuleFirstTemperature, kModuleTemperatures)) {
            values.entries.emplace_back("sensors_fitted", sensors_fitted(values));
        }
    } else if (device == Device::stack) {
        const auto status = values.number("bcu_status");
        if (status && *status < static_cast<double>(kStackStates.size())) {
            values.entries.emplace_back("bcu_status_text",
                                        std::string{kStackStates[static_cast<std::size_t>(*status)]});
        }
    }
    for (const std::uint16_t reg : {std::uint16_t{1600}, std::uint16_t{60}}) {
        if ((device == (reg == 60 ? Device::stack : Device::inverter)) && bank.covers(reg, 4)) {
            values.entries.emplace_back(
                "software_version",
                software_version(bank.values.subspan(static_cast<std::size_t>(reg - bank.base)).first<4>()));
        }
    }
}

}  // namespace

Device device_at(std::uint8_t address) {
    if (address == kInverterAddress || address == 0x30 || address == 0x31) {
        return Device::inverter;
    }
    if (address >= 0x32 && address <= 0x37) {
        return Device::battery;
    }
    if (address >= 0x01 && address <= 0x08) {
        return Device::meter;
    }
    if (address >= 0x50 && address <= 0x6f) {
        return Device::module;
    }
    if (address >= 0x70 && address <= 0x8f) {
        return Device::stack;
    }
    return address == 0xa0 ? Device::hv_system : Device::other;
}

Table table_of(std::uint8_t address, Function function, std::uint16_t base, Model model) {
    if (function == Function::read_holding) {
        return holding_table(base);
    }
    if (function == Function::read_meter_product) {
        return kMeterProduct;
    }
    const bool device_page = base >= 60 && base < 180;
    switch (device_at(address)) {
        case Device::inverter:
            return !device_page ? inverter_table(base) : address == 0x31 ? Table{kLvBcu} : Table{};
        case Device::battery:
            // Battery addresses mirror the inverter's own banks as well.
            return device_page ? Table{kBattery} : inverter_table(base);
        case Device::meter:
            return meter_table(model);
        case Device::module:
            return kBmu;
        case Device::stack:
            return kBcu;
        case Device::hv_system:
            return kHvSystem;
        case Device::other:
            return {};
    }
    return {};
}

const FieldValue* NamedValues::find(std::string_view name) const {
    const auto entry = std::ranges::find(entries, name, &NamedValue::first);
    return entry == entries.end() ? nullptr : &entry->second;
}

std::optional<double> NamedValues::number(std::string_view name) const {
    const FieldValue* value = find(name);
    const double* found = value == nullptr ? nullptr : std::get_if<double>(value);
    return found == nullptr ? std::nullopt : std::optional{*found};
}

std::string_view NamedValues::text(std::string_view name) const {
    const FieldValue* value = find(name);
    const std::string* found = value == nullptr ? nullptr : std::get_if<std::string>(value);
    return found == nullptr ? std::string_view{} : std::string_view{*found};
}

NamedValues name_values(std::uint8_t address, Function function, BankView bank, Model model) {
    NamedValues values;
    for (const Row& row : table_of(address, function, bank.base, model)) {
        if (!bank.covers(row.reg, row.words())) {
            continue;
        }
        Row applied = row;
        // One capture of this model has the hours with their words swapped.
        if (model == Model::hybrid_hv_gen3 && row.name == "work_hours") {
            applied.raw = Raw::u32_low_first;
        }
        values.entries.emplace_back(row.name, decode(applied, bank));
    }
    if (function == Function::read_input) {
        add_derived(values, device_at(address), bank);
    }
    return values;
}

std::string software_version(std::span<const std::uint16_t, 4> words) {
    std::string version;
    for (const std::uint16_t word : words.first<2>()) {
        for (const std::uint8_t byte : bytes_of(word)) {
            if (byte >= 0x20 && byte < 0x7f) {
                version += static_cast<char>(byte);
            }
        }
    }
    for (const std::uint16_t word : words.last<2>()) {
        for (const std::uint8_t byte : bytes_of(word)) {
            version += std::to_string(byte);
        }
    }
    return version;
}

void Registers::store(const Request& request, std::span<const std::uint16_t> values) {
    banks_[request].assign(values.begin(), values.end());
}

void Registers::update_holding(std::uint16_t reg, std::uint16_t value) {
    for (auto& [request, values] : banks_) {
        if (request.address == kInverterAddress && request.function == Function::read_holding
            && reg >= request.base && reg < request.base + values.size()) {
            values[static_cast<std::size_t>(reg - request.base)] = value;
        }
    }
}

BankView Registers::bank(const Request& request) const {
    const auto found = banks_.find(request);
    return found == banks_.end() ? BankView{} : BankView{request.base, found->second};
}

std::optional<std::uint16_t> Registers::raw(std::uint8_t address, Function function,
                                            std::uint16_t reg) const {
    const BankView bank = bank_with(address, function, Row{.name = "", .reg = reg});
    return bank.values.empty() ? std::nullopt : std::optional{bank[reg]};
}

BankView Registers::bank_with(std::uint8_t address, Function function, const Row& row) const {
    // Banks of a device lie in register order; the one that begins last at or before the row may hold it.
    auto found = banks_.upper_bound(Request{address, function, row.reg, 0xffff});
    while (found != banks_.begin()) {
        --found;
        if (found->first.address != address || found->first.function != function) {
            break;
        }
        const BankView bank{found->first.base, found->second};
        if (bank.covers(row.reg, row.words())) {
            return bank;
        }
    }
    return {};
}

}  // namespace givenergy
