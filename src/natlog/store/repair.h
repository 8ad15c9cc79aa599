// What is done about files of the log that cannot be read: they are set aside, the log goes on, and what is
// missing is known.
#pragma once

#include <string>
#include <vector>

#include "natlog/store/catalogue.h"

namespace yonroku::natlog {

// Renames a file and its journal. Returns the new name.
[[nodiscard]] Result<std::string> set_aside(const std::string& path);
// Names of the files in the folder that were.
[[nodiscard]] std::vector<std::string> files_set_aside(const std::string& folder);

// A catalogue that is damaged is replaced by its copy, or by an empty one; segments that can be read are in
// it either way.
[[nodiscard]] Result<Catalogue> open_catalogue(const std::string& folder, Milliseconds now);
// The same of one that was open, once nobody holds it any more.
[[nodiscard]] Result<Catalogue> replace_catalogue(const std::string& folder, const Error& damage,
                                                  Milliseconds now);

}  // namespace yonroku::natlog
