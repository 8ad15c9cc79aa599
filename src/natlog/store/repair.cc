#include "natlog/store/repair.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "natlog/store/segment.h"

namespace yonroku::natlog {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".damaged";
// Workers' clocks and ours: what a segment holds began at most so long before it did.
constexpr Milliseconds kOverlap = 60'000;

std::string free_name(const std::string& path) {
  std::string name = path + std::string(kMark);
  for (int i = 2; fs::exists(name); ++i) name = path + std::string(kMark) + "-" + std::to_string(i);
  return name;
}

// When the segment began and ended; nullopt: nothing in it can be read.
std::optional<std::pair<Milliseconds, Milliseconds>> stretch_of(const std::string& path) {
  auto segment = SegmentReader::open(path);
  if (!segment) return std::nullopt;
  return segment->stretch().value_or(std::nullopt);
}

// Segments that the catalogue does not know. Whether they have all that was open when they began is not known
// either.
Result<void> add_segments(const std::string& folder, Catalogue& catalogue) {
  const auto known = TRY(catalogue.segments());
  Milliseconds last = 0;
  for (const int64_t number : segment_numbers(folder)) {
    const auto present = std::ranges::find(known, number, &Segment::number);
    if (present != known.end()) {
      last = std::max(last, present->last);
      continue;
    }
    const std::string path = segment_path(folder, number);
    const auto stretch = stretch_of(path);
    if (!stretch) {
      spdlog::error("{}: nothing in it can be read; it is set aside as {}", path, TRY(set_aside(path)));
      continue;
    }
    const Milliseconds first = last != 0 ? last - kOverlap : stretch->first;
    last = std::max(last, stretch->second);
    TRY(catalogue.put(Segment{number, first, last, false}));
  }
  return {};
}

}  // namespace

Result<std::string> set_aside(const std::string& path) {
  std::string name = free_name(path);
  std::error_code failed, ignored;
  fs::rename(path, name, failed);
  if (failed) return fail(path, failed.message());
  for (const char* const suffix : {"-wal", "-shm"}) fs::rename(path + suffix, name + suffix, ignored);
  return name;
}

std::vector<std::string> files_set_aside(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(folder, failed)) {
    const std::string name = file.path().filename();
    if (name.find(kMark) != std::string::npos && !name.ends_with("-wal") && !name.ends_with("-shm"))
      names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Result<Catalogue> open_catalogue(const std::string& folder, Milliseconds now) {
  Error damage;
  {
    auto opened = TRY(Catalogue::open(folder, damage));
    if (opened && (!TRY(opened->segments()).empty() || segment_numbers(folder).empty()))
      return *std::move(opened);
    if (opened) damage = {catalogue_path(folder), "it knows nothing of the segments that are there", ""};
  }
  return replace_catalogue(folder, damage, now);
}

Result<Catalogue> replace_catalogue(const std::string& folder, const Error& damage, Milliseconds now) {
  const std::string path = catalogue_path(folder);
  const std::string name = TRY(set_aside(path));
  std::error_code no_copy;
  fs::rename(catalogue_copy_path(folder), path, no_copy);
  Error damage_of_copy;
  auto opened = TRY(Catalogue::open(folder, damage_of_copy));
  if (!opened) {
    (void)TRY(set_aside(path));
    opened = TRY(Catalogue::open(folder, damage_of_copy));
  }
  if (!opened) return std::unexpected(damage_of_copy);
  const Milliseconds copied = TRY(opened->copied());
  spdlog::error("{}; it is set aside as {}, and the log goes on with {}", damage.to_string(), name,
                copied != 0
                    ? "its copy"
                    : "an empty one: instances, rules and mappings of the past are not known any more");
  TRY(opened->skip_sources());
  TRY(add_segments(folder, *opened));
  const auto segments = TRY(opened->segments());
  const Milliseconds first = segments.empty() ? now : segments.front().first;
  TRY(opened->put(Gap{std::min(now, copied != 0 ? copied : first), now, uint64_t{0}}));
  return *std::move(opened);
}

}  // namespace yonroku::natlog
