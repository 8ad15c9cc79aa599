// Any bytes as a configuration file: an answer and no crash; every error has a place, what and how to fix it,
// on one line; what loads once loads again to the same settings. mappings-files are not opened.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yonroku::config;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = parse_config(text, "fuzz.yaml", ".", MappingsFiles::Skip);
  if (!loaded) {
    require(!loaded.error().errors.empty());
    for (const Diagnostic& error : loaded.error().errors) {
      require(!error.what.empty() && !error.fix.empty());
      require(error.to_string().find('\n') == std::string::npos);
    }
    return 0;
  }
  require(!loaded->settings.instances.empty());
  for (const InstanceSettings& instance : loaded->settings.instances) {
    require(!instance.name.empty() && !instance.device.empty());
    require(instance.translator_ipv6 != yonroku::Ipv6Address{});
    require(instance.lowest_ipv6_mtu <= instance.ipv6_mtu && instance.lowest_ipv6_mtu >= 1280);
    for (const auto& mapping : instance.mappings) require(mapping.is_valid());
  }
  const auto again = parse_config(text, "fuzz.yaml", ".", MappingsFiles::Skip);
  require(again.has_value() && again->settings == loaded->settings);
  return 0;
}
