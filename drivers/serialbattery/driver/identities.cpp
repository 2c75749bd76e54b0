#include "serialbattery/driver/identities.hpp"

#include "common/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

namespace bms {
namespace {

constexpr std::string_view kSilentMark = " silent";

common::StateFile reservation(const std::filesystem::path& folder, const std::string& key) {
    return common::StateFile(folder / key);
}

}  // namespace

HeldIdentity::HeldIdentity(Identities& all, std::string key, std::string place, int file)
    : all_(&all), key_(std::move(key)), place_(std::move(place)), file_(file) {
    write();
}

HeldIdentity::HeldIdentity(HeldIdentity&& other) noexcept
    : all_(std::exchange(other.all_, nullptr)),
      key_(std::move(other.key_)),
      place_(std::move(other.place_)),
      file_(std::exchange(other.file_, -1)),
      silent_(other.silent_) {}

HeldIdentity& HeldIdentity::operator=(HeldIdentity&& other) noexcept {
    if (this != &other) {
        release();
        all_ = std::exchange(other.all_, nullptr);
        key_ = std::move(other.key_);
        place_ = std::move(other.place_);
        file_ = std::exchange(other.file_, -1);
        silent_ = other.silent_;
    }
    return *this;
}

HeldIdentity::~HeldIdentity() {
    release();
}

void HeldIdentity::release() {
    if (all_ == nullptr) {
        return;
    }
    all_->held_.erase(key_);
    if (file_ >= 0) {
        ::close(file_);  // and so unlocks it
    }
    all_ = nullptr;
    file_ = -1;
}

void HeldIdentity::note_silence(bool silent) {
    if (silent_ != silent) {
        silent_ = silent;
        write();
    }
}

/// The file is only ever read by who fails to lock it; half of a text costs no more than a sentence in the log.
void HeldIdentity::write() const {
    if (file_ < 0) {
        return;
    }
    const std::string text = place_ + std::string(silent_ ? kSilentMark : "");
    const bool written = ::ftruncate(file_, 0) == 0
                         && ::pwrite(file_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (!written) {
        spdlog::warn("{} could not be written: {}", all_->lock_path(key_).string(),
                     std::generic_category().message(errno));
    }
}

Identities::Identities(const std::filesystem::path& state_folder) : folder_(state_folder / "identities") {}

std::filesystem::path Identities::lock_path(const std::string& key) const {
    return folder_ / (key + ".lock");
}

std::optional<HeldIdentity> Identities::take(const std::string& key, const std::string& place) {
    if (held_.contains(key)) {
        return std::nullopt;
    }
    std::error_code ignored;
    std::filesystem::create_directories(folder_, ignored);
    const auto path = lock_path(key);
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
        spdlog::warn("{}: {}; another process may use the same identity", path.string(),
                     std::generic_category().message(errno));
    } else if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        ::close(file);
        return std::nullopt;
    }
    held_.insert(key);
    return HeldIdentity(*this, key, place, file);
}

Identities::Holder Identities::holder(const std::string& key) const {
    Holder holder;
    holder.place = common::read_file(lock_path(key)).value_or("");
    if (holder.place.ends_with(kSilentMark)) {
        holder.place.resize(holder.place.size() - kSilentMark.size());
        holder.silent = true;
    }
    return holder;
}

void Identities::reserve(const std::string& key, const std::string& place) const {
    const auto file = reservation(folder_, key);
    if (const auto fault = file.save(place)) {
        spdlog::warn("{} could not be written: {}", file.path().string(), fault.message());
    }
}

bool Identities::is_for_another(const std::string& key, std::string_view place) const {
    const auto reserved = reservation(folder_, key).load([](const std::string& text) {
        return text.empty() ? std::nullopt : std::optional(text);
    });
    return reserved && *reserved != place;
}

}  // namespace bms
