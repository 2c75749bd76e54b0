#pragma once
// Which rows a bank holds, and the store of accepted banks.

#include "givenergy/protocol/models.hpp"

#include <map>

namespace givenergy {

/// Kind of device by its address.
enum class Device : std::uint8_t { inverter, battery, meter, module, stack, hv_system, other };
[[nodiscard]] Device device_at(std::uint8_t address);

/// The table whose rows describe a bank: by address, function and first register, and, for meters, the model.
/// Empty when nothing is known about it.
[[nodiscard]] Table table_of(std::uint8_t address, Function function, std::uint16_t base, Model model);

/// Everything a bank says, by the names of its table, and what follows from it alone (p_sum, sensors_fitted,
/// bcu_status_text, software_version). Limits are not applied.
using NamedValue = std::pair<std::string_view, FieldValue>;
struct NamedValues {
    std::vector<NamedValue> entries;

    [[nodiscard]] const FieldValue* find(std::string_view name) const;
    [[nodiscard]] std::optional<double> number(std::string_view name) const;
    [[nodiscard]] std::string_view text(std::string_view name) const;
};
[[nodiscard]] NamedValues name_values(std::uint8_t address, Function function, BankView bank, Model model);

/// A version as the device spells it: four letters, then the decimal values of four bytes.
[[nodiscard]] std::string software_version(std::span<const std::uint16_t, 4> words);

/// The registers of one installation as last accepted, by device address and function.
class Registers {
  public:
    void store(const Request& request, std::span<const std::uint16_t> values);
    /// Forgets one bank (it went stale) or everything (the device changed).
    void drop(const Request& request) { banks_.erase(request); }
    void clear() { banks_.clear(); }
    /// Changes one setting after a confirmed write; no effect if its bank is not held.
    void update_holding(std::uint16_t reg, std::uint16_t value);

    [[nodiscard]] std::optional<std::uint16_t> raw(std::uint8_t address, Function function,
                                                   std::uint16_t reg) const;
    [[nodiscard]] std::optional<std::uint16_t> holding(std::uint16_t reg) const {
        return raw(kInverterAddress, Function::read_holding, reg);
    }
    /// The bank that holds all words of the row; an empty view when there is none.
    [[nodiscard]] BankView bank_with(std::uint8_t address, Function function, const Row& row) const;
    [[nodiscard]] BankView bank(const Request& request) const;
    [[nodiscard]] bool holds(const Request& request) const { return banks_.contains(request); }

    template <const auto& rows>
    [[nodiscard]] std::optional<double> number(In<rows> field, std::uint8_t address = kInverterAddress,
                                               Function function = Function::read_input) const {
        return givenergy::number(*field.row, bank_with(address, function, *field.row));
    }
    template <const auto& rows>
    [[nodiscard]] std::string text(In<rows> field, std::uint8_t address = kInverterAddress,
                                   Function function = Function::read_input) const {
        return givenergy::text(*field.row, bank_with(address, function, *field.row));
    }

  private:
    std::map<Request, std::vector<std::uint16_t>> banks_;
};

}  // namespace givenergy
