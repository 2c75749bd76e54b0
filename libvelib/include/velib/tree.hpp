#pragma once
// The items of one service, without any bus: adding, changing, finding, and the rules for clients' writes.

#include "velib/item.hpp"

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace velib {

class Update;

/// Who is told about changes: the bus side of a service, or a recorder in a test. Which signal each becomes:
/// docs/object-model.md, "Signals". It must not throw: an update announces when it is destroyed.
class ChangeSink {
  public:
    ChangeSink() = default;
    ChangeSink(const ChangeSink&) = delete;
    ChangeSink& operator=(const ChangeSink&) = delete;
    virtual ~ChangeSink() = default;
    /// One cycle's changes, each item once, with its final value.
    virtual void items_changed(std::span<const Item* const> items) = 0;
    /// One item changed by itself (an accepted write, a lone assignment).
    virtual void item_changed(const Item& item) = 0;
};

/// Items sorted by path. Items keep their address until they are removed.
class ItemTree {
  public:
    ItemTree() = default;
    ItemTree(const ItemTree&) = delete;
    ItemTree& operator=(const ItemTree&) = delete;
    ~ItemTree() = default;

    /// Adds an item; throws std::invalid_argument for an illegal object path or one that exists.
    /// While a sink listens the new item is announced with the current update.
    Item& add(std::string path, ItemSpec spec, const Value& initial = {});

    /// Removes the item at `path` and all below it: first their invalid values are announced, then they are gone.
    void remove(std::string_view path);

    /// Announces an item with the current update (or an update of its own) though its value is the same:
    /// something else about it changed.
    void announce(Item& item);

    /// Makes `path` a node even while nothing is below it.
    void keep_node(std::string path);

    [[nodiscard]] Item* find(std::string_view path);
    [[nodiscard]] const Item* find(std::string_view path) const;
    /// Whether `path` is "/", a proper prefix of an item's path, or kept as a node.
    [[nodiscard]] bool is_node(std::string_view path) const;
    /// All items below a node ("/" has all of them), by path.
    [[nodiscard]] std::span<const std::unique_ptr<Item>> below(std::string_view node) const;
    /// The names right below a node, each once, in order.
    [[nodiscard]] std::vector<std::string_view> children(std::string_view node) const;
    [[nodiscard]] std::size_t size() const { return items_.size(); }

    /// Changes outside of an Update are announced at once, one by one. Nothing happens when the value is the same.
    template <class T>
    void set(Item& item, const T& value) {
        if (store(item, value)) {
            changed(item);
        }
    }
    void set(std::string_view path, const Value& value);
    void invalidate(Item& item);

    /// What a client wrote, taken through type, resolution, limits, the item's handler and storage, in the order
    /// of the reference implementation; announces the change when it was stored. The handler may remove the item
    /// and end the tree.
    WriteCode write(Item& item, const Value& value);

    void listen(ChangeSink* sink) { sink_ = sink; }

  private:
    friend class Update;

    template <class T>
    static bool store(Item& item, const T& value) {
        if constexpr (std::same_as<T, Value>) {
            return item.assign(value);
        } else if constexpr (std::is_enum_v<T>) {
            return store(item, static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::same_as<T, bool>) {
            return item.assign(std::int64_t{value});
        } else if constexpr (std::integral<T>) {
            return std::in_range<std::int64_t>(value) ? item.assign(static_cast<std::int64_t>(value))
                                                      : item.invalidate();
        } else if constexpr (std::floating_point<T>) {
            return item.assign(static_cast<double>(value));
        } else if constexpr (std::convertible_to<const T&, std::string_view>) {
            return item.assign(std::string_view(value));
        } else if constexpr (requires {
                                 value.has_value();
                                 *value;
                             }) {
            return value ? store(item, *value) : item.invalidate();
        } else {
            return item.assign(Value(value));
        }
    }

    WriteCode hand_over(Item& item, const Value& value);
    void changed(Item& item);
    void commit();

    std::vector<std::unique_ptr<Item>> items_;
    std::vector<std::string> kept_nodes_;
    std::vector<Item*> changes_;
    ChangeSink* sink_ = nullptr;
    int open_updates_ = 0;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

/// Gathers the changes of one cycle; at its end they leave as one ItemsChanged, or nothing does when nothing
/// changed. Updates nest: the outermost announces.
class Update {
  public:
    explicit Update(ItemTree& tree) : tree_(tree) { ++tree_.open_updates_; }
    Update(const Update&) = delete;
    Update& operator=(const Update&) = delete;
    ~Update() {
        if (--tree_.open_updates_ == 0) {
            tree_.commit();
        }
    }

    template <class T>
    void set(Item& item, const T& value) {
        tree_.set(item, value);
    }
    void set(std::string_view path, const Value& value) { tree_.set(path, value); }
    void invalidate(Item& item) { tree_.invalidate(item); }

  private:
    ItemTree& tree_;
};

/// Whether `path` is a legal object path of an item: absolute, [A-Za-z0-9_] elements, not "/" itself.
[[nodiscard]] bool is_item_path(std::string_view path);

}  // namespace velib
