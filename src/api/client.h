// The other end of the control socket: what `yonroku show` and `yonroku mappings` speak.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace httplib {
class Client;
}

namespace yonroku::api {

struct Answer {
  std::string body;
  std::string content_type;
};

class Client {
 public:
  explicit Client(std::string socket_path);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) = delete;

  enum class Method : uint8_t { Get, Post, Put, Delete };

  // The answer, or the error that it carries; "no yonroku answers" when nobody listens.
  Result<Answer> request(Method method, const std::string& path, const std::string& body = {},
                         const std::string& accept = "application/json");
  // Gives the answer's octets to `receive` as they come, until it returns false or the answer ends.
  Result<void> stream(const std::string& path, const std::function<bool(std::string_view)>& receive);

 private:
  std::string socket_path_;
  std::unique_ptr<httplib::Client> http_;
};

// "/v1/instances/dc/mappings", or "/v1/mappings" for the only instance.
[[nodiscard]] std::string mappings_path(const std::string& instance);
// The same for "rules" and "softwires".
[[nodiscard]] std::string table_path(const std::string& instance, std::string_view table);

// " (process 77, instances: dc)" about whoever serves the socket; empty when it does not say.
[[nodiscard]] std::string describe_server(const std::string& socket_path);

}  // namespace yonroku::api
