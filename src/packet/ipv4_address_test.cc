#include "packet/ipv4_address.h"

#include <gtest/gtest.h>

namespace yonroku {
namespace {

static_assert(Ipv4Address(192, 0, 2, 1).value() == 0xc0000201);
static_assert(Ipv4Address(10, 0, 0, 1) < Ipv4Address(192, 0, 2, 1));
static_assert(Ipv4Address() == Ipv4Address(0, 0, 0, 0));

TEST(Ipv4Address, ReadsWhatItWrites) {
  struct Row {
    const char* text;
    Ipv4Address address;
  };
  for (const Row& row : {Row{"0.0.0.0", {}}, Row{"255.255.255.255", Ipv4Address(255, 255, 255, 255)},
                         Row{"192.0.2.33", {192, 0, 2, 33}}, Row{"10.0.0.1", {10, 0, 0, 1}},
                         Row{"1.20.255.100", {1, 20, 255, 100}}}) {
    EXPECT_EQ(Ipv4Address::parse(row.text), row.address) << row.text;
    EXPECT_EQ(row.address.to_string(), row.text);
  }
}

TEST(Ipv4Address, RefusesEverythingElse) {
  struct Row {
    const char* name;
    std::string_view text;
  };
  const Row rows[] = {
      {"nothing", ""},
      {"a dot", "."},
      {"three parts", "192.0.2"},
      {"five parts", "192.0.2.1.1"},
      {"a dot at the end", "192.0.2.1."},
      {"a dot in front", ".192.0.2.1"},
      {"an empty part", "192..2.1"},
      {"256", "192.0.2.256"},
      {"a part of four digits", "192.0.2.0001"},
      {"a large part", "192.0.2.999999999999"},
      {"a leading zero, which some read as octal", "192.0.2.010"},
      {"two zeros", "192.0.2.00"},
      {"hexadecimal", "0xc0.0.2.1"},
      {"one number, as inet_aton takes", "3221225985"},
      {"a sign", "192.0.2.+1"},
      {"a minus", "192.0.2.-1"},
      {"a space in front", " 192.0.2.1"},
      {"a space behind", "192.0.2.1 "},
      {"a line's end", "192.0.2.1\n"},
      {"a length", "192.0.2.1/32"},
      {"a zero octet behind", std::string_view("192.0.2.1\0", 10)},
      {"an IPv6 address", "::192.0.2.1"},
      {"a name", "localhost"},
  };
  for (const Row& row : rows) EXPECT_EQ(Ipv4Address::parse(row.text), std::nullopt) << row.name;
}

}  // namespace
}  // namespace yonroku
