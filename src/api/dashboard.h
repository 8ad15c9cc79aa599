// The operator's page, whose files are a part of the program (src/dashboard), and which requests a browser
// may make.
#pragma once

#include <span>
#include <string_view>

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

namespace yonroku::api {

struct DashboardFile {
  std::string_view path;
  std::string_view type;
  std::string_view tag;   // ETag, quotes included
  std::string_view gzip;  // the content, compressed
};
[[nodiscard]] std::span<const DashboardFile> dashboard_files();

void answer_with(const DashboardFile& file, const httplib::Request& request, httplib::Response& response);

// Whether another site's page may have caused the request: `Origin` is not the host that is asked (a forged
// POST), or the host has a public name, which its owner can point at us (DNS rebinding). Programs that are no
// browsers send no Origin, and ask for `localhost`, an address, or a name without a dot.
[[nodiscard]] bool is_from_another_site(const httplib::Request& request);

}  // namespace yonroku::api
