#include "config/load.h"

#include <fmt/format.h>

#include <utility>

#include "config/document.h"
#include "config/findings.h"
#include "config/settings_reader.h"
#include "config/text_file.h"

namespace yonroku::config {

ConfigResult<Loaded> load_config(const std::string& path) {
  const auto text = read_text_file(path, kMaxDocumentSize);
  if (!text) return fail_with(path, {}, text.error().what, text.error().fix);
  return parse_config(*text, path, directory_of(path));
}

ConfigResult<Loaded> parse_config(std::string_view text, std::string_view filename,
                                  const std::string& base_dir, MappingsFiles files) {
  auto document = Document::parse(text, filename);
  if (!document) return std::unexpected(std::move(document).error());
  if (document->root().kind == Node::Kind::Null)
    return fail_with(std::string(filename), {}, "the file is empty",
                     "start with \"instances:\"; examples are in yonroku.yaml(5)");
  Findings findings{std::string(filename)};
  Settings settings = read_settings(document->root(), base_dir, files, findings);
  if (findings.has_errors()) return std::unexpected(findings.take_errors());
  return Loaded{std::move(settings), findings.take_warnings()};
}

}  // namespace yonroku::config
