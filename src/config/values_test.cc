#include "config/values.h"

#include <gtest/gtest.h>

#include "config/schema.h"

namespace yonroku::config {
namespace {

TEST(Values, Integer) {
  EXPECT_EQ(parse_integer("1280", 1280, 65535), 1280);
  EXPECT_EQ(parse_integer("-1", -1, 1), -1);
  for (const char* bad :
       {"", " 1", "1 ", "1.5", "0x10", "1e3", "1_000", "+1", "1279", "65536", "99999999999999999999", "--1"})
    EXPECT_FALSE(parse_integer(bad, 1280, 65535)) << bad;
}

TEST(Values, PrefixesSayWhatWasMeant) {
  EXPECT_EQ(parse_ipv4_prefix("192.0.2.1/24").error().fix,
            "write 192.0.2.0/24, or 192.0.2.1/32 for that one address");
  EXPECT_EQ(parse_ipv6_prefix("2001:db8::1/64").error().fix,
            "write 2001:db8::/64, or 2001:db8::1/128 for that one address");
  EXPECT_EQ(parse_ipv4_prefix("192.0.2.0/024").error().fix, "write 192.0.2.0/24");
  EXPECT_EQ(parse_ipv4_prefix("192.0.2.7")->length(), 32u);
  EXPECT_EQ(parse_ipv6_prefix("2001:db8::7")->length(), 128u);
}

TEST(Values, Pref64) {
  for (const char* good : {"64:ff9b::/96", "64:ff9b:1::/48", "2001:db8::/32", "2001:db8:100::/40",
                           "2001:db8:122:300::/56", "2001:db8:122:344::/64"})
    EXPECT_TRUE(parse_pref64(good)) << good;
  for (const char* bad : {"64:ff9b::", "64:ff9b::/95", "64:ff9b::1/96", "::/96", "ff00::/32", "fe80::/64",
                          "::ffff:0:0/96", "2001:db8:0:0:100::/96", "10.0.0.0/8", ""})
    EXPECT_FALSE(parse_pref64(bad)) << bad;
}

TEST(Values, DeviceNames) {
  for (const char* good : {"dc", "tun0", "eth0.100", "123456789012345", "a-b_c"})
    EXPECT_TRUE(parse_device_name(good)) << good;
  for (const char* bad :
       {"", ".", "..", "1234567890123456", "a b", "a/b", "a:1", "a%d", "caf\xc3\xa9", "a\tb"})
    EXPECT_FALSE(parse_device_name(bad)) << bad;
}

TEST(Values, IllegalSources) {
  for (const char* illegal : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"})
    EXPECT_TRUE(is_illegal_source(*Ipv4Address::parse(illegal))) << illegal;
  for (const char* legal : {"1.0.0.1", "10.0.0.1", "192.0.0.8", "223.255.255.255"})
    EXPECT_FALSE(is_illegal_source(*Ipv4Address::parse(legal))) << legal;
  for (const char* illegal : {"::", "::1", "::ffff:192.0.2.1", "ff02::1", "fe80::1", "febf::1"})
    EXPECT_TRUE(is_illegal_source(*Ipv6Address::parse(illegal))) << illegal;
  for (const char* legal : {"2001:db8::1", "64:ff9b::1", "fc00::1", "fec0::1", "::2"})
    EXPECT_FALSE(is_illegal_source(*Ipv6Address::parse(legal))) << legal;
}

// Found by the fuzzer: a quoted YAML text may hold newlines, and a hint repeated them.
TEST(Values, HintsAreOnOneLine) {
  for (const char* odd :
       {"2001:db8\n\n:", "a\nb", "long\nlong\nlong\nlong", "1\n.2.3.4", "2001:db8::\n/64"}) {
    for (const Complaint& complaint :
         {parse_ipv6_prefix(odd).error(), parse_ipv4_prefix(odd).error(), parse_pref64(odd).error(),
          parse_device_name(odd).error(), parse_path(odd).error(), parse_instance_name(odd).error(),
          parse_user_name(odd).error(), parse_integer(odd, 0, 1).error(), parse_boolean(odd).error()})
      EXPECT_EQ((complaint.what + complaint.fix).find('\n'), std::string::npos)
          << complaint.what << complaint.fix;
  }
}

TEST(Values, QuotesAreFitForOneLine) {
  EXPECT_EQ(in_quotes("a\nb"), "\"a?b\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), '"' + std::string(60, 'x') + "...\"");
}

TEST(Schema, ClosestWord) {
  static constexpr std::string_view kWords[] = {"pref64",   "plat-prefix",    "ipv4-mtu", "ipv6-mtu",
                                                "mappings", "mappings-files", "tos"};
  EXPECT_EQ(closest_word("pref46", kWords), "pref64");
  EXPECT_EQ(closest_word("mapping", kWords), "mappings");
  EXPECT_EQ(closest_word("mappings_files", kWords), "mappings-files");
  EXPECT_EQ(closest_word("IPv4-MTU", kWords), "ipv4-mtu");
  EXPECT_EQ(closest_word("tso", kWords), "tos");
  EXPECT_EQ(closest_word("colour", kWords), "");
  EXPECT_EQ(closest_word("", kWords), "");
}

TEST(Schema, EnumerationsStandInTheOrderOfTheirValues) {
  EXPECT_EQ(find_key(Scope::Instance, "mechanism")->values[static_cast<std::size_t>(Mechanism::Clat)],
            "clat");
  EXPECT_EQ(find_key(Scope::Log, "level")->values[static_cast<std::size_t>(LogLevel::Error)], "error");
  EXPECT_EQ(find_key(Scope::Instance, "routes")->values[static_cast<std::size_t>(RouteMode::Manual)],
            "manual");
  EXPECT_EQ(
      find_key(Scope::Instance, "udp-zero-checksum")->values[static_cast<std::size_t>(UdpZeroChecksum::Drop)],
      "drop");
  EXPECT_EQ(find_key(Scope::Instance, "icmp-errors")->values[static_cast<std::size_t>(IcmpErrors::Off)],
            "off");
  EXPECT_EQ(find_key(Scope::Instance, "untranslatable-icmpv6-source")
                ->values[static_cast<std::size_t>(UntranslatableIcmpv6Source::Pool)],
            "pool");
  EXPECT_EQ(find_key(Scope::Instance, "well-known-prefix-non-global")
                ->values[static_cast<std::size_t>(WellKnownPrefixNonGlobal::Translate)],
            "translate");
  EXPECT_EQ(find_key(Scope::Instance, "hairpinning")->values[static_cast<std::size_t>(Hairpinning::Off)],
            "off");
}

}  // namespace
}  // namespace yonroku::config
