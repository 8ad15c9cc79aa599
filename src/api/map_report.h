// What `yonroku map` prints, for people and as JSON.
#pragma once

#include <optional>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/map_domain.h"
#include "share/mapping/port_set.h"

namespace yonroku::api {

// Long lists of port ranges: the first and the last few, or all.
enum class Ranges : uint8_t { Some, All };

[[nodiscard]] std::string to_text(const MapCustomer& customer, Ranges ranges);
[[nodiscard]] nlohmann::ordered_json to_json(const MapCustomer& customer);

[[nodiscard]] std::string to_text(const MapAddressReading& reading, Ranges ranges);
[[nodiscard]] nlohmann::ordered_json to_json(const MapAddressReading& reading);

// How an address is cut up: for all customers, or for the one with this PSID; and whose a port is.
struct PortSetQuestion {
  share::PortParameters parameters;
  std::optional<uint16_t> psid;
  std::optional<uint16_t> port;

  // What cannot be: too many bits, or a PSID that they cannot hold.
  [[nodiscard]] Result<void> check() const;
};
// The question was checked.
[[nodiscard]] std::string to_text(const PortSetQuestion& question, Ranges ranges);
[[nodiscard]] nlohmann::ordered_json to_json(const PortSetQuestion& question);

// A domain: a line for each rule, and sums.
[[nodiscard]] std::string rules_text(std::span<const share::MapRule> rules);
[[nodiscard]] nlohmann::ordered_json rules_json(std::span<const share::MapRule> rules);

}  // namespace yonroku::api
