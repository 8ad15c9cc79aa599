// The control API at a TCP port of this host itself. Every user of the host gets there, and so does a web
// page in somebody's browser: requests show a token, and name this host.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"
#include "io/file_descriptor.h"

namespace yonroku::api {

class TcpDoor {
 public:
  // Reads the token and begins to listen. An error when others than its owner and group may read the token.
  static Result<TcpDoor> open(const config::ControlListen& listen);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Whether a request's Host is this host, whatever its port, which is another one behind an SSH tunnel: a
  // name of somebody else's that leads here is not (DNS rebinding).
  [[nodiscard]] bool is_own_name(std::string_view host) const;
  // "Bearer TOKEN". Takes as long whatever is wrong with it.
  [[nodiscard]] bool has_token(std::string_view authorization) const;

 private:
  TcpDoor(io::FileDescriptor fd, std::string address, std::string token)
      : fd_(std::move(fd)), address_(std::move(address)), token_(std::move(token)) {}

  io::FileDescriptor fd_;
  std::string address_;
  std::string token_;
};

}  // namespace yonroku::api
