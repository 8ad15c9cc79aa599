// The control API's requests and what answers them (docs/api.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"

namespace httplib {
class Server;
}

namespace yonroku::api {

// `may_change` tells whether the client whose request runs on this thread may change anything. Both outlive
// `server`.
void add_routes(httplib::Server& server, Backend& backend, const std::function<bool()>& may_change);

// "GET /v1/instances/{instance}/mappings": all that add_routes() adds.
[[nodiscard]] std::vector<std::string> route_names();

// Whether a client on TCP may have it without the token: pages without a word about the network.
[[nodiscard]] bool is_open_to_all(std::string_view method, std::string_view path);

}  // namespace yonroku::api
