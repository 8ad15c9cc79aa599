// The control API's requests and what answers them (docs/api.md).
#pragma once

#include <functional>

#include "api/backend.h"

namespace httplib {
class Server;
}

namespace yonroku::api {

// `may_change` tells whether the client whose request runs on this thread may change anything. Both outlive
// `server`.
void add_routes(httplib::Server& server, Backend& backend, const std::function<bool()>& may_change);

}  // namespace yonroku::api
