// One client of the control API: its octets, and who it is.
#pragma once

#include <httplib.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace yonroku::api {

class Connection final : public httplib::Stream {
 public:
  enum class Door : uint8_t { Unix, Tcp };
  // `stop_fd` becomes readable when the server ends.
  Connection(io::FileDescriptor fd, int stop_fd, Door door);

  [[nodiscard]] Door door() const { return door_; }
  // The client on TCP has shown its token with this request, and may do everything; until then it may send a
  // head of 128 KiB and no more.
  void trust() { is_trusted_ = true; }
  // The request is refused, and what comes behind it is not looked at.
  void refuse() { is_refused_ = true; }
  [[nodiscard]] bool is_refused() const { return is_refused_; }

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
  enum class Watch : uint8_t { Data, DataOrStop };
  [[nodiscard]] bool wait_readable(Watch watch, int milliseconds) const;

  io::FileDescriptor fd_;
  int stop_fd_;
  Door door_;
  bool is_trusted_ = false;
  bool is_refused_ = false;
  uid_t peer_user_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t received_ = 0;  // octets of the request that is being read, and of those sent ahead
};

}  // namespace yonroku::api
