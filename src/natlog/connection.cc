#include "natlog/connection.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace yonroku::natlog {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Data that nobody confirms for so long means that nobody is there.
constexpr unsigned kUserTimeout = 30'000;  // milliseconds

// How long a receiver may take to say what it thinks of our certificate.
constexpr milliseconds kVerdictWithin{500};

std::unexpected<Error> fail_now(std::string what) { return fail({}, std::move(what)); }
std::unexpected<Error> fail_with(std::string_view what, int error) {
  return fail_now(fmt::format("{}: {}", what, std::strerror(error)));
}

void prepare(int socket, Protocol protocol) {
  if (protocol == Protocol::Udp) {
    constexpr int kSendBuffer = 4 << 20;  // of bursts
    (void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
    return;
  }
  constexpr int kOn = 1;
  (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &kOn, sizeof kOn);
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeout, sizeof kUserTimeout);
}

Result<FileDescriptor> connect_to_one(const addrinfo& address, Protocol protocol, Deadline deadline) {
  FileDescriptor made(
      ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (made.get() < 0) return fail_with("cannot make a socket", errno);
  prepare(made.get(), protocol);
  if (::connect(made.get(), address.ai_addr, address.ai_addrlen) == 0) return made;
  if (errno != EINPROGRESS) return fail_with("cannot connect", errno);
  if (!wait_for(made.get(), POLLOUT, deadline)) return fail_now("cannot connect: no answer");
  int error = 0;
  socklen_t size = sizeof error;
  (void)::getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail_with("cannot connect", error);
  return made;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

bool wait_for(int socket, short events, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd waited{socket, events, 0};
    const int count = ::poll(&waited, 1, left > 0 ? static_cast<int>(left) : 0);
    if (count > 0) return true;
    if (count == 0) return false;
    if (errno != EINTR) return false;
  }
}

Result<FileDescriptor> connect_to(const Destination& destination, Protocol protocol, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = protocol == Protocol::Udp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(destination.host.c_str(), std::to_string(destination.port).c_str(), &hints, &found);
  if (error != 0)
    return fail_now(fmt::format("cannot look up {}: {}", destination.host, ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  Result<FileDescriptor> outcome = fail_now("no address");
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    outcome = connect_to_one(*each, protocol, deadline);
    if (outcome) break;
  }
  return outcome;
}

Result<StreamConnection> StreamConnection::open(const Destination& destination, TlsClient* tls,
                                                Deadline deadline) {
  FileDescriptor socket = TRY(connect_to(destination, Protocol::Tcp, deadline));
  TlsSession session;
  if (tls != nullptr)
    session =
        TRY(tls->begin(socket.get(), [&](short events) { return wait_for(socket.get(), events, deadline); }));
  // With TLS 1.3 (RFC 8446 §2) we are done before the receiver has seen our certificate, and what we write
  // until it refuses is lost. One that accepts mostly says something: a ticket (RFC 8446 §4.6.1).
  if (session && tls_verdict_follows(session)) {
    (void)wait_for(socket.get(), POLLIN, std::min(deadline, steady_clock::now() + kVerdictWithin));
    TRY(tls_check(session));
  }
  return StreamConnection(std::move(socket), std::move(session));
}

Result<std::size_t> StreamConnection::write(std::string_view octets, Deadline deadline) {
  while (true) {
    short events = POLLOUT;
    if (tls_) {
      const auto outcome = tls_write(tls_, octets);
      if (!outcome) return std::unexpected(outcome.error());
      if (outcome->count > 0) return outcome->count;
      events = outcome->wants;
    } else {
      const ssize_t count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        written_ += static_cast<uint64_t>(count);
        return static_cast<std::size_t>(count);
      }
      if (errno != EAGAIN && errno != EINTR) return fail_with("cannot write", errno);
    }
    if (!wait_for(socket_.get(), events, deadline)) return 0;
  }
}

Result<void> StreamConnection::check() {
  if (tls_) return tls_check(tls_);
  char ignored[512];
  while (true) {
    const ssize_t count = ::recv(socket_.get(), ignored, sizeof ignored, MSG_DONTWAIT);
    if (count == 0) return fail_now("the receiver closed the connection");
    if (count < 0 && errno == EAGAIN) return {};
    if (count < 0 && errno != EINTR) return fail_with("the connection broke", errno);
  }
}

uint64_t StreamConnection::written() const { return tls_ ? tls_written(tls_) : written_; }

uint64_t StreamConnection::confirmed() const {
  int waiting = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &waiting) != 0 || waiting < 0) return 0;
  const uint64_t all = written();
  return all - std::min(all, static_cast<uint64_t>(waiting));
}

}  // namespace yonroku::natlog
