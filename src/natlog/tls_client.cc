#include "natlog/tls_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>

#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"

namespace yonroku::natlog {
namespace {

// What OpenSSL says, and forgets with this.
std::string last_words() {
  const auto code = ERR_peek_last_error();
  const char* const words = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return words != nullptr ? words : "no reason given";
}

std::string certificate_words(ssl_st* session) {
  const long verdict = SSL_get_verify_result(session);
  return verdict == X509_V_OK ? std::string() : X509_verify_cert_error_string(verdict);
}

bool is_address(const std::string& peer) { return Ipv4Address::parse(peer) || Ipv6Address::parse(peer); }

// 0: it is a matter of waiting for that.
struct Trouble {
  short wants;
  Error error;
};
Trouble trouble_of(ssl_st* session, int outcome, std::string_view what) {
  const int system = errno;
  switch (SSL_get_error(session, outcome)) {
    case SSL_ERROR_WANT_READ: return {POLLIN, {}};
    case SSL_ERROR_WANT_WRITE: return {POLLOUT, {}};
    case SSL_ERROR_ZERO_RETURN: return {0, {{}, "the receiver closed the connection", {}}};
    case SSL_ERROR_SYSCALL:
      return {0,
              {{},
               fmt::format("{}: {}", what, system != 0 ? std::strerror(system) : "the receiver closed it"),
               {}}};
    default: return {0, {{}, fmt::format("{}: {}", what, last_words()), {}}};
  }
}

}  // namespace

void TlsDeleter::operator()(ssl_st* session) const {
  if (SSL_is_init_finished(session) != 0) (void)SSL_shutdown(session);
  SSL_free(session);
  ERR_clear_error();
}
void TlsDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsClient::TlsClient(const config::TlsSettings& settings, std::string peer, Context context)
    : settings_(settings), peer_(std::move(peer)), context_(std::move(context)) {}

Result<TlsClient> TlsClient::create(const config::TlsSettings& settings, std::string peer) {
  return TlsClient(settings, std::move(peer), TRY(make_context(settings)));
}

Result<TlsClient::Context> TlsClient::make_context(const config::TlsSettings& settings) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return fail("TLS", last_words());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);  // RFC 8996 §4
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (settings.ca_file) {
    if (SSL_CTX_load_verify_file(context.get(), settings.ca_file->c_str()) != 1)
      return fail(*settings.ca_file, last_words(), "ca-file holds certificates in PEM");
  } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return fail("TLS", last_words());
  }
  if (!settings.certificate) return context;
  const std::string& key = settings.private_key ? *settings.private_key : *settings.certificate;
  if (SSL_CTX_use_certificate_chain_file(context.get(), settings.certificate->c_str()) != 1)
    return fail(*settings.certificate, last_words(), "certificate holds our certificate in PEM");
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(key, last_words(), "private-key holds the key of our certificate in PEM, without a password");
  return context;
}

Result<TlsSession> TlsClient::begin(int socket, const std::function<bool(short)>& wait) {
  if (auto renewed = make_context(settings_))
    context_ = *std::move(renewed);
  else
    spdlog::warn("TLS goes on with the certificates that were read before: {}", renewed.error().to_string());
  TlsSession session(SSL_new(context_.get()));
  if (session == nullptr) return fail({}, last_words());
  // RFC 5425 §5.2, RFC 6125 §6.4
  SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool is_set = is_address(peer_)
                          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), peer_.c_str()) == 1
                          : SSL_set1_host(session.get(), peer_.c_str()) == 1 &&
                                SSL_set_tlsext_host_name(session.get(), peer_.c_str()) == 1;
  if (!is_set || SSL_set_fd(session.get(), socket) != 1) return fail({}, last_words());
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int outcome = SSL_connect(session.get());
    if (outcome == 1) return session;
    const Trouble trouble = trouble_of(session.get(), outcome, "no TLS");
    if (trouble.wants != 0) {
      if (!wait(trouble.wants)) return fail({}, "no TLS: the receiver does not answer");
      continue;
    }
    const std::string certificate = certificate_words(session.get());
    if (certificate.empty()) return std::unexpected(trouble.error);
    return fail({}, fmt::format("the receiver's certificate is not good for {}: {}", peer_, certificate));
  }
}

Result<TlsProgress> tls_write(const TlsSession& session, std::string_view octets) {
  ERR_clear_error();
  errno = 0;
  std::size_t count = 0;
  const int outcome = SSL_write_ex(session.get(), octets.data(), octets.size(), &count);
  if (outcome == 1) return TlsProgress{count, 0};
  Trouble trouble = trouble_of(session.get(), outcome, "cannot write");
  if (trouble.wants == 0) return std::unexpected(std::move(trouble.error));
  return TlsProgress{0, trouble.wants};
}

bool tls_verdict_follows(const TlsSession& session) { return SSL_version(session.get()) >= TLS1_3_VERSION; }

Result<void> tls_check(const TlsSession& session) {
  char ignored[512];
  std::size_t count = 0;
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int outcome = SSL_read_ex(session.get(), ignored, sizeof ignored, &count);
    if (outcome == 1) continue;
    Trouble trouble = trouble_of(session.get(), outcome, "the connection broke");
    if (trouble.wants == 0) return std::unexpected(std::move(trouble.error));
    return {};
  }
}

uint64_t tls_written(const TlsSession& session) { return BIO_number_written(SSL_get_wbio(session.get())); }

}  // namespace yonroku::natlog
