// Runs one fuzz target over files instead of over libFuzzer's inventions. Arguments are files or directories;
// a directory that does not exist counts as empty, since a target may have no seeds yet. The empty input
// always runs.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void replay(const std::vector<char>& bytes) {
  // A vector of exactly this size, so that a sanitizer sees the first octet read past the end.
  const std::vector<uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

bool replay_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  std::fprintf(stderr, "replay %s\n", path.c_str());  // The last one named is the one that crashed.
  replay(std::vector<char>(std::istreambuf_iterator<char>(stream), {}));
  return true;
}

}  // namespace

int main(int argument_count, char** arguments) {
  namespace fs = std::filesystem;
  size_t count = 1;
  replay({});
  for (int i = 1; i < argument_count; ++i) {
    const fs::path path = arguments[i];
    if (!fs::exists(path)) continue;
    std::vector<fs::path> files;
    if (fs::is_directory(path)) {
      for (const auto& entry : fs::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    } else {
      files.push_back(path);
    }
    for (const auto& file : files) {
      if (!replay_file(file)) return 1;
      ++count;
    }
  }
  std::printf("%zu inputs replayed\n", count);
  return 0;
}
