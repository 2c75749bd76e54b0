#include "serialbattery/publication/extras.hpp"

#include <nlohmann/json.hpp>

namespace bms::publication {
namespace {

constexpr const char* kJson = "/JsonData";
constexpr std::array kExplanations{"/Info/ChargeModeDebug", "/Info/ChargeModeDebugFloat",
                                   "/Info/ChargeModeDebugBulk"};

nlohmann::json json_of(const velib::Value& value) {
    return std::visit(
        []<class T>(const T& content) {
            if constexpr (std::is_same_v<T, std::monostate>) {
                return nlohmann::json(nullptr);
            } else {
                return nlohmann::json(content);
            }
        },
        value.storage());
}

/// "/Dc/0/Voltage" is a member of a member of a member.
void put(nlohmann::json& root, std::string_view path, nlohmann::json value) {
    auto* at = &root;
    while (!path.empty()) {
        if (!at->is_null() && !at->is_object()) {
            return;
        }
        path.remove_prefix(1);
        const auto end = std::min(path.find('/'), path.size());
        at = &(*at)[std::string(path.substr(0, end))];
        path.remove_prefix(end);
    }
    *at = std::move(value);
}

std::string json_text(const velib::ItemTree& tree) {
    auto root = nlohmann::json::object();
    for (const auto& item : tree.below("/")) {
        if (item->path() != kJson) {
            put(root, item->path(), json_of(item->value()));
        }
    }
    return root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void JsonItem::publish(velib::Update& update, bool wanted) {
    if (!wanted) {
        if (item_ != nullptr) {
            tree_.remove(kJson);
            item_ = nullptr;
        }
        return;
    }
    if (item_ == nullptr) {
        item_ = &tree_.add(kJson, {velib::Type::text, {}});
    }
    update.set(*item_, json_text(tree_));
}

void ExplanationItems::publish(velib::Update& update, const control::Explanation* explanation) {
    const bool there = items_.front() != nullptr;
    if (explanation == nullptr) {
        for (std::size_t i = 0; there && i < items_.size(); ++i) {
            tree_.remove(kExplanations[i]);
            items_[i] = nullptr;
        }
        return;
    }
    const std::array texts{&explanation->now, &explanation->to_float, &explanation->to_bulk};
    for (std::size_t i = 0; i < items_.size(); ++i) {
        if (!there) {
            items_[i] = &tree_.add(kExplanations[i], {velib::Type::text, {}});
        }
        update.set(*items_[i], *texts[i]);
    }
}

}  // namespace bms::publication
