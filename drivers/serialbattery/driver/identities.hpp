#pragma once
// Settings, instance and history of a battery hang on its serial number, and some makers ship all batteries with the
// same. So an identity belongs to one battery at a time, among all processes that share the state folder, and where two
// were there at once it stays with the one that had it first, whoever starts first from then on.

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace bms {

class Identities;

/// An identity that is in use here; free again when it goes.
class HeldIdentity {
  public:
    HeldIdentity(HeldIdentity&& other) noexcept;
    HeldIdentity& operator=(HeldIdentity&& other) noexcept;
    ~HeldIdentity();

    /// For others who ask: a battery that fell silent may be the one that turned up elsewhere.
    void note_silence(bool silent);

  private:
    friend class Identities;
    HeldIdentity(Identities& all, std::string key, std::string place, int file);
    void write() const;
    void release();

    Identities* all_;
    std::string key_;
    std::string place_;
    int file_;  ///< locked; -1 where no file can be kept
    bool silent_ = false;
};

class Identities {
  public:
    struct Holder {
        std::string place;
        bool silent = false;
    };

    explicit Identities(const std::filesystem::path& state_folder);

    /// Nothing while another battery has it.
    [[nodiscard]] std::optional<HeldIdentity> take(const std::string& key, const std::string& place);
    /// Who has it.
    [[nodiscard]] Holder holder(const std::string& key) const;
    /// Two have it: from now on it is for the one at that place.
    void reserve(const std::string& key, const std::string& place) const;
    [[nodiscard]] bool is_for_another(const std::string& key, std::string_view place) const;

  private:
    friend class HeldIdentity;
    [[nodiscard]] std::filesystem::path lock_path(const std::string& key) const;

    std::filesystem::path folder_;
    std::set<std::string> held_;  ///< by this process
};

}  // namespace bms
