#include "api/request_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yonroku::api {
namespace {

using testing::HasSubstr;

TEST(RequestBody, PrefixesOneALine) {
  const auto prefixes = parse_prefixes_body(
      "ipv4\n192.0.2.1\n  192.0.2.0/28 # a comment\r\n\n# more\n10.0.0.0/8,2001:db8::/96");
  ASSERT_TRUE(prefixes) << prefixes.error().to_string();
  ASSERT_EQ(prefixes->size(), 3u);
  EXPECT_EQ((*prefixes)[0].to_string(), "192.0.2.1/32");
  EXPECT_EQ((*prefixes)[1].to_string(), "192.0.2.0/28");
  EXPECT_EQ((*prefixes)[2].to_string(), "10.0.0.0/8");
  EXPECT_TRUE(parse_prefixes_body("")->empty());
}

TEST(RequestBody, BadPrefixesAreShown) {
  struct Row {
    const char* body;
    const char* said;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"192.0.2.1\n192.0.2.256\n", "x.txt:2: \"192.0.2.256\" is no IPv4"},
                                  {"2001:db8::1", "\"2001:db8::1\" is no IPv4"},
                                  {"192.0.2.1/24", "192.0.2.1/24"},
                                  {"\x01\xff\n", "\"??\""}}) {
    const auto prefixes = parse_prefixes_body(row.body, "x.txt");
    ASSERT_FALSE(prefixes) << row.body;
    EXPECT_THAT(prefixes.error().to_string(), HasSubstr(row.said));
  }
}

TEST(RequestBody, EveryBadMappingIsInTheError) {
  const auto mappings = parse_mappings_body("192.0.2.1,2001:db8::1\n192.0.2.300,x\n192.0.2.2\n", "a.csv");
  ASSERT_FALSE(mappings);
  EXPECT_THAT(mappings.error().to_string(), HasSubstr("a.csv:2"));
  EXPECT_THAT(mappings.error().to_string(), HasSubstr("a.csv:3"));
}

}  // namespace
}  // namespace yonroku::api
