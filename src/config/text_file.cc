#include "config/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace yonroku::config {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

Error file_error(const std::string& path, int number) {
  const char* fix = number == ENOENT   ? "check the path"
                    : number == EACCES ? "make it readable for the user that runs yonroku"
                                       : "check the path and the file system";
  return {path, fmt::format("cannot be read: {}", std::strerror(number)), fix};
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t max_size) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return std::unexpected(file_error(path, errno));
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) return std::unexpected(file_error(path, errno));
  if (S_ISDIR(status.st_mode)) return fail(path, "is a directory", "name a file in it");

  std::string text;
  std::size_t capacity =
      S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) + 4096 : std::size_t{1} << 16;
  std::size_t size = 0;
  while (true) {
    if (capacity > max_size + 1) capacity = max_size + 1;
    ssize_t count = 0;
    text.resize_and_overwrite(capacity, [&](char* data, std::size_t room) {
      do {
        count = ::read(file.number(), data + size, room - size);
      } while (count < 0 && errno == EINTR);
      if (count > 0) size += static_cast<std::size_t>(count);
      return size;
    });
    if (count < 0) return std::unexpected(file_error(path, errno));
    if (size > max_size)
      return fail(path, fmt::format("the file has more than {} MiB", max_size >> 20),
                  "split it; large tables of mappings belong in mappings-files");
    if (count == 0) return text;
    if (size == capacity) capacity *= 2;
  }
}

std::string path_from(const std::string& directory, const std::string& path) {
  if (path.starts_with('/') || directory.empty() || directory == ".") return path;
  return directory.ends_with('/') ? directory + path : directory + '/' + path;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace yonroku::config
