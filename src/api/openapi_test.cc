// Every route of the server is in packaging/openapi.yaml, and the other way round. That answers are as it
// says, tests/system/test_api.py checks.
#include "api/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "api/routes.h"

namespace yonroku::api {
namespace {

// The file is written so that this is enough: paths two spaces in, methods four.
std::vector<std::string> described_routes() {
  std::vector<std::string> routes;
  std::istringstream lines{std::string(openapi_text())};
  bool is_in_paths = false;
  std::string path;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ' && line[0] != '#') is_in_paths = line == "paths:";
    if (!is_in_paths || !line.ends_with(':')) continue;
    const std::string word = line.substr(line.find_first_not_of(' '));
    if (line.starts_with("  /")) path = word.substr(0, word.size() - 1);
    if (!line.starts_with("    ") || line[4] == ' ') continue;
    std::string method = word.substr(0, word.size() - 1);
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::toupper(c); });
    routes.push_back(method + " " + path);
  }
  return routes;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  EXPECT_THAT(described_routes(), testing::UnorderedElementsAreArray(route_names()));
}

TEST(OpenApi, AndThePageNeedNoToken) {
  for (const char* path : {"/v1/openapi.yaml", "/", "/app.js"})
    EXPECT_TRUE(is_open_to_all("GET", path)) << path;
  for (const char* path :
       {"/v1/status", "/metrics", "/v1/counters", "/v1/openapi.yaml/", "/v1/openapiyaml", ""})
    EXPECT_FALSE(is_open_to_all("GET", path)) << path;
  EXPECT_FALSE(is_open_to_all("POST", "/v1/openapi.yaml"));
}

}  // namespace
}  // namespace yonroku::api
