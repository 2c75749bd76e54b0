#include "velib/tree.hpp"

#include <algorithm>
#include <stdexcept>

namespace velib {
namespace {

// Orders paths so that everything below a node is contiguous and follows it: '/' sorts before all other
// characters of a path.
bool path_less(std::string_view a, std::string_view b) {
    return std::ranges::lexicographical_compare(a, b, [](char x, char y) {
        const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
        return rank(x) < rank(y);
    });
}

bool is_below(std::string_view path, std::string_view node) {
    return node == "/" || (path.size() > node.size() && path.starts_with(node) && path[node.size()] == '/');
}

}  // namespace

bool is_item_path(std::string_view path) {
    if (path.size() < 2 || path.front() != '/' || path.back() == '/') {
        return false;
    }
    char previous = 0;
    return std::ranges::all_of(path, [&](char c) {
        const bool legal = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                           || c == '_' || (c == '/' && previous != '/');
        previous = c;
        return legal;
    });
}

Item& ItemTree::add(std::string path, ItemSpec spec, const Value& initial) {
    if (!is_item_path(path)) {
        throw std::invalid_argument("not a legal item path: " + path);
    }
    const auto place =
        std::ranges::lower_bound(items_, std::string_view(path), path_less,
                                 [](const auto& item) -> std::string_view { return item->path(); });
    if (place != items_.end() && (*place)->path() == path) {
        throw std::invalid_argument("item exists already: " + path);
    }
    Item& item = **items_.insert(place, std::make_unique<Item>(std::move(path), std::move(spec)));
    item.assign(initial);
    announce(item);
    return item;
}

void ItemTree::announce(Item& item) {
    if (sink_ != nullptr) {
        const Update announced(*this);
        changed(item);
    }
}

void ItemTree::keep_node(std::string path) {
    kept_nodes_.push_back(std::move(path));
}

void ItemTree::remove(std::string_view removed) {
    const std::string path(removed);  // may be the path of an item that is going to end
    const auto doomed = [&](const auto& item) {
        return item->path() == path || is_below(item->path(), path);
    };
    // Clients learn of a removal only by the invalid value, so it goes out before the objects do, together
    // with whatever the surrounding update holds so far.
    for (const auto& item : items_) {
        if (doomed(item)) {
            item->invalidate();
            if (!item->changed_) {
                item->changed_ = true;
                changes_.push_back(item.get());
            }
        }
    }
    commit();
    std::erase_if(items_, doomed);
}

Item* ItemTree::find(std::string_view path) {
    return const_cast<Item*>(std::as_const(*this).find(path));
}

const Item* ItemTree::find(std::string_view path) const {
    const auto place = std::ranges::lower_bound(
        items_, path, path_less, [](const auto& item) -> std::string_view { return item->path(); });
    return place != items_.end() && (*place)->path() == path ? place->get() : nullptr;
}

std::span<const std::unique_ptr<Item>> ItemTree::below(std::string_view node) const {
    if (node == "/") {
        return items_;
    }
    const auto path_of = [](const auto& item) -> std::string_view { return item->path(); };
    auto first = std::ranges::lower_bound(items_, node, path_less, path_of);
    if (first != items_.end() && (*first)->path() == node) {
        ++first;
    }
    const auto last = std::partition_point(first, items_.end(),
                                           [&](const auto& item) { return is_below(item->path(), node); });
    return {first, last};
}

bool ItemTree::is_node(std::string_view path) const {
    return path == "/" || !below(path).empty() || std::ranges::any_of(kept_nodes_, [&](const auto& kept) {
               return kept == path || is_below(kept, path);
           });
}

std::vector<std::string_view> ItemTree::children(std::string_view node) const {
    std::vector<std::string_view> names;
    const std::size_t prefix = node == "/" ? 1 : node.size() + 1;
    const auto add = [&](std::string_view path) {
        const auto child = path.substr(prefix, path.find('/', prefix) - prefix);
        // Items below a node are sorted, so equal children stand side by side.
        if (names.empty() || names.back() != child) {
            names.push_back(child);
        }
    };
    for (const auto& item : below(node)) {
        add(item->path());
    }
    for (const auto& kept : kept_nodes_) {
        if (is_below(kept, node)) {
            add(kept);
        }
    }
    if (!kept_nodes_.empty()) {
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
    }
    return names;
}

void ItemTree::set(std::string_view path, const Value& value) {
    auto* item = find(path);
    if (item == nullptr) {
        throw std::invalid_argument("no such item: " + std::string(path));
    }
    set(*item, value);
}

void ItemTree::invalidate(Item& item) {
    if (item.invalidate()) {
        changed(item);
    }
}

void ItemTree::changed(Item& item) {
    if (sink_ == nullptr) {
        return;
    }
    if (open_updates_ == 0) {
        sink_->item_changed(item);
    } else if (!item.changed_) {
        item.changed_ = true;
        changes_.push_back(&item);
    }
}

void ItemTree::commit() {
    if (changes_.empty()) {
        return;
    }
    if (sink_ != nullptr) {
        sink_->items_changed(changes_);
    }
    for (auto* item : changes_) {
        item->changed_ = false;
    }
    changes_.clear();
}

namespace {

// What a write may put into an item, in bytes or elements: far more than any device can use, and so little
// that clients cannot blow up the messages that carry the item from then on.
constexpr std::size_t kLongestWrite = 16384;

std::size_t length(const Value& value) {
    return std::visit(
        [](const auto& content) -> std::size_t {
            if constexpr (requires { content.size(); }) {
                return content.size();
            } else {
                return 0;
            }
        },
        value.storage());
}

// A client must not change the width of an integer that others know.
bool widens(const Item& item, const Value& value) {
    return item.type() == Type::integer && std::holds_alternative<std::int64_t>(value.storage())
           && !std::holds_alternative<std::int64_t>(item.value().storage());
}

bool within_limits(const Item& item, const Value& value) {
    const auto number = value.real();
    return !number || ((!item.min() || *number >= *item.min()) && (!item.max() || *number <= *item.max()));
}

}  // namespace

WriteCode ItemTree::write(Item& item, const Value& value) {
    if (!item.writable() || (!value.valid() && !item.nullable()) || length(value) > kLongestWrite) {
        return WriteCode::not_writable_or_bad_type;
    }
    auto converted = coerce(value, item.type());
    if (!converted || widens(item, *converted)) {
        return WriteCode::not_writable_or_bad_type;
    }
    if (const auto number = converted->real(); number && item.type() == Type::real) {
        converted = Value(at_resolution(*number, item.format()));
    }
    if (item.value().same_as(*converted) && !item.hears_repeats() && !item.extras_->awaits_readback) {
        return WriteCode::accepted;
    }
    if (!within_limits(item, *converted)) {
        return WriteCode::refused;
    }
    return hand_over(item, *converted);
}

WriteCode ItemTree::hand_over(Item& item, const Value& value) {
    // The handler may remove the item, replace itself, or end the whole tree.
    const auto handler = item.extras_->on_write;
    const std::string path = item.path();
    const std::weak_ptr<const bool> alive = alive_;
    const WriteReply reply = handler(value);
    if (reply == WriteReply::refuse) {
        return WriteCode::refused;
    }
    if (alive.expired() || find(path) != &item) {
        return WriteCode::accepted;
    }
    if (reply == WriteReply::pending) {
        item.extras_->awaits_readback = true;
    } else if (item.assign(value) && sink_ != nullptr) {
        sink_->item_changed(item);
    }
    return WriteCode::accepted;
}

}  // namespace velib
