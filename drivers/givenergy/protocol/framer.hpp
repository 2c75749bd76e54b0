#pragma once
// Cuts the TCP stream of an adapter into frames: docs/protocols/givenergy.md, "Finding frames in the stream".

#include "givenergy/protocol/frame.hpp"

#include <algorithm>

namespace givenergy {

/// Finds frames in a stream that splits and glues them at will. What comes out does not depend on how the
/// stream was cut. The buffer never holds more than one unfinished frame besides the chunk being fed.
class Framer {
  public:
    /// Takes received bytes and calls `sink(const Frame&)` for every candidate found: intact frames in order,
    /// and, with `intact` false, candidates that were consumed as a unit but must not be used.
    template <class Sink>
    void feed(Bytes chunk, Sink&& sink) {
        buffer_.insert(buffer_.end(), chunk.begin(), chunk.end());
        std::size_t at = 0;
        Step step = next(Bytes{buffer_}.subspan(at));
        for (; step.used > 0; step = next(Bytes{buffer_}.subspan(at))) {
            at += step.used;
            if (step.found) {
                sink(std::as_const(*step.found));
            } else {
                skipped_ += step.used;
            }
        }
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at));
    }

    /// Bytes skipped outside of candidates: noise, false markers, the start of truncated frames.
    [[nodiscard]] std::size_t skipped() const { return skipped_; }
    /// Bytes of an unfinished candidate.
    [[nodiscard]] std::size_t pending() const { return buffer_.size(); }
    /// Forgets unfinished bytes (a new connection begins).
    void clear() { buffer_.clear(); }

  private:
    struct Step {
        std::size_t used = 0;  ///< 0: more bytes are needed
        std::optional<Frame> found{};
    };
    static Step next(Bytes bytes);

    Buffer buffer_;
    std::size_t skipped_ = 0;
};

}  // namespace givenergy
