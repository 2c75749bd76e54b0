// Whatever a settings file holds: it is read without harm, and what was taken from it survives being saved.
#include "document.hpp"

#include <cstdint>
#include <cstdlib>

using namespace velib;
using namespace velib::settings;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto parsed = parse_document({reinterpret_cast<const char*>(data), size});
    ItemTree tree;
    Store store(tree);
    for (const auto& setting : parsed.document.settings) {
        store.restore(setting);
    }
    parsed.document.settings = store.all();
    const auto xml = to_xml(parsed.document);

    const auto again = parse_document(xml);
    ItemTree second_tree;
    Store second(second_tree);
    for (const auto& setting : again.document.settings) {
        if (!second.restore(setting)) {
            std::abort();
        }
    }
    if (again.broken || !again.problems.empty() || second.all() != parsed.document.settings
        || to_xml(again.document) != xml) {
        std::abort();
    }
    return 0;
}
