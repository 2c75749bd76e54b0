#pragma once
// Two ways to be a service of the object model, for the benchmark to set side by side.

#include <memory>
#include <string>

namespace bench {

/// A service with `items` measured values that a loop keeps changing.
class Contestant {
  public:
    Contestant() = default;
    Contestant(const Contestant&) = delete;
    Contestant& operator=(const Contestant&) = delete;
    virtual ~Contestant() = default;

    /// Everything up to the name on the bus.
    virtual void start(const std::string& name, int items) = 0;
    /// Changes the first `count` items to values around `base` and tells the bus once; returns when it has gone out.
    virtual void change(int count, double base) = 0;
    /// Answers calls for about this long.
    virtual void serve(int milliseconds) = 0;
};

/// libvelib.
std::unique_ptr<Contestant> make_velib();
/// sdbus-c++ as its manual shows it: a vtable for each item, maps of variants for messages.
std::unique_ptr<Contestant> make_naive();

/// The path of an item, of the usual length.
std::string item_path(int number);

}  // namespace bench
