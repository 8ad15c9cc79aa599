// Any bytes as the configuration of another translator. The first byte chooses the importer and its options.
// Whatever is imported must pass our own reader, with the mappings inside of the YAML and in a CSV file
// alike.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/import.h"
#include "config/load.h"
#include "config/mapping_csv.h"
#include "config/softwire_csv.h"

namespace {

using namespace yonroku::config;  // NOLINT(google-build-using-namespace)

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static constexpr Importer kImporters[] = {import_map646, import_tayga, import_jool, import_snabb};
  const unsigned choice = data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t half = text.size() / 2;

  ImportOptions options;
  if ((choice & 4u) != 0) options.translator_ipv6 = "2001:db8::1";
  if ((choice & 8u) != 0) options.pref64 = "2001:db8:64::/96";
  if ((choice & 16u) != 0) options.mappings_file = "table.csv";
  int includes = 0;
  if ((choice & 32u) != 0)  // an included file: the second half, a few times
    options.read_file = [&](const std::string& path) -> yonroku::Result<std::string> {
      if (++includes > 4) return yonroku::fail(path, "no such file", "check the path");
      return std::string(text.substr(half));
    };

  const auto imported = kImporters[choice & 3u](text, "fuzz.conf", options);
  if (!imported) {
    require(!imported.error().errors.empty());
    for (const Diagnostic& error : imported.error().errors)
      require(error.to_string().find('\n') == std::string::npos);
    return 0;
  }
  const auto loaded = parse_config(imported->yaml, "fuzz.yaml", ".", MappingsFiles::Skip);
  require(loaded.has_value() && loaded->settings.instances.size() == 1);
  if (!options.mappings_file.empty()) {
    if ((choice & 3u) == 3) {
      const auto& borders = loaded->settings.instances.front().local_addresses;
      require(parse_softwire_csv(imported->mappings_csv, "table.csv", borders).has_value());
    } else {
      require(parse_mapping_csv(imported->mappings_csv, "table.csv").has_value());
    }
  }
  return 0;
}
