#pragma once
// Pieces the control functions are made of: arguments by name, and a list of writes that is checked as it grows.

#include "givenergy/control/commands.hpp"

namespace givenergy {

/// Collects writes; the first that is not allowed makes the whole plan fail.
class PlanBuilder {
  public:
    explicit PlanBuilder(const CommandContext& context) : context_(&context) {}

    PlanBuilder& write(int reg, int value);
    [[nodiscard]] Plan done() const;

  private:
    const CommandContext* context_;
    std::vector<ApprovedWrite> writes_;
    std::optional<CommandError> error_;
};

template <class T>
using Argument = wire::Expected<T, CommandError>;

/// The argument called `key`, or the bare payload. `key` may be a list separated by commas: its first name counts.
[[nodiscard]] Argument<std::string> call_text(const CommandCall& call, std::string_view key);
[[nodiscard]] Argument<int> call_number(const CommandCall& call, std::string_view key);
[[nodiscard]] Argument<int> call_time(const CommandCall& call, std::string_view key);
/// enable/disable, true/false, 1/0, on/off. `standard`: what a missing argument means.
[[nodiscard]] Argument<int> call_flag(const CommandCall& call, std::string_view key = "state",
                                      std::optional<bool> standard = std::nullopt);

template <class T>
[[nodiscard]] const CommandError* failed(const Argument<T>& argument) {
    return argument ? nullptr : &argument.error();
}

/// A function that writes one argument to one register.
[[nodiscard]] Plan number_command(const CommandCall& call, std::string_view key, std::uint16_t reg);
[[nodiscard]] Plan time_command(const CommandCall& call, std::string_view key, std::uint16_t reg);
[[nodiscard]] Plan flag_command(const CommandCall& call, std::uint16_t reg);

/// Refuses arguments the function does not know, and any argument of a function that takes none.
[[nodiscard]] std::optional<CommandError> check_names(const Command& command, int slot,
                                                      const Arguments& arguments);

/// "dd/mm/yyyy hh:mm:ss"; an invalid clock if it is not one.
[[nodiscard]] WallClock parse_date_time(std::string_view text);

}  // namespace givenergy
