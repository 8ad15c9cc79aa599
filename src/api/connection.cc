#include "api/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace yonroku::api {
namespace {

// A mapping table of the largest size, and its head.
constexpr std::size_t kLargestRequest = (std::size_t{256} << 20) + (std::size_t{64} << 10);

constexpr std::size_t kLargestHead =
    2 * (64 << 10);  // of whom we do not know: what one read brings, and more
constexpr std::size_t kBufferSize = 64 << 10;
constexpr int kIdleMilliseconds = 60'000;     // between requests
constexpr int kStalledMilliseconds = 10'000;  // within one
constexpr uid_t kNobody = static_cast<uid_t>(-1);

uid_t peer_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid : kNobody;
}

}  // namespace

Connection::Connection(io::FileDescriptor fd, int stop_fd, Door door)
    : fd_(std::move(fd)),
      stop_fd_(stop_fd),
      door_(door),
      peer_user_(door == Door::Unix ? peer_user(fd_.get()) : kNobody),
      buffer_(kBufferSize) {}

bool Connection::may_change() const {
  if (door_ == Door::Tcp) return is_trusted_;
  return peer_user_ == 0 || peer_user_ == ::geteuid();
}

bool Connection::wait_readable(Watch watch, int milliseconds) const {
  pollfd watched[] = {{fd_.get(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  const nfds_t count = watch == Watch::DataOrStop ? 2 : 1;
  int ready = 0;
  do ready = ::poll(watched, count, milliseconds);
  while (ready < 0 && errno == EINTR);
  return ready > 0 && (watched[0].revents & POLLIN) != 0;
}

bool Connection::wait_for_request() {
  received_ = end_ - begin_;
  is_trusted_ = false;
  if (begin_ < end_) return true;
  if (!wait_readable(Watch::DataOrStop, kIdleMilliseconds)) return false;
  char octet = 0;
  return ::recv(fd_.get(), &octet, 1, MSG_PEEK) == 1;
}

bool Connection::is_readable() const { return begin_ < end_ || wait_readable(Watch::Data, 0); }

ssize_t Connection::read(char* data, std::size_t size) {
  if (begin_ == end_) {
    if (!wait_readable(Watch::Data, kStalledMilliseconds)) return -1;
    ssize_t got = 0;
    do got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return got;
    // The HTTP library sets no bound to a request line or to a header.
    received_ += static_cast<std::size_t>(got);
    const bool may_be_large = door_ == Door::Unix || is_trusted_;
    if (received_ > (may_be_large ? kLargestRequest : kLargestHead)) return -1;
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
  }
  const std::size_t count = std::min(size, end_ - begin_);
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

// The HTTP library takes a short write for a whole one: all or an error.
ssize_t Connection::write(const char* data, std::size_t size) {
  std::size_t sent = 0;
  while (sent < size) {
    const ssize_t count = ::send(fd_.get(), data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    pollfd watched{fd_.get(), POLLOUT, 0};
    if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
        ::poll(&watched, 1, kStalledMilliseconds) <= 0)
      return -1;
  }
  return static_cast<ssize_t>(size);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}
void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace yonroku::api
