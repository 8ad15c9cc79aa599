#include "api/dashboard.h"

#include <httplib.h>

#include <algorithm>
#include <string>

#include "packet/ipv4_address.h"

namespace yonroku::api {
namespace {

constexpr DashboardFile kFiles[] = {
#include "dashboard_files.inc"
};

// Nothing from elsewhere, no script or style within the page, in nobody's frame.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_public_name(std::string_view host) {
  return host.find('.') != std::string_view::npos && !Ipv4Address::parse(host);
}

}  // namespace

std::span<const DashboardFile> dashboard_files() { return kFiles; }

void answer_with(const DashboardFile& file, const httplib::Request& request, httplib::Response& response) {
  response.set_header("ETag", std::string(file.tag));
  response.set_header("Cache-Control", "no-cache");
  response.set_header("Content-Security-Policy", kPolicy);
  response.set_header("X-Content-Type-Options", "nosniff");
  response.set_header("Referrer-Policy", "no-referrer");
  if (request.get_header_value("If-None-Match").find(file.tag) != std::string::npos) {
    response.status = 304;
    return;
  }
  response.set_header("Content-Encoding", "gzip");
  // As a provider: what is set as content, the library would compress once more.
  response.set_content_provider(file.gzip.size(), std::string(file.type),
                                [&file](std::size_t offset, std::size_t size, httplib::DataSink& sink) {
                                  sink.write(file.gzip.data() + offset, size);
                                  return true;
                                });
}

bool is_from_another_site(const httplib::Request& request) {
  const std::string host = request.get_header_value("Host");
  if (is_public_name(without_port(host))) return true;
  if (!request.has_header("Origin")) return false;
  const std::string origin = request.get_header_value("Origin");
  return origin != "http://" + host && origin != "https://" + host;
}

}  // namespace yonroku::api
