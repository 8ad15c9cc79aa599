// A socket that is connected to a receiver, with or without TLS. Nothing here waits longer than it is told.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "natlog/tls_client.h"

namespace yonroku::natlog {

using Deadline = std::chrono::steady_clock::time_point;

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

struct Destination {
  std::string host;  // address or name
  uint16_t port;
};
enum class Protocol : uint8_t { Udp, Tcp };
// Not blocking. Tries each of the host's addresses.
[[nodiscard]] Result<FileDescriptor> connect_to(const Destination& destination, Protocol protocol,
                                                Deadline deadline);

class StreamConnection {
 public:
  // `tls` is null, or lives as long as the connection.
  static Result<StreamConnection> open(const Destination& destination, TlsClient* tls, Deadline deadline);

  // How many octets were taken: 0 when the receiver took none until the deadline.
  Result<std::size_t> write(std::string_view octets, Deadline deadline);
  // An error when the receiver has closed it. What it says is ignored.
  Result<void> check();
  // Octets of the stream since it began, TLS included: given to the kernel, and confirmed by the receiver's.
  [[nodiscard]] uint64_t written() const;
  [[nodiscard]] uint64_t confirmed() const;

 private:
  StreamConnection(FileDescriptor socket, TlsSession session)
      : socket_(std::move(socket)), tls_(std::move(session)) {}
  FileDescriptor socket_;
  TlsSession tls_;  // null without TLS
  uint64_t written_ = 0;
};

// False when nothing of `events` came until the deadline.
[[nodiscard]] bool wait_for(int socket, short events, Deadline deadline);

}  // namespace yonroku::natlog
