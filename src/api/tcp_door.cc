#include "api/tcp_door.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace yonroku::api {
namespace {

constexpr std::size_t kShortestToken = 16;
constexpr std::size_t kLongestToken = 512;
constexpr int kBacklog = 64;

// As in bearer tokens.
bool may_stand_in_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").contains(c);
}

Result<std::string> read_token(const std::string& path) {
  const io::FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.is_open())
    return fail(path, std::string("the token cannot be read: ") + std::strerror(errno),
                "make it: (umask 077; openssl rand -hex 32 > " + path + ")");
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return fail(path, "is no file with a token", "choose another control: token-file:");
  if ((status.st_mode & S_IRWXO) != 0)
    return fail(path, "everybody may read the token",
                "chmod o= " + path + ", and write another token into it");
  std::string token(kLongestToken + 2, '\0');
  const ssize_t got = ::read(fd.get(), token.data(), token.size());
  token.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (token.ends_with('\n')) token.pop_back();
  if (token.size() < kShortestToken || token.size() > kLongestToken ||
      !std::ranges::all_of(token, may_stand_in_token))
    return fail(
        path,
        fmt::format("holds no token of {} to {} letters, digits and -._~+/=", kShortestToken, kLongestToken),
        "make it: (umask 077; openssl rand -hex 32 > " + path + ")");
  return token;
}

Result<io::FileDescriptor> listen_at(const config::ControlListen& listen) {
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  const bool is_ipv4 = ::inet_pton(AF_INET, listen.address.c_str(), &ipv4.sin_addr) == 1;
  if (!is_ipv4 && ::inet_pton(AF_INET6, listen.address.c_str(), &ipv6.sin6_addr) != 1)
    return fail(listen.address, "is no address", "choose another control: listen:");
  ipv4.sin_family = AF_INET;
  ipv6.sin6_family = AF_INET6;
  ipv4.sin_port = ipv6.sin6_port = htons(listen.port);
  io::FileDescriptor fd(
      ::socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto* address =
      is_ipv4 ? reinterpret_cast<const sockaddr*>(&ipv4) : reinterpret_cast<const sockaddr*>(&ipv6);
  const socklen_t size = is_ipv4 ? sizeof ipv4 : sizeof ipv6;
  if (!fd.is_open() || ::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return fail(fmt::format("{} port {}", listen.address, listen.port),
                std::string("cannot be listened at: ") + std::strerror(errno),
                "choose another control: listen:");
  return fd;
}

}  // namespace

Result<TcpDoor> TcpDoor::open(const config::ControlListen& listen) {
  std::string token = TRY(read_token(listen.token_file));
  return TcpDoor(TRY(listen_at(listen)), listen.address, std::move(token));
}

bool TcpDoor::is_own_name(std::string_view host) const {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket))
    host = host.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "localhost" || host == "127.0.0.1" || host == "::1" || host == address_;
}

bool TcpDoor::has_token(std::string_view authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  const bool has_scheme = authorization.size() >= kScheme.size() &&
                          std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, {},
                                             [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const std::string_view shown = has_scheme ? authorization.substr(kScheme.size()) : std::string_view();
  volatile unsigned difference = shown.size() == token_.size() ? 0u : 1u;
  for (std::size_t i = 0; i < token_.size(); ++i) {
    const char c = i < shown.size() ? shown[i] : '\0';
    difference = difference | static_cast<unsigned char>(c ^ token_[i]);
  }
  return difference == 0;
}

}  // namespace yonroku::api
