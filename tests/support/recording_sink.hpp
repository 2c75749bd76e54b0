#pragma once
// Stands in for the bus side of a service: remembers what would have been signalled.

#include "velib/tree.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

struct RecordingSink final : velib::ChangeSink {
    using Entry = std::pair<std::string, std::string>;  // path, text

    void items_changed(std::span<const velib::Item* const> items) override {
        auto& batch = batches.emplace_back();
        for (const auto* item : items) {
            batch.emplace_back(item->path(), item->text());
        }
    }
    void item_changed(const velib::Item& item) override { singles.emplace_back(item.path(), item.text()); }

    [[nodiscard]] bool silent() const { return batches.empty() && singles.empty(); }

    std::vector<std::vector<Entry>> batches;  // one an ItemsChanged
    std::vector<Entry> singles;               // one a PropertiesChanged
};
