#include "file.hpp"

#include "presets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

namespace velib::settings {
namespace {

constexpr const char* kFile = "settings.xml";

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

class Descriptor {
  public:
    Descriptor(const std::filesystem::path& path, int flags) : path_(path) {
        constexpr mode_t kOwnerOnly = 0600;  // settings hold keys and passwords
        number_ = open(path.c_str(), flags | O_CLOEXEC, kOwnerOnly);
        if (number_ < 0) {
            fail(errno, "cannot open " + path.string());
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(number_); }

    void write(std::string_view text) const {
        while (!text.empty()) {
            const auto written = ::write(number_, text.data(), text.size());
            if (written < 0 && errno != EINTR) {
                fail(errno, "cannot write " + path_.string());
            }
            text.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
        }
    }

    void sync() const {
        if (fsync(number_) != 0) {
            fail(errno, "cannot write " + path_.string());
        }
    }

  private:
    std::filesystem::path path_;
    int number_ = -1;
};

std::string read_whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) {
        fail(EIO, "cannot read " + path.string());
    }
    return content;
}

// Nothing when there is no such file, or when it is broken: then it is kept aside.
std::optional<Document> read_document(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path)) {
        return std::nullopt;
    }
    auto parsed = parse_document(read_whole(path));
    if (parsed.broken) {
        auto aside = path;
        aside += ".broken";
        std::filesystem::rename(path, aside);
        spdlog::error("{} is broken ({}): it is kept as {} and not used", path.string(),
                      parsed.problems.front(), aside.string());
        return std::nullopt;
    }
    for (const auto& problem : parsed.problems) {
        spdlog::warn("{}: {}", path.string(), problem);
    }
    return std::move(parsed.document);
}

}  // namespace

std::vector<std::pair<std::string, std::vector<AddRequest>>> load_presets(
    const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(directory, missing)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    std::vector<std::pair<std::string, std::vector<AddRequest>>> presets;
    for (const auto& file : files) {
        auto parsed = parse_presets(read_whole(file));
        for (const auto& problem : parsed.problems) {
            spdlog::error("{}: {}", file.string(), problem);
        }
        presets.emplace_back(file.string(), std::move(parsed.requests));
    }
    return presets;
}

Document load_file(const std::filesystem::path& directory) {
    const auto path = directory / kFile;
    const auto import = directory / (std::string(kFile) + ".import");
    if (auto imported = read_document(import)) {
        spdlog::info("{} replaces the settings", import.string());
        std::filesystem::rename(import, path);
        return std::move(*imported);
    }
    return read_document(path).value_or(Document{});
}

void save_file(const std::filesystem::path& directory, const std::string& xml) {
    const auto path = directory / kFile;
    const auto aside = directory / (std::string(kFile) + ".new");
    {
        const Descriptor file(aside, O_WRONLY | O_CREAT | O_TRUNC);
        file.write(xml);
        file.sync();
    }
    std::filesystem::rename(aside, path);
    Descriptor(directory, O_RDONLY | O_DIRECTORY).sync();
}

Saver::Saver(const boost::asio::any_io_executor& executor, std::filesystem::path directory,
             std::function<std::string()> content)
    : directory_(std::move(directory)), content_(std::move(content)), timer_(executor) {}

void Saver::touch() {
    if (!unsaved_) {
        unsaved_ = true;
        wait(kDelay);
    }
}

bool Saver::flush() {
    if (!unsaved_) {
        return true;
    }
    try {
        save_file(directory_, content_());
    } catch (const std::system_error& error) {
        spdlog::error("the settings are not saved: {}", error.what());
        wait(kRetry);
        return false;
    }
    unsaved_ = false;
    timer_.cancel();
    return true;
}

void Saver::wait(std::chrono::seconds delay) {
    timer_.expires_after(delay);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) {
            flush();
        }
    });
}

}  // namespace velib::settings
