#include "api/client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

#include "io/file_descriptor.h"

namespace yonroku::api {
namespace {

constexpr time_t kConnectSeconds = 5;
constexpr time_t kAnswerSeconds = 120;  // a table of millions takes a while

// Why nobody answers: asks the kernel once more, since the HTTP library does not tell.
Error nobody_answers(const std::string& path) {
  const std::string what = "no yonroku answers at " + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return {"", what + ": the path is too long", "give another --socket"};
  path.copy(address.sun_path, path.size());
  const io::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN)
    return {"", "the yonroku at " + path + " does not answer in time", "try again"};
  switch (errno) {
    case EACCES:
    case EPERM:
      return {"", what + ": permission denied", "run this as root, or as a member of the socket's group"};
    case ENOENT:
      return {"",
              what + ": is it running? Start it with `yonroku run`, or give its control socket with --socket",
              ""};
    case ECONNREFUSED:
      return {"", what + ": it ended without cleaning up", "start it again with `yonroku run`"};
    default: return {"", what + ": " + std::strerror(errno), "give its control socket with --socket"};
  }
}

Error error_in(const httplib::Response& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("error") && json["error"].is_object()) {
    const auto& error = json["error"];
    return {error.value("where", ""), error.value("what", ""), error.value("fix", "")};
  }
  return {"", fmt::format("the program answered with HTTP status {}", response.status), ""};
}

}  // namespace

Client::Client(std::string socket_path)
    : socket_path_(std::move(socket_path)), http_(std::make_unique<httplib::Client>(socket_path_)) {
  http_->set_address_family(AF_UNIX);
  http_->set_keep_alive(true);
  http_->set_connection_timeout(kConnectSeconds);
  http_->set_read_timeout(kAnswerSeconds);
  http_->set_write_timeout(kAnswerSeconds);
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

Result<Answer> Client::request(Method method, const std::string& path, const std::string& body,
                               const std::string& accept) {
  constexpr const char* kCsv = "text/csv";
  const httplib::Headers headers{{"Accept", accept}, {"Host", "localhost"}};
  const auto result = [&] {
    switch (method) {
      case Method::Post: return http_->Post(path, headers, body, kCsv);
      case Method::Put: return http_->Put(path, headers, body, kCsv);
      case Method::Delete: return http_->Delete(path, headers, body, kCsv);
      case Method::Get: break;
    }
    return http_->Get(path, headers);
  }();
  if (!result) return std::unexpected(nobody_answers(socket_path_));
  constexpr int kOk = 200;
  if (result->status != kOk) return std::unexpected(error_in(*result));
  return Answer{result->body, result->get_header_value("Content-Type")};
}

Result<void> Client::stream(const std::string& path, const std::function<bool(std::string_view)>& receive) {
  constexpr int kOk = 200;
  int status = 0;
  std::string error;
  bool is_wanted = true;
  const auto result = http_->Get(
      path, httplib::Headers{{"Accept", "application/json"}, {"Host", "localhost"}},
      [&](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, std::size_t size) {
        if (status == kOk) return is_wanted = receive({data, size});
        error.append(data, size);
        return true;
      });
  if (!is_wanted) return {};
  if (status == 0) return std::unexpected(nobody_answers(socket_path_));
  if (!result) return fail(socket_path_, "the program has ended");
  if (status == kOk) return {};
  httplib::Response refused = *result;
  refused.body = error;
  return std::unexpected(error_in(refused));
}

std::string mappings_path(const std::string& instance) { return table_path(instance, "mappings"); }

std::string table_path(const std::string& instance, std::string_view table) {
  return instance.empty() ? fmt::format("/v1/{}", table)
                          : fmt::format("/v1/instances/{}/{}", instance, table);
}

std::string describe_server(const std::string& socket_path) {
  Client client(socket_path);
  const auto answer = client.request(Client::Method::Get, "/v1/status");
  if (!answer) return "";
  const auto status = nlohmann::json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  if (!status.is_object() || !status.contains("instances")) return "";
  std::string names;
  for (const auto& instance : status["instances"])
    names += (names.empty() ? "" : ", ") + instance.value("name", std::string());
  return fmt::format(" (process {}, instances: {})", status.value("process-id", 0), names);
}

}  // namespace yonroku::api
