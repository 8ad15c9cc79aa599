#include <gtest/gtest.h>

#include <string>

#include "config/import.h"
#include "config/load.h"
#include "config/softwire_csv.h"

namespace yonroku::config {
namespace {

constexpr std::string_view kExample = R"(
softwire-config {
  // one customer with a part of an address, one with all of one
  binding-table {
    softwire {
      ipv4 192.0.2.18; psid 1; b4-ipv6 2001:db8:1::1; br-address "2001:db8:ffff::1";
      port-set { psid-length 4; reserved-ports-bit-count 6; }
      padding 3;
    }
    softwire { ipv4 192.0.2.19; psid 0; b4-ipv6 2001:db8:1::2; br-address 2001:db8:ffff::2; port-set { psid-length 0; } }
  }
  external-interface {
    allow-incoming-icmp false;
    error-rate-limiting { packets 600000; }
  }
  internal-interface { hairpinning false; mtu 1540; /* not ours */ next-hop { mac 02:99:99:99:99:99; } }
  instance { device test; queue { id 0; external-interface { ip 10.0.1.1; } } }
}
)";

std::string errors_of(std::string_view text, const ImportOptions& options = {}) {
  const auto imported = import_snabb(text, "lwaftr.conf", options);
  if (imported) ADD_FAILURE() << "was imported:\n" << imported->yaml;
  return imported ? "" : imported.error().to_string();
}

std::string table(std::string_view softwires) {
  return "softwire-config { binding-table {\n" + std::string(softwires) + "} }\n";
}

TEST(ImportSnabb, Converts) {
  const auto imported = import_snabb(kExample, "lwaftr.conf");
  ASSERT_TRUE(imported) << imported.error().to_string();
  const auto loaded = parse_config(imported->yaml, "made.yaml", ".");
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  const InstanceSettings& instance = loaded->settings.instances.at(0);
  EXPECT_EQ(instance.name, "snabb");
  EXPECT_EQ(instance.mechanism, Mechanism::LwAftr);
  EXPECT_EQ(instance.local_addresses.size(), 2u);
  EXPECT_FALSE(instance.hairpin);
  EXPECT_EQ(instance.ipv6_mtu, 1540);
  EXPECT_EQ(instance.inbound_icmp, InboundIcmp::Drop);
  ASSERT_EQ(instance.rules.size(), 2u);
  const auto& shared = instance.rules[0].parts();
  EXPECT_EQ(shared.ipv6.to_string(), "2001:db8:1::1/128");
  EXPECT_EQ(shared.ipv4.to_string(), "192.0.2.18/32");
  EXPECT_EQ((std::array{int{shared.psid_offset}, int{shared.given_psid_length}, int{shared.given_psid}}),
            (std::array{6, 4, 1}));
  EXPECT_FALSE(instance.rules[1].is_shared());
  EXPECT_EQ(instance.rules[1].parts().border, 1);
  for (const char* said :
       {"# - line 8: softwire/padding 3: not taken over\n",
        "# - line 14: softwire-config/external-interface/error-rate-limiting/packets 600000: not taken "
        "over\n",
        "# - line 16: softwire-config/internal-interface/next-hop/mac 02:99:99:99:99:99: not taken over\n",
        "# - line 17: instance: devices, queues, addresses, VLANs and next hops are the kernel's here"})
    EXPECT_NE(imported->yaml.find(said), std::string::npos) << said << imported->yaml;
}

TEST(ImportSnabb, WritesSoftwiresToAFile) {
  ImportOptions options;
  options.mappings_file = "softwires.csv";
  options.name = "aftr";
  const auto imported = import_snabb(kExample, "lwaftr.conf", options);
  ASSERT_TRUE(imported) << imported.error().to_string();
  EXPECT_NE(imported->yaml.find("    softwires-files: [softwires.csv]\n"), std::string::npos)
      << imported->yaml;
  EXPECT_EQ(imported->mappings_csv,
            "b4-address,ipv4,psid-offset,psid-length,psid,br-address\n2001:db8:1::1,192.0.2.18,6,4,1\n"
            "2001:db8:1::2,192.0.2.19,,,,2001:db8:ffff::2\n");
}

TEST(ImportSnabb, FindsErrors) {
  struct Row {
    const char* name;
    std::string text;
    const char* said;
  };
  const std::string good =
      "softwire { ipv4 192.0.2.1; psid 1; b4-ipv6 2001:db8::1; br-address 2001:db8:ffff::1; port-set { "
      "psid-length 4; } }\n";
  for (const Row& row : std::initializer_list<Row>{
           {"nothing", "", "there is no softwire in it"},
           {"something else", "prefix 2001:db8::/96\nmap a b\n", "neither ; nor { behind"},
           {"twice", table(good + good), "the PSID 1 of 192.0.2.1 is another customer's as well, in line 2"},
           {"no B4", table("softwire { ipv4 192.0.2.1; br-address 2001:db8:ffff::1; }\n"),
            "lwaftr.conf:2:1: a softwire without b4-ipv6"},
           {"bad address",
            table("softwire { ipv4 192.0.2.256; b4-ipv6 2001:db8::1; br-address 2001:db8:ffff::1; }\n"),
            "lwaftr.conf:2:12: \"192.0.2.256\""},
           {"bad PSID",
            table("softwire { ipv4 192.0.2.1; psid 16; b4-ipv6 2001:db8::1; br-address 2001:db8:ffff::1; "
                  "port-set { psid-length 4; } }\n"),
            "the PSID does not fit its length"},
           {"both ends", table("softwire { ipv4 192.0.2.1; b4-ipv6 2001:db8::1; br-address 2001:db8::1; }\n"),
            "b4-ipv6 is a br-address"},
           {"old format", table("psid-map { addr 192.0.2.1; psid-length 6; }\n"),
            "psid-map is of an older version"},
           {"open", "softwire-config { binding-table {\n" + good, "binding-table in line 1 is not closed"},
           {"closed too often", table(good) + "}\n", "a closing brace too much"},
           {"open string", table("softwire { ipv4 \"192"), "neither ; nor { behind"},
           {"open comment", table(good) + "/* and so on", "a comment without an end"}}) {
    EXPECT_NE(errors_of(row.text).find(row.said), std::string::npos)
        << row.name << ": " << errors_of(row.text);
  }
  ImportOptions options;
  options.pref64 = "64:ff9b::/96";
  EXPECT_NE(errors_of(table(good), options).find("a lwAFTR does not translate"), std::string::npos);
}

TEST(ImportSnabb, DepthIsBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "a {";
  EXPECT_NE(errors_of(deep).find("nested too deeply"), std::string::npos);
}

}  // namespace
}  // namespace yonroku::config
