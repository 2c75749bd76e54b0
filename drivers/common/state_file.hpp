#pragma once
// A small file that survives a power cut at any moment: written aside, flushed, renamed over the old one, whose
// content stays beside it as a spare for the case that the storage itself lost something.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace common {

/// The whole file, empty when it cannot be read or is larger than `limit` bytes.
[[nodiscard]] inline std::optional<std::string> read_file(const std::filesystem::path& path,
                                                          std::size_t limit = 1 << 20) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return std::nullopt;
    }
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    return text.size() <= limit ? std::optional{std::move(text)} : std::nullopt;
}

class StateFile {
  public:
    explicit StateFile(std::filesystem::path path) : path_(std::move(path)) {}

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// What parse() makes of the file, else of its spare; nothing when it accepts neither.
    /// parse: (const std::string&) to an optional.
    template <class Parse>
    [[nodiscard]] auto load(Parse&& parse) const -> decltype(parse(std::string{})) {
        for (const auto& candidate : {path_, spare()}) {
            if (const auto text = read_file(candidate)) {
                if (auto value = parse(*text)) {
                    return value;
                }
            }
        }
        return std::nullopt;
    }

    /// Replaces the file. Makes its folder when there is none. The old content is in place until the new one is
    /// on the disk; on an error it stays.
    [[nodiscard]] std::error_code save(std::string_view text) const {
        std::error_code fault;
        std::filesystem::create_directories(path_.parent_path(), fault);
        if (fault) {
            return fault;
        }
        const auto aside = path_.string() + ".new";
        if ((fault = write_through(aside, text))) {
            std::filesystem::remove(aside, ignored());
            return fault;
        }
        std::filesystem::remove(spare(), ignored());
        std::filesystem::create_hard_link(path_, spare(), ignored());
        std::filesystem::rename(aside, path_, fault);
        if (!fault) {
            flush_folder();
        }
        return fault;
    }

  private:
    [[nodiscard]] std::filesystem::path spare() const { return path_.string() + ".old"; }

    static std::error_code& ignored() {
        static thread_local std::error_code nobody_looks;
        return nobody_looks;
    }

    static std::error_code last_fault() { return {errno, std::generic_category()}; }

    static std::error_code write_through(const std::string& path, std::string_view text) {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (file < 0) {
            return last_fault();
        }
        std::error_code fault;
        while (!text.empty() && !fault) {
            const auto count = ::write(file, text.data(), text.size());
            if (count > 0) {
                text.remove_prefix(static_cast<std::size_t>(count));
            } else if (errno != EINTR) {
                fault = last_fault();
            }
        }
        if (!fault && ::fsync(file) != 0) {
            fault = last_fault();
        }
        if (::close(file) != 0 && !fault) {
            fault = last_fault();
        }
        return fault;
    }

    /// So that the rename itself outlives a power cut; where the file system cannot, nothing is lost but time.
    void flush_folder() const {
        const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0) {
            ::fsync(folder);
            ::close(folder);
        }
    }

    std::filesystem::path path_;
};

}  // namespace common
