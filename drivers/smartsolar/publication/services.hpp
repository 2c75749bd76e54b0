#pragma once
// Which service a product becomes, and the tables of its items. docs/smartsolar.md lists them for users.

#include "smartsolar/model/reading.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <velib/publication.hpp>

namespace smartsolar {

/// All that is known of a product at one time: what the tables look at.
struct ProductView {
    Reading live;    // the last advertisement, or what a session read in its place
    Reading polled;  // the last session
    std::string device_name;
    std::string connection_information;  // what keeps values away, in words; empty when nothing does
    std::optional<std::int64_t> rssi_dbm;
    std::optional<std::int64_t> days_available;
};

/// One kind of service.
struct ServiceKind {
    std::string_view device_class;                  // third element of the bus name
    std::span<const velib::Row<ProductView>> rows;  // from advertisements
    std::span<const velib::Row<ProductView>>
        polled;                                // from sessions; only there while sessions are switched on
    bool charger_history = false;              // has /History/Daily
    std::span<const std::int64_t> modes = {};  // what /Mode takes

    friend bool operator==(const ServiceKind& a, const ServiceKind& b) {
        return a.device_class == b.device_class && a.rows.data() == b.rows.data();
    }
};

/// Items of every service that tell of the link; they stay valid when the values do not.
[[nodiscard]] std::span<const velib::Row<ProductView>> link_rows();

/// A day of /History/Daily/n. The yield of today stands in the charger's own table, being live.
[[nodiscard]] std::span<const velib::Row<HistoryDay>> history_rows(bool today);

/// The service for a record, nothing for records that are not published. A VE.Bus service changes what the GX takes
/// for its inverter and is made only with `publish_vebus`.
[[nodiscard]] const ServiceKind* service_for(std::uint16_t record_type, std::uint16_t product_id,
                                             const Reading& reading, bool publish_vebus);

/// The service for a product of which no advertisement can be read, only sessions.
[[nodiscard]] const ServiceKind* service_for_product(std::uint16_t product_id);

}  // namespace smartsolar
