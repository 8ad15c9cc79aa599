// What reaches the API from outside: request bodies, packets in hexadecimal, and packets to be explained.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

#include "api/explain/explanation.h"
#include "api/explain/packet_input.h"
#include "api/nat_listing.h"
#include "api/request_body.h"
#include "base/check.h"
#include "config/load.h"

namespace {

using namespace yonroku;

struct Instance {
  config::InstanceSettings settings;
  api::OfflineInstance offline;
};

Instance make_instance() {
  const auto loaded = config::parse_config(
      "instances:\n"
      "  - name: dc\n"
      "    mechanism: siit\n"
      "    pref64: \"2001:db8:64::/96\"\n"
      "    mss-clamp: auto\n"
      "    mappings:\n"
      "      - {ipv4: 192.0.2.80, ipv6: \"2001:db8:2::80\"}\n"
      "      - {ipv4: 192.0.2.1, ipv6: \"2001:db8:3::1\"}\n",
      "fuzz", ".");
  YONROKU_CHECK(loaded.has_value());
  auto offline = api::OfflineInstance::create(loaded->settings.instances.front());
  YONROKU_CHECK(offline.has_value());
  return {loaded->settings.instances.front(), *std::move(offline)};
}

void explain(std::span<const std::byte> packet) {
  static Instance instance = make_instance();
  const auto explanation = api::explain(instance.offline, instance.settings, packet, Instant{});
  YONROKU_CHECK(!api::to_text(explanation).empty());
  YONROKU_CHECK(api::to_json(explanation).contains("verdict"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  explain(bytes);  // the golden seeds are packets
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(api::parse_mappings_body(text));
  static_cast<void>(api::parse_prefixes_body(text));
  for (const auto kind : {control::TableKind::Rules, control::TableKind::Softwires}) {
    static_cast<void>(api::parse_rules_body(text, kind, {}));
    static_cast<void>(api::parse_rule_names_body(text, kind, {}));
  }
  for (const char* name :
       {"subscriber", "inside", "outside", "remote", "protocol", "limit", "from", "busiest"})
    static_cast<void>(api::parse_nat_request(control::NatTable::Sessions, {{name, std::string(text)}}));
  if (const auto packet = api::parse_hex_packet(text)) explain(*packet);
  return 0;
}
