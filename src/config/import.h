// Converts the configuration of another translator to ours. What has no equivalent becomes a comment in the
// result that says why. The result always passes our own reader.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/diagnostic.h"

namespace yonroku::config {

struct ImportOptions {
  std::string name;             // of the instance; empty: what the source suggests
  std::string pref64;           // for sources without a prefix; may be empty
  std::string translator_ipv6;  // for sources without a prefix; may be empty
  std::string mappings_file;  // when set, the YAML refers to this file and the mappings come back as CSV text
  // Reads a file that the configuration includes. Unset: an include is an error.
  std::function<Result<std::string>(const std::string& path)> read_file;
};

struct Imported {
  std::string yaml;
  std::string mappings_csv;  // for ImportOptions::mappings_file
};

using Importer = ConfigResult<Imported> (*)(std::string_view text, std::string_view filename,
                                            const ImportOptions&);

// map646.conf: map-static, mapping-prefix, include.
[[nodiscard]] ConfigResult<Imported> import_map646(std::string_view text, std::string_view filename,
                                                   const ImportOptions& options = {});
// tayga.conf, and the map-file that it names.
[[nodiscard]] ConfigResult<Imported> import_tayga(std::string_view text, std::string_view filename,
                                                  const ImportOptions& options = {});
// The JSON of `jool_siit file handle`, or the CSV of `jool_siit eamt display --csv`.
[[nodiscard]] ConfigResult<Imported> import_jool(std::string_view text, std::string_view filename,
                                                 const ImportOptions& options = {});
// The configuration of Snabb's lwAFTR; the softwires go to ImportOptions::mappings_file.
[[nodiscard]] ConfigResult<Imported> import_snabb(std::string_view text, std::string_view filename,
                                                  const ImportOptions& options = {});

}  // namespace yonroku::config
