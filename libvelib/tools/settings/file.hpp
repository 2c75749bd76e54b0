#pragma once
// settings.xml on disk: read at start, written aside and renamed, so that no moment of a power cut leaves a
// half-written file.

#include "document.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace velib::settings {

/// The settings in `directory`/settings.xml, or in settings.xml.import, which takes its place when there is
/// one. No file is an empty document; a broken one is kept aside with the ending .broken, and logged. Throws std::system_error when the file is there but cannot be read.
[[nodiscard]] Document load_file(const std::filesystem::path& directory);

/// Writes `directory`/settings.xml: settings.xml.new, fsync, rename, fsync of the directory.
/// Throws std::system_error.
void save_file(const std::filesystem::path& directory, const std::string& xml);

/// Saves some time after the first unsaved change; later changes do not put it off.
class Saver {
  public:
    static constexpr std::chrono::seconds kDelay{2};
    /// After a failed save (disk full): when to try again.
    static constexpr std::chrono::seconds kRetry{30};

    /// `content` makes what is saved.
    Saver(const boost::asio::any_io_executor& executor, std::filesystem::path directory,
          std::function<std::string()> content);

    /// Something has changed.
    void touch();
    /// Saves now when something is unsaved; logs a failure and returns false then.
    bool flush();

  private:
    void wait(std::chrono::seconds delay);

    std::filesystem::path directory_;
    std::function<std::string()> content_;
    boost::asio::steady_timer timer_;
    bool unsaved_ = false;
};

}  // namespace velib::settings
