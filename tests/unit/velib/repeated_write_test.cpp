#include "support/catch.hpp"
#include "velib/tree.hpp"

#include <memory>

using namespace velib;

namespace {

/// Counts what is announced.
class Recorder : public ChangeSink {
  public:
    int changes = 0;

  private:
    void items_changed(std::span<const Item* const> items) override {
        changes += static_cast<int>(items.size());
    }
    void item_changed(const Item&) override { ++changes; }
};

}  // namespace

TEST_CASE("a set point that expires hears every write, but announces changes only") {
    ItemTree tree;
    Recorder recorder;
    tree.listen(&recorder);
    int heard = 0;
    ItemSpec spec{Type::real};
    spec.hears_repeats = true;
    spec.on_write = [&heard](const Value&) {
        ++heard;
        return WriteReply::store;
    };
    auto& item = tree.add("/Link/ChargeVoltage", std::move(spec));
    recorder.changes = 0;
    for (int i = 0; i < 3; ++i) {
        CHECK(tree.write(item, Value(28.2)) == WriteCode::accepted);
    }
    CHECK(heard == 3);
    CHECK(recorder.changes == 1);
}

TEST_CASE("other items do not hear what they know already") {
    ItemTree tree;
    int heard = 0;
    ItemSpec spec{Type::real};
    spec.on_write = [&heard](const Value&) {
        ++heard;
        return WriteReply::store;
    };
    auto& item = tree.add("/Mode", std::move(spec));
    for (int i = 0; i < 3; ++i) {
        CHECK(tree.write(item, Value(4)) == WriteCode::accepted);
    }
    CHECK(heard == 1);
}
