#include "natlog/unsent_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>

#include "base/wire.h"

namespace yonroku::natlog {
namespace {

constexpr std::string_view kFirstLine = "yonroku unsent messages, version 1\n";

uint64_t checksum(std::string_view octets) {  // FNV-1a
  uint64_t sum = 0xcbf29ce484222325;
  for (const char c : octets) sum = (sum ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return sum;
}

template <class Wire>
void append(std::string& out, Wire value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Takes a piece off the front; nullopt when there is not as much.
class Pieces {
 public:
  explicit Pieces(std::string_view rest) : rest_(rest) {}
  [[nodiscard]] bool is_empty() const { return rest_.empty(); }
  std::optional<std::string_view> take(std::size_t size) {
    if (rest_.size() < size) return std::nullopt;
    const std::string_view piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }
  template <class Wire>
  std::optional<Wire> number() {
    const auto piece = take(sizeof(Wire));
    if (!piece) return std::nullopt;
    Wire value;
    std::memcpy(&value, piece->data(), sizeof value);
    return value;
  }

 private:
  std::string_view rest_;
};

// Of what is where a file of that name is, for receivers of one name that are there at once.
std::mutex file_mutex;

std::string file_name(std::string_view receiver) {
  std::string name;
  for (const char c : receiver) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          c == '.' || c == '-' || c == '_';
    name += is_plain ? c : '~';
  }
  return name + ".unsent";
}

}  // namespace

std::string write_unsent(std::string_view receiver, const std::vector<Message>& messages,
                         std::size_t& count) {
  std::string file(kFirstLine);
  file += receiver;
  file += '\n';
  count = 0;
  for (const Message& message : messages) {
    if (file.size() + message.key.size() + message.octets.size() > kMostUnsentOctets) break;
    append(file, be16::from_host(static_cast<uint16_t>(message.key.size())));
    append(file, be32::from_host(static_cast<uint32_t>(message.octets.size())));
    file += message.key + message.octets;
    ++count;
  }
  seal_unsent(file);
  return file;
}

void seal_unsent(std::string& file) { append(file, be64::from_host(checksum(file))); }

Result<std::vector<Message>> parse_unsent(std::string_view file, std::string_view receiver) {
  const std::string head = fmt::format("{}{}\n", kFirstLine, receiver);
  if (!file.starts_with(head)) return fail({}, "it is no file of ours, or of another version or receiver");
  if (file.size() < head.size() + sizeof(be64)) return fail({}, "it is cut off");
  const std::string_view body = file.substr(0, file.size() - sizeof(be64));
  if (Pieces(file.substr(body.size())).number<be64>()->host() != checksum(body))
    return fail({}, "it is damaged");
  std::vector<Message> messages;
  Pieces pieces(body.substr(head.size()));
  while (!pieces.is_empty()) {
    const auto key_size = pieces.number<be16>();
    const auto size = pieces.number<be32>();
    if (!key_size || !size) return fail({}, "a message has no size");
    const auto key = pieces.take(key_size->host()), octets = pieces.take(size->host());
    if (!key || !octets) return fail({}, "a message is cut off");
    messages.push_back({std::string(*key), std::string(*octets)});
  }
  return messages;
}

UnsentFile::UnsentFile(const std::string& folder, std::string receiver)
    : receiver_(std::move(receiver)), path_(folder + '/' + file_name(receiver_)) {}

std::vector<Message> UnsentFile::read() {
  const std::scoped_lock lock(file_mutex);
  std::ifstream stream(path_, std::ios::binary);
  if (!stream) return {};
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  auto messages = parse_unsent(text, receiver_);
  if (messages) {
    read_ = identity();
    return *std::move(messages);
  }
  const std::string aside = path_ + ".damaged";
  (void)std::rename(path_.c_str(), aside.c_str());
  spdlog::error("{}: {}; it is now {}", path_, messages.error().what, aside);
  return {};
}

Result<std::size_t> UnsentFile::write(const std::vector<Message>& messages) {
  std::size_t count = 0;
  const std::string text = write_unsent(receiver_, messages, count);
  const std::string next = path_ + ".next";
  const std::scoped_lock lock(file_mutex);
  const auto failed = [&] {
    return fail(next, std::strerror(errno), "make the folder writable, or set nat-log: path");
  };
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return failed();
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t written = ::write(file, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    at += static_cast<std::size_t>(written);
  }
  const bool is_good = at == text.size() && ::fsync(file) == 0;
  const auto error = is_good ? std::unexpected(Error{}) : failed();
  ::close(file);
  if (!is_good) return error;
  if (std::rename(next.c_str(), path_.c_str()) != 0) return failed();
  return count;
}

void UnsentFile::remove() {
  if (!read_) return;
  const std::scoped_lock lock(file_mutex);
  if (is_as_read()) ::unlink(path_.c_str());
  read_.reset();
}

bool UnsentFile::is_as_read() const { return read_ && read_ == identity(); }

std::optional<UnsentFile::Identity> UnsentFile::identity() const {
  struct stat found{};
  if (::stat(path_.c_str(), &found) != 0) return std::nullopt;
  return Identity{static_cast<uint64_t>(found.st_dev), static_cast<uint64_t>(found.st_ino),
                  static_cast<int64_t>(found.st_mtim.tv_sec), static_cast<int64_t>(found.st_mtim.tv_nsec)};
}

}  // namespace yonroku::natlog
