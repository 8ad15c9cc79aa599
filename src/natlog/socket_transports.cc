#include "natlog/socket_transports.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "natlog/clock.h"

namespace yonroku::natlog {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kConnectWithin{3000};
constexpr milliseconds kWriteWithin{1000};
constexpr milliseconds kConfirmWithin{1000};
constexpr std::size_t kChunkSize = 64 << 10;
constexpr std::size_t kDatagramsAtOnce = 64;
constexpr int kLargestMtu = 1500;
constexpr int kIpv6AndUdpHeaders = 48;
constexpr int kIpv4AndUdpHeaders = 28;

void append(std::deque<Message>& to, std::vector<Message>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::vector<Message> take(std::deque<Message>& from) {
  std::vector<Message> all(std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
  return all;
}

}  // namespace

void DatagramTransport::put(std::vector<Message> messages) { append(messages_, messages); }
std::vector<Message> DatagramTransport::take_rest() { return take(messages_); }

// RFC 7011 §10.3.3: no larger than what the path takes, as far as is known.
std::size_t DatagramTransport::largest() const {
  int mtu = 0;
  socklen_t size = sizeof mtu;
  if (::getsockopt(socket_->get(), IPPROTO_IPV6, IPV6_MTU, &mtu, &size) == 0)
    return static_cast<std::size_t>(std::min(mtu, kLargestMtu) - kIpv6AndUdpHeaders);
  size = sizeof mtu;
  if (::getsockopt(socket_->get(), IPPROTO_IP, IP_MTU, &mtu, &size) == 0)
    return static_cast<std::size_t>(std::min(mtu, kLargestMtu) - kIpv4AndUdpHeaders);
  return 512;
}

Result<void> DatagramTransport::send() {
  while (!messages_.empty()) TRY(send_some());
  return {};
}

Result<void> DatagramTransport::send_some() {
  const auto deadline = steady_clock::now() + kWriteWithin;
  if (!socket_) {
    socket_ = TRY(connect_to(destination_, Protocol::Udp, deadline));
    framer_->begin();
  }
  std::array<std::string, kDatagramsAtOnce> datagrams;
  std::array<std::size_t, kDatagramsAtOnce> messages{};
  std::array<iovec, kDatagramsAtOnce> parts{};
  std::array<mmsghdr, kDatagramsAtOnce> headers{};
  const std::size_t most = largest();
  unsigned count = 0;
  for (std::size_t first = 0; first < messages_.size() && count < kDatagramsAtOnce; ++count) {
    messages[count] = framer_->frame(messages_, first, most, utc_now(), datagrams[count]);
    first += messages[count];
    parts[count] = {datagrams[count].data(), datagrams[count].size()};
    headers[count].msg_hdr.msg_iov = &parts[count];
    headers[count].msg_hdr.msg_iovlen = 1;
  }
  for (unsigned at = 0; at < count;) {
    const int sent = ::sendmmsg(socket_->get(), &headers[at], count - at, MSG_NOSIGNAL);
    const int error = errno;
    if (sent < 0 && (error == EINTR || (error == EAGAIN && wait_for(socket_->get(), POLLOUT, deadline))))
      continue;
    if (sent < 0) {
      socket_.reset();
      return fail({}, fmt::format("cannot send: {}", std::strerror(error)));
    }
    for (const unsigned end = at + static_cast<unsigned>(sent); at < end; ++at)
      messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(messages[at]));
  }
  return {};
}

void StreamTransport::put(std::vector<Message> messages) { append(messages_, messages); }

std::vector<Message> StreamTransport::take_rest() {
  if (connection_) release();
  disconnect();
  return take(messages_);
}

Result<void> StreamTransport::connect() {
  connection_ = TRY(
      StreamConnection::open(destination_, tls_ ? &*tls_ : nullptr, steady_clock::now() + kConnectWithin));
  framer_->begin();
  return {};
}

void StreamTransport::disconnect() {
  connection_.reset();
  sent_.clear();
  buffer_.clear();
  next_ = in_buffer_ = on_their_way_ = 0;
}

// Forgets what has arrived.
void StreamTransport::release() {
  const uint64_t confirmed = connection_->confirmed();
  while (!sent_.empty() && sent_.front().end <= confirmed) {
    const std::size_t count = sent_.front().messages;
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(count));
    on_their_way_ -= count;
    sent_.pop_front();
  }
}

Result<void> StreamTransport::check() {
  auto outcome = connection_->check();
  // What it confirmed last goes again: perhaps nobody has read it.
  if (!outcome) disconnect();
  return outcome;
}

Result<void> StreamTransport::send() {
  if (connection_) (void)check();
  if (!connection_) TRY(connect());
  const auto deadline = steady_clock::now() + kWriteWithin;
  while (true) {
    if (next_ < buffer_.size()) TRY(write(deadline));
    release();
    if (on_their_way_ == messages_.size()) return {};
    buffer_.clear();
    next_ = 0;
    in_buffer_ = framer_->frame(messages_, on_their_way_, kChunkSize, utc_now(), buffer_);
    on_their_way_ += in_buffer_;
  }
}

Result<void> StreamTransport::write(Deadline deadline) {
  while (next_ < buffer_.size()) {
    const auto count = connection_->write(std::string_view(buffer_).substr(next_), deadline);
    if (!count) {
      disconnect();
      return std::unexpected(count.error());
    }
    if (*count == 0) return fail({}, "the receiver takes nothing");
    next_ += *count;
  }
  sent_.push_back({connection_->written(), in_buffer_});
  return {};
}

Result<void> StreamTransport::flush() {
  const auto deadline = steady_clock::now() + kConfirmWithin;
  while (true) {
    TRY(send());
    if (messages_.empty()) return {};
    if (steady_clock::now() >= deadline)
      return fail({}, fmt::format("the receiver has not confirmed {} messages", messages_.size()));
    std::this_thread::sleep_for(milliseconds(2));
  }
}

}  // namespace yonroku::natlog
