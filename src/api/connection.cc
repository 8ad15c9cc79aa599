#include "api/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace yonroku::api {
namespace {

constexpr std::size_t kLargestHead = 2 * (64 << 10);  // what one read brings, and more
constexpr std::size_t kBufferSize = 64 << 10;
constexpr std::size_t kProgress = 64 << 10;  // octets of a body
constexpr uid_t kNobody = static_cast<uid_t>(-1);

uid_t peer_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid : kNobody;
}

}  // namespace

Connection::Connection(io::FileDescriptor fd, int stop_fd, Door door, const Patience& patience)
    : fd_(std::move(fd)),
      stop_fd_(stop_fd),
      door_(door),
      patience_(patience),
      peer_user_(door == Door::Unix ? peer_user(fd_.get()) : kNobody),
      buffer_(kBufferSize) {}

bool Connection::may_change() const {
  if (door_ == Door::Tcp) return is_trusted_;
  return peer_user_ == 0 || peer_user_ == ::geteuid();
}

// False also when the server ends, whatever has come.
bool Connection::wait_readable(std::chrono::milliseconds timeout) const {
  pollfd watched[] = {{fd_.get(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  int ready = 0;
  do ready = ::poll(watched, std::size(watched), static_cast<int>(timeout.count()));
  while (ready < 0 && errno == EINTR);
  return ready > 0 && watched[1].revents == 0 && (watched[0].revents & POLLIN) != 0;
}

bool Connection::wait_for_request() {
  received_ = end_ - begin_;
  most_ = kLargestHead;
  next_ = SIZE_MAX;
  is_trusted_ = false;
  if (begin_ == end_) {
    char octet = 0;
    if (!wait_readable(patience_.idle) || ::recv(fd_.get(), &octet, 1, MSG_PEEK) != 1) return false;
  }
  deadline_ = Clock::now() + patience_.progress;
  return true;
}

void Connection::expect_body(std::size_t largest) {
  // The sizes of the pieces that it may come in are no part of it.
  most_ = received_ + largest + largest / 16 + kLargestHead;
  next_ = received_ + kProgress;
  deadline_ = Clock::now() + patience_.progress;
}

void Connection::part() {
  ::shutdown(fd_.get(), SHUT_WR);
  const auto end = Clock::now() + patience_.farewell;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0 || !wait_readable(left) ||
        ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0) <= 0)
      return;
  }
}

bool Connection::is_readable() const { return begin_ < end_ || wait_readable(std::chrono::milliseconds(0)); }

ssize_t Connection::fail() {
  has_failed_ = true;
  return -1;
}

// More octets into the buffer, which is empty.
ssize_t Connection::receive() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
  if (has_failed_ || left.count() <= 0 || !wait_readable(std::min(left, patience_.stalled))) return fail();
  ssize_t got = 0;
  do got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return got;
  // The HTTP library sets no bound to a request line or to a header.
  received_ += static_cast<std::size_t>(got);
  if (received_ > most_) return fail();
  if (received_ >= next_) {
    next_ = received_ + kProgress;
    deadline_ = Clock::now() + patience_.progress;
  }
  begin_ = 0;
  end_ = static_cast<std::size_t>(got);
  return got;
}

ssize_t Connection::read(char* data, std::size_t size) {
  if (begin_ == end_)
    if (const ssize_t got = receive(); got <= 0) return got;
  const std::size_t count = std::min(size, end_ - begin_);
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

// The HTTP library takes a short write for a whole one: all or an error. At the end of the server what fits
// goes out, and a client that does not take the rest goes without.
ssize_t Connection::write(const char* data, std::size_t size) {
  std::size_t sent = 0;
  while (sent < size) {
    const ssize_t count = ::send(fd_.get(), data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    pollfd watched[] = {{fd_.get(), POLLOUT, 0}, {stop_fd_, POLLIN, 0}};
    if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
        ::poll(watched, std::size(watched), static_cast<int>(patience_.stalled.count())) <= 0 ||
        watched[1].revents != 0)
      return fail();
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
