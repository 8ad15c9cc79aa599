// TLS towards a receiver (RFC 5425, RFC 7011 §11): checks who it is, and may say who we are. OpenSSL is seen
// by tls_client.cc alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/nat_log_settings.h"

struct ssl_st;
struct ssl_ctx_st;

namespace yonroku::natlog {

struct TlsDeleter {
  void operator()(ssl_st* session) const;  // says goodbye, if that needs no waiting
  void operator()(ssl_ctx_st* context) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsDeleter>;

class TlsClient {
 public:
  // `peer`: the name or address that the certificate must be for. Reads the files; an error says which one is
  // wrong.
  static Result<TlsClient> create(const config::TlsSettings& settings, std::string peer);

  // The handshake. `wait` waits for what poll() calls POLLIN or POLLOUT; false: it has waited long enough.
  // The files are read anew, and those that were read before serve where they cannot be.
  Result<TlsSession> begin(int socket, const std::function<bool(short)>& wait);

 private:
  using Context = std::unique_ptr<ssl_ctx_st, TlsDeleter>;
  TlsClient(const config::TlsSettings& settings, std::string peer, Context context);
  static Result<Context> make_context(const config::TlsSettings& settings);

  config::TlsSettings settings_;
  std::string peer_;
  Context context_;
};

struct TlsProgress {
  std::size_t count;  // octets
  short wants;        // when it is 0: what to wait for
};
[[nodiscard]] Result<TlsProgress> tls_write(const TlsSession& session, std::string_view octets);
// After the handshake: whether the other end checks what we are only now, as TLS 1.3 has it.
[[nodiscard]] bool tls_verdict_follows(const TlsSession& session);
// An error when the other end has closed the session. What it says is ignored.
[[nodiscard]] Result<void> tls_check(const TlsSession& session);
// Octets below TLS.
[[nodiscard]] uint64_t tls_written(const TlsSession& session);

}  // namespace yonroku::natlog
