// The page over a real socket, and what browsers may ask for.
#include "api/dashboard.h"

#include <httplib.h>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

TEST(Dashboard, FilesAreCompressedAndHaveTags) {
  bool has_page = false;
  for (const DashboardFile& file : dashboard_files()) {
    has_page = has_page || file.path == "/";
    EXPECT_TRUE(file.gzip.starts_with("\x1f\x8b")) << file.path;
    EXPECT_EQ(file.tag.size(), 18u) << file.path;
    EXPECT_FALSE(file.type.empty()) << file.path;
  }
  EXPECT_TRUE(has_page);
}

TEST(Dashboard, KnowsOtherSites) {
  struct Row {
    const char* name;
    const char* host;
    const char* origin;
    bool is_from_another_site;
  };
  const Row rows[] = {
      {"curl", "localhost", nullptr, false},
      {"curl with any name", "yonroku", nullptr, false},
      {"forwarded by SSH", "localhost:4646", "http://localhost:4646", false},
      {"loopback", "127.0.0.1:4646", "http://127.0.0.1:4646", false},
      {"IPv6 loopback", "[::1]:4646", "http://[::1]:4646", false},
      {"behind TLS", "localhost", "https://localhost", false},
      {"forged", "localhost:4646", "http://evil.example", true},
      {"forged from another port", "localhost:4646", "http://localhost:8080", true},
      {"from a file or a frame", "localhost:4646", "null", true},
      {"rebound name", "evil.example:4646", nullptr, true},
      {"rebound name of its own origin", "evil.example:4646", "http://evil.example:4646", true},
      {"name that begins as an address", "127.0.0.1.evil.example", nullptr, true},
  };
  for (const Row& row : rows) {
    httplib::Request request;
    request.set_header("Host", row.host);
    if (row.origin != nullptr) request.set_header("Origin", row.origin);
    EXPECT_EQ(is_from_another_site(request), row.is_from_another_site) << row.name;
  }
}

TEST_F(ServerTest, ServesThePage) {
  const auto page = client_.request(Method::Get, "/");
  ASSERT_TRUE(page) << page.error().to_string();
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page->body, HasSubstr("<title>yonroku</title>"));
  const auto script = client_.request(Method::Get, "/uPlot.iife.min.js");
  ASSERT_TRUE(script) << script.error().to_string();
  EXPECT_FALSE(client_.request(Method::Get, "/uPlotXiife.min.js"));
}

TEST_F(ServerTest, SaysWhatWordsMean) {
  const json words = get("/v1/words");
  EXPECT_EQ(words["drops"].size(), kDropReasonCount - 1);
  EXPECT_EQ(words["drops"]["source-spoofed"]["cited"], "RFC 7597 §8.1");
  EXPECT_THAT(words["drops"]["ttl-exceeded"]["help"].get<std::string>(), HasSubstr("time to live"));
  EXPECT_EQ(words["offload-misses"]["fragment"]["help"], "a fragment");
}

}  // namespace
}  // namespace yonroku::api
