// The control API's requests and what answers them (docs/api.md).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"

namespace httplib {
class Server;
}

namespace yonroku::api {

// The client whose request runs on this thread, and the server it has.
class Asker {
 public:
  [[nodiscard]] virtual bool may_change() const = 0;
  // A body of so many octets is read from now on. Nobody's is before.
  virtual void expect_body(std::size_t largest) = 0;
  // Whether the server ends, and answers that take long do not matter any more.
  [[nodiscard]] virtual bool is_ending() const = 0;

 protected:
  ~Asker() = default;
};

// `asker` and `backend` outlive `server`. An answer with "Connection: close" is the last of its client: what
// it still sends is not read.
void add_routes(httplib::Server& server, Backend& backend, Asker& asker);

// "GET /v1/instances/{instance}/mappings": all that add_routes() adds.
[[nodiscard]] std::vector<std::string> route_names();

// Whether a client on TCP may have it without the token: pages without a word about the network.
[[nodiscard]] bool is_open_to_all(std::string_view method, std::string_view path);

}  // namespace yonroku::api
