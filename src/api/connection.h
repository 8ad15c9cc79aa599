// One client of the control API: its octets, and who it is.
#pragma once

#include <httplib.h>
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace yonroku::api {

// How long a client is waited for.
struct Patience {
  std::chrono::milliseconds idle{60'000};      // between requests
  std::chrono::milliseconds stalled{10'000};   // until the next octet of one
  std::chrono::milliseconds progress{30'000};  // until a head is whole, and for each 64 KiB of a body
  std::chrono::milliseconds farewell{5'000};   // until one that was refused has heard it
};

class Connection final : public httplib::Stream {
 public:
  enum class Door : uint8_t { Unix, Tcp };
  // `stop_fd` becomes readable when the server ends, which waits for no client.
  Connection(io::FileDescriptor fd, int stop_fd, Door door, const Patience& patience = {});

  [[nodiscard]] Door door() const { return door_; }
  // The client on TCP has shown its token with this request, and may do everything.
  void trust() { is_trusted_ = true; }
  // The request may bring a body of so many octets; without this it may have a head of 128 KiB and no more.
  void expect_body(std::size_t largest);
  // The request is refused, and what comes behind it is not looked at.
  void refuse() { is_refused_ = true; }
  // Whether nothing that comes can be taken for a request.
  [[nodiscard]] bool is_over() const { return is_refused_ || has_failed_; }
  // The last of a client that was refused: what it still sends is thrown away for a while, since it may hear
  // the answer only then, and would not if the connection were closed before.
  void part();

  // Whether another request begins, waiting for it; false when the client or the server ends, or nothing
  // comes.
  [[nodiscard]] bool wait_for_request();

  // Who is at the other end of a Unix socket (SO_PEERCRED): root and our own user may change things.
  [[nodiscard]] bool may_change() const;

  bool is_readable() const override;
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  // A Unix socket's peer has no address, and that of a TCP socket is this host.
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_.get(); }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool wait_readable(std::chrono::milliseconds timeout) const;
  [[nodiscard]] ssize_t fail();
  ssize_t receive();

  io::FileDescriptor fd_;
  int stop_fd_;
  Door door_;
  Patience patience_;
  bool is_trusted_ = false;
  bool is_refused_ = false;
  bool has_failed_ = false;
  uid_t peer_user_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  // Of the request that is being read: octets, and of those sent ahead; how many there may be; how many have
  // to be there at the deadline.
  std::size_t received_ = 0;
  std::size_t most_ = 0;
  std::size_t next_ = 0;
  Clock::time_point deadline_;
};

}  // namespace yonroku::api
