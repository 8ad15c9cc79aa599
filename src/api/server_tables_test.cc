// Mappings and softwires over the API.
#include <chrono>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

TEST_F(ServerTest, ChangesMappings) {
  const std::string path = mappings_path("dc");
  const auto added =
      client_.request(Method::Post, path, "192.0.2.1,2001:db8::1\n192.0.2.0/28,2001:db8:1::/124\n");
  ASSERT_TRUE(added) << added.error().to_string();
  EXPECT_EQ(json::parse(added->body)["added"], 2);
  EXPECT_EQ(
      get("/v1/mappings")["mappings"],
      json::parse(
          R"([{"ipv4":"192.0.2.0/28","ipv6":"2001:db8:1::/124"},{"ipv4":"192.0.2.1","ipv6":"2001:db8::1"}])"));
  const auto csv = client_.request(Method::Get, path, "", "text/csv");
  ASSERT_TRUE(csv);
  EXPECT_EQ(csv->body, "ipv4,ipv6\n192.0.2.0/28,2001:db8:1::/124\n192.0.2.1,2001:db8::1\n");

  const auto removed = client_.request(Method::Delete, path, "192.0.2.1\n");
  ASSERT_TRUE(removed) << removed.error().to_string();
  EXPECT_EQ(json::parse(removed->body)["removed"], 1);
  const auto replaced = client_.request(Method::Put, path, csv->body);
  ASSERT_TRUE(replaced) << replaced.error().to_string();
  EXPECT_EQ(get(path)["mappings"].size(), 2u);
  EXPECT_FALSE(client_.request(Method::Put, path, "")) << "a forgotten body";
  EXPECT_EQ(get(path)["mappings"].size(), 2u);
}

TEST_F(ServerTest, ChangesSoftwires) {
  const std::string path = table_path("br", "softwires");
  const auto added = client_.request(Method::Post, path,
                                     "2001:db8::1,192.0.2.1\n2001:db8::2,192.0.2.2,6,4,3,2001:db8:ffff::2\n");
  ASSERT_TRUE(added) << added.error().to_string();
  EXPECT_EQ(json::parse(added->body)["added"], 2);
  EXPECT_EQ(get(path)["softwires"], json::parse(R"([
    {"b4-address":"2001:db8::1","ipv4":"192.0.2.1","psid-offset":0,"br-address":"2001:db8:ffff::1"},
    {"b4-address":"2001:db8::2","ipv4":"192.0.2.2","psid-offset":6,"psid-length":4,"psid":3,
     "br-address":"2001:db8:ffff::2"}])"));
  const auto csv = client_.request(Method::Get, path, "", "text/csv");
  ASSERT_TRUE(csv);
  EXPECT_EQ(csv->body,
            "b4-address,ipv4,psid-offset,psid-length,psid,br-address\n2001:db8::1,192.0.2.1\n"
            "2001:db8::2,192.0.2.2,6,4,3,2001:db8:ffff::2\n");
  EXPECT_THAT(raw(path_, "GET " + path + " HTTP/1.0\r\nAccept: text/csv\r\n\r\n"),
              HasSubstr("\r\n\r\nb4-address"))
      << "in one piece for those who know no others";
  ASSERT_TRUE(client_.request(Method::Delete, path, "192.0.2.2,3\n"));
  EXPECT_EQ(get(path)["softwires"].size(), 1u);
  ASSERT_TRUE(client_.request(Method::Put, path, csv->body));
  EXPECT_EQ(get(path)["softwires"].size(), 2u);
  for (const char* body : {"", "# nothing\n", "b4-address,ipv4\n"})
    EXPECT_FALSE(client_.request(Method::Put, path, body)) << "a forgotten body";
  const auto bad = client_.request(Method::Post, path, "2001:db8::1,192.0.2.9,,,,2001:db8::9\n");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().to_string(), HasSubstr("body:1:26: 2001:db8::9 is none of br-addresses"));
  const auto other = client_.request(Method::Get, table_path("br", "rules"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().where, "instance");
}

TEST_F(ServerTest, AMillionMappingsAtOnce) {
  std::string csv;
  for (uint32_t i = 0; i < 1'000'000; ++i)
    csv +=
        Ipv4Address(0x64400000 + i).to_string() + "," + Ipv6Address(0x20010db800000000, i).to_string() + "\n";
  const auto start = std::chrono::steady_clock::now();
  const auto answer = client_.request(Method::Put, "/v1/mappings", csv);
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(json::parse(answer->body)["added"], 1'000'000);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  const auto listed = client_.request(Method::Get, "/v1/mappings", "", "text/csv");
  ASSERT_TRUE(listed) << listed.error().to_string();
  EXPECT_EQ(std::count(listed->body.begin(), listed->body.end(), '\n'), 1'000'001);
}

TEST_F(ServerTest, AThousandChangesASecondOverOneConnection) {
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < 1000; ++i)
    ASSERT_TRUE(client_.request(Method::Post, "/v1/mappings",
                                Ipv4Address(0x0a000000 + i).to_string() + "," +
                                    Ipv6Address(0x20010db800000000, i).to_string() + "\n"));
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 5) << "generous, for slow and sanitized builds; a plain build takes well below one";
  EXPECT_EQ(get("/v1/mappings")["mappings"].size(), 1000u);
}

}  // namespace
}  // namespace yonroku::api
