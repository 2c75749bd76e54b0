#include "serialbattery/decode.hpp"

#include "serialbattery/family.hpp"
#include "serialbattery/framing/scanner.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace bms {
namespace {

std::string_view text(Fault fault, const Family& family) {
    const bool listed = family.report == Report::listed;
    switch (fault) {
        case Fault::header:
            return listed ? "header" : "soi";
        case Fault::truncated:
            return "truncated";
        case Fault::checksum:
            return family.check;
        case Fault::trailer:
            return "trailer";
        case Fault::length:
            return listed ? "unexpected length" : "length";
        case Fault::length_checksum:
            return "length-checksum";
        case Fault::extra:
            return "extra";
        case Fault::address:
            return "wrong address";
    }
    return "unknown";
}

void refuse(Record& out, Fault fault, const Family& family) {
    out.set("valid", false);
    out.set("error", text(fault, family));
}

/// Everything one good frame says.
void describe_frame(const Family& family, Bytes frame, Role role, const Context& context, Record& out) {
    if (role == Role::request) {
        out.set("request", true);
    } else if (!context.asked.empty() && role == Role::reply) {
        if (const auto fault = family.mismatch(frame, context.asked)) {
            refuse(out, *fault, family);
            return;
        }
    }
    if (role != Role::request || family.report == Report::counted) {
        out.set("valid", true);
    }
    family.describe(frame, role, context, out);
}

// ------------------------------------------------------------------------------------ frames with offsets

Record listed_frame(const Family& family, Bytes bytes, const Context& context) {
    Record out;
    const Sight sight = family.sight(bytes, context.asked);
    if (sight.kind == Sight::Kind::partial) {
        refuse(out, Fault::truncated, family);
    } else if (sight.kind == Sight::Kind::none) {
        refuse(out, sight.fault, family);
    } else {
        Record tail;
        const Bytes behind = bytes.subspan(sight.length);
        const Bytes frame = bytes.first(sight.length);
        if (!behind.empty()) {
            const auto fault = family.tail != nullptr ? family.tail(frame, behind, context, tail)
                                                      : std::optional(Fault::extra);
            if (fault) {
                refuse(out, *fault, family);
                return out;
            }
        }
        describe_frame(family, frame, sight.role, context, out);
        for (const auto& member : tail.members()) {
            out.set(member.key, member.value);
        }
    }
    return out;
}

Record listed_stream(const Family& family, Bytes bytes, const Context& context) {
    Record out;
    out.set("stream", true);
    std::size_t from = 0;
    if (!context.asked.empty() && bytes.size() >= context.asked.size()
        && std::equal(context.asked.begin(), context.asked.end(), bytes.begin())) {
        from = context.asked.size();
        out.set("echo_bytes", from);
    }
    std::vector<Found> delivered;
    List frames;
    List ignored;
    while (const auto found = find_frame(family, bytes, context.asked, from).frame) {
        from = found->offset + found->length;
        if (found->role != Role::reply) {
            continue;
        }
        const Bytes frame = bytes.subspan(found->offset, found->length);
        Record entry;
        entry.set("offset", found->offset);
        entry.set("length", found->length);
        if (family.identify != nullptr) {
            family.identify(frame, entry);
        }
        if (!context.asked.empty() && family.mismatch(frame, context.asked)) {
            ignored.emplace_back(std::move(entry));
        } else {
            frames.emplace_back(std::move(entry));
            delivered.push_back(*found);
        }
    }
    out.set("frames", std::move(frames));
    if (!ignored.empty()) {
        out.set("ignored", std::move(ignored));
    }
    if (family.merge != nullptr) {
        family.merge(bytes, delivered, context, out);
    }
    return out;
}

// ------------------------------------------------------------------------------------------ counted frames

Record counted(const Family& family, Bytes bytes, const Context& context) {
    Record out;
    std::vector<Found> good;
    std::size_t from = 0;
    std::size_t covered = 0;
    Scan scan = find_frame(family, bytes, context.asked, from);
    for (; scan.frame; scan = find_frame(family, bytes, context.asked, from)) {
        good.push_back(*scan.frame);
        from = scan.frame->offset + scan.frame->length;
        covered += scan.frame->length;
    }
    if (good.size() == 1 && covered == bytes.size()) {
        describe_frame(family, bytes, good.front().role, context, out);
        return out;
    }
    const std::size_t pending = scan.waiting != kNowhere ? bytes.size() - scan.waiting : 0;
    const bool unfinished = scan.waiting == 0;
    if (good.empty() && !unfinished) {
        const Sight sight = family.sight(bytes, context.asked);
        refuse(out, sight.fault, family);
        if (sight.fault == Fault::length_checksum) {
            out.set("tolerant_valid", true);
        }
        return out;
    }
    if (unfinished) {
        refuse(out, Fault::truncated, family);
    }
    out.set("stream", true);
    out.set("frames", good.size());
    out.set("discarded_bytes", bytes.size() - covered - pending);
    out.set("pending_bytes", pending);
    for (std::size_t i = 0; i < good.size(); ++i) {
        Record content;
        describe_frame(family, bytes.subspan(good[i].offset, good[i].length), good[i].role, context, content);
        out.set("frame" + std::to_string(i + 1), std::move(content));
    }
    return out;
}

}  // namespace

Record decode(const DecodeInput& input) {
    const auto* family = find_family(input.protocol);
    if (family == nullptr || input.bytes.empty()) {
        Record out;
        out.set("valid", false);
        out.set("error", family == nullptr ? "protocol" : "truncated");
        return out;
    }
    const Context context{input.asked, input.cell_count, input.ntc_count, input.pro};
    if (family->report == Report::counted) {
        return counted(*family, input.bytes, context);
    }
    return input.stream ? listed_stream(*family, input.bytes, context)
                        : listed_frame(*family, input.bytes, context);
}

}  // namespace bms
