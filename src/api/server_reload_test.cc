// What a reload would end, over the API and as text.
#include <sstream>

#include "api/reload_report.h"
#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

class ReloadTest : public ServerTest {
 protected:
  std::vector<json> lines(const std::string& parameters) {
    const auto answer = client_.request(Method::Get, "/v1/reload" + parameters);
    EXPECT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(answer->content_type, "application/x-ndjson");
    std::vector<json> lines;
    std::istringstream text(answer->body);
    for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
    return lines;
  }
};

TEST_F(ReloadTest, ListsWhatWouldEndAndCountsIt) {
  std::size_t doomed = 0;
  const json listed_now = get(table_path("plat", "sessions"));
  for (const json& session : listed_now["sessions"]) doomed += session["outside"] == "192.0.2.1" ? 1u : 0u;
  ASSERT_GT(doomed, 100u);
  const auto all = lines("?limit=all");
  ASSERT_EQ(all.size(), doomed + 1);
  for (std::size_t i = 0; i < doomed; ++i) {
    EXPECT_EQ(all[i]["instance"], "plat");
    EXPECT_EQ(all[i]["reason"], "port-not-given-out");
    EXPECT_EQ(all[i]["outside"], "192.0.2.1");
    EXPECT_EQ(all[i]["state"], "unanswered");
  }
  const json& sums = all.back()["instances"];
  EXPECT_EQ(sums[0], json::parse(R"({"name":"dc","change":"kept","bindings":0,"sessions":0,"reasons":{}})"));
  EXPECT_EQ(sums[1]["sessions"], doomed);
  EXPECT_EQ(sums[1]["bindings"], doomed / 10);
  EXPECT_EQ(sums[1]["reasons"]["port-not-given-out"]["sessions"], doomed);
  EXPECT_EQ(sums[2]["change"], "added");
  for (const auto& [parameters, listed] : {std::pair{"", 100u}, {"?limit=7", 7u}, {"?limit=0", 0u}}) {
    const auto some = lines(parameters);
    EXPECT_EQ(some.size(), listed + 1) << parameters;
    EXPECT_EQ(some.back()["instances"], sums);
    EXPECT_EQ(some.back()["omitted"], doomed - listed);
  }
}

TEST_F(ReloadTest, SaysWhatIsWrong) {
  const auto answer = client_.request(Method::Get, "/v1/reload?limit=few");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().to_string(), HasSubstr("limit: \"few\" is no number"));
  backend_->was_reloaded_ = true;
  const auto broken = lines("");
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0]["error"]["what"], "the configuration was reloaded meanwhile");
}

TEST(ReloadText, IsATableAndItsSums) {
  using nlohmann::ordered_json;
  ReloadText text;
  EXPECT_EQ(
      text.line(ordered_json::parse(R"({"instance":"plat","reason":"port-not-given-out","protocol":"udp",
    "inside":"2001:db8::1","inside-port":7,"outside":"192.0.2.1","outside-port":9,"remote":"203.0.113.8",
    "remote-port":53,"state":"answered","seconds-left":300})")),
      "");
  EXPECT_EQ(
      text.line(ordered_json::parse(R"({"instance":"plat","reason":"static-binding-removed","protocol":"tcp",
    "inside":"2001:db8::2","inside-port":80,"outside":"192.0.2.1","outside-port":80,"static":true,"shared":false,
    "sessions":0,"seconds-left":0})")),
      "");
  EXPECT_EQ(
      text.line(ordered_json::parse(R"({"instances":[
    {"name":"plat","change":"kept","bindings":2,"sessions":3,"reasons":{
      "port-not-given-out":{"bindings":1,"sessions":3},"static-binding-removed":{"bindings":1,"sessions":0}}},
    {"name":"dc","change":"kept","bindings":0,"sessions":0,"reasons":{}},
    {"name":"old","change":"removed","bindings":0,"sessions":0,"reasons":{}}],
    "omitted":1}
    )")),
      "PROTO  INSIDE            OUTSIDE       REMOTE          STATE     LEFT  INSTANCE  REASON\n"
      "udp    [2001:db8::1]:7   192.0.2.1:9   203.0.113.8:53  answered  5:00  plat      port-not-given-out\n"
      "tcp    [2001:db8::2]:80  192.0.2.1:80  -               static    -     plat      "
      "static-binding-removed\n"
      "\n"
      "plat: 3 sessions and 2 bindings end\n"
      "  port-not-given-out: 3 sessions and 1 binding\n"
      "  static-binding-removed: 0 sessions and 1 binding\n"
      "dc: nothing ends\n"
      "old is removed\n"
      "1 more are not listed: --all lists them\n");
}

}  // namespace
}  // namespace yonroku::api
