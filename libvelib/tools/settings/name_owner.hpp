#pragma once
// Who has a well-known name, so that a call can be told to come from it.

#include "call.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace velib::settings {

/// Follows one name on a connection: on the one where the calls arrive, so that it is never behind them.
class NameOwner {
  public:
    NameOwner(Bus& bus, const std::string& name);
    NameOwner(const NameOwner&) = delete;
    NameOwner& operator=(const NameOwner&) = delete;
    ~NameOwner() = default;

    /// Whether the connection with this unique name has it.
    [[nodiscard]] bool has(std::string_view unique_name) const {
        return !owner_->empty() && *owner_ == unique_name;
    }

  private:
    // Shared with the question about the first owner, which may be answered when we are gone.
    std::shared_ptr<std::string> owner_ = std::make_shared<std::string>();
    Match changes_;
};

}  // namespace velib::settings
