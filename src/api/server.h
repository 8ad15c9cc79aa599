// The control API: HTTP over a Unix socket, and over TCP where that is wished for, in threads of its own.
//
// Reading is for everybody who may open the socket (its file mode and directory decide); changing needs root
// or the user that the program runs as. On TCP both need the token.
#pragma once

#include <memory>
#include <optional>

#include "api/backend.h"
#include "api/listening_socket.h"
#include "api/tcp_door.h"

namespace yonroku::api {

class Server {
 public:
  // Threads inherit the caller's signal mask: block what they must not catch.
  static std::unique_ptr<Server> start(std::unique_ptr<Backend> backend, ListeningSocket socket,
                                       std::optional<TcpDoor> tcp = std::nullopt);
  virtual ~Server() = default;

  // Ends after what is being carried out. Clients are not waited for: requests that have not come whole, and
  // answers that are not taken, break off. The destructor does the same.
  virtual void stop() = 0;

 protected:
  Server() = default;
};

}  // namespace yonroku::api
