#include "config/import.h"

#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "config/mapping_csv.h"

namespace yonroku::config {
namespace {

struct Result {
  std::string yaml;
  InstanceSettings instance;
};

Result expect_good(Importer importer, std::string_view text, const ImportOptions& options = {}) {
  const auto imported = importer(text, "source.conf", options);
  if (!imported) {
    ADD_FAILURE() << imported.error().to_string();
    return {};
  }
  const auto loaded = parse_config(imported->yaml, "made.yaml", ".", MappingsFiles::Skip);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().to_string() << '\n' << imported->yaml;
    return {};
  }
  return {imported->yaml, loaded->settings.instances.at(0)};
}

std::string expect_bad(Importer importer, std::string_view text, const ImportOptions& options = {}) {
  const auto imported = importer(text, "source.conf", options);
  if (imported) ADD_FAILURE() << "was imported:\n" << imported->yaml;
  return imported ? "" : imported.error().to_string();
}

TEST(ImportMap646, Converts) {
  const Result result = expect_good(import_map646,
                                    "# our servers\n"
                                    "mapping-prefix 2001:db8:0:64::\n"
                                    "\n"
                                    "map-static 203.0.113.10 2001:db8:1::80\n"
                                    "map-static\t203.0.113.11   2001:db8:1::   # mail\n"
                                    "map66-static 2001:db8:2::1 fd00::1\n");
  EXPECT_EQ(result.instance.name, "map646");
  EXPECT_EQ(result.instance.device, "tun646");
  EXPECT_EQ(result.instance.pref64->prefix().to_string(), "2001:db8:0:64::/96");
  ASSERT_EQ(result.instance.mappings.size(), 2u);
  EXPECT_EQ(result.instance.mappings[1].ipv6.to_string(), "2001:db8:1::/128");
  EXPECT_NE(result.yaml.find("# - line 6: map66-static 2001:db8:2::1 fd00::1: mapping IPv6 to IPv6"),
            std::string::npos)
      << result.yaml;
}

TEST(ImportMap646, FollowsIncludes) {
  ImportOptions options;
  options.read_file = [](const std::string& path) -> yonroku::Result<std::string> {
    if (path == "web.conf")
      return "map-static 203.0.113.10 2001:db8:1::80\nmap-static 203.0.113.10 2001:db8:1::81\n";
    if (path == "loop.conf") return "include loop.conf\n";
    return fail(path, "no such file", "check the path");
  };
  EXPECT_EQ(expect_bad(import_map646, "mapping-prefix 2001:db8::\ninclude web.conf\n", options),
            "web.conf:2:12: 203.0.113.10/32 is mapped already, in line 1; keep the right one of the two");
  EXPECT_EQ(expect_bad(import_map646, "include nothing.conf\n", options),
            "source.conf:1:9: include \"nothing.conf\": no such file; map646 skips such files; remove the "
            "line or give the file");
  EXPECT_EQ(expect_bad(import_map646, "include loop.conf\n", options),
            "loop.conf:1:9: includes are nested too deeply; does a file include itself?");
}

TEST(ImportMap646, FindsAllErrors) {
  EXPECT_EQ(expect_bad(import_map646,
                       "mapping-prefix 2001:db8::1\n"
                       "map-statik 203.0.113.10 2001:db8:1::80\n"
                       "map-static 203.0.113.300 2001:db8:1::80\n"
                       "map-static 203.0.113.1\n"),
            "source.conf:1:16: \"2001:db8::1/96\" has bits set behind /96; write 2001:db8::/96\n"
            "source.conf:2:1: unknown directive \"map-statik\"; did you mean map-static?\n"
            "source.conf:3:12: \"203.0.113.300\" is not an IPv4 prefix; 300 is more than 255\n"
            "source.conf:4:1: map-static needs 2 arguments, not 1; write map-static IPV4 IPV6");
}

TEST(ImportMap646, WithoutAPrefixAnAddressIsAskedFor) {
  EXPECT_EQ(expect_bad(import_map646, "map-static 203.0.113.10 2001:db8:1::80\n"),
            "source.conf: there is no prefix in it, so yonroku does not know what to send its ICMPv6 errors "
            "from; add --translator-ipv6 with an IPv6 "
            "address of this router, or --pref64 with a prefix for unmapped addresses");
  ImportOptions options;
  options.translator_ipv6 = "2001:db8::1";
  EXPECT_EQ(expect_good(import_map646, "map-static 203.0.113.10 2001:db8:1::80\n", options)
                .instance.translator_ipv6.to_string(),
            "2001:db8::1");
}

constexpr std::string_view kTayga = R"(# NAT64 for the office
tun-device nat64
ipv4-addr 192.0.2.254
ipv6-addr 2001:db8:1::2
prefix 2001:db8:1:ffff::/96
wkpf-strict no
dynamic-pool 192.0.2.0/25
data-dir /var/spool/tayga
map 192.0.2.129 2001:db8:1:4444::1
MAP 192.0.2.192/28 2001:db8:1:5555::/124
udp-cksum-mode calc
offlink-mtu 1492
log drop reject
tun-up yes
tun-ip 192.0.2.253/24
tun-route 192.0.2.0/24
tun-route 2001:db8:1:ffff::/96
workers 4
)";

TEST(ImportTayga, Converts) {
  const Result result = expect_good(import_tayga, kTayga);
  const InstanceSettings& i = result.instance;
  EXPECT_EQ(i.device, "nat64");
  EXPECT_EQ(i.workers, 4);
  EXPECT_EQ(i.translator_ipv4.to_string(), "192.0.2.254");
  EXPECT_EQ(i.translator_ipv6.to_string(), "2001:db8:1::2");
  EXPECT_EQ(i.pref64->prefix().to_string(), "2001:db8:1:ffff::/96");
  EXPECT_EQ(i.well_known_prefix_non_global, WellKnownPrefixNonGlobal::Translate);
  EXPECT_EQ(i.udp_zero_checksum, UdpZeroChecksum::Compute);
  EXPECT_EQ(i.lowest_ipv6_mtu, 1492);
  ASSERT_EQ(i.mappings.size(), 2u);
  EXPECT_EQ(i.mappings[1].ipv6.to_string(), "2001:db8:1:5555::/124");
  EXPECT_EQ(i.ipv4_routes->at(0).to_string(), "192.0.2.0/24");
  EXPECT_EQ(i.ipv6_routes->at(0).to_string(), "2001:db8:1:ffff::/96");
  for (const char* note : {"line 7: dynamic-pool 192.0.2.0/25 is stateful", "line 8: data-dir",
                           "line 13: log", "line 14: tun-up", "line 15: tun-ip"})
    EXPECT_NE(result.yaml.find(note), std::string::npos) << note << '\n' << result.yaml;
}

TEST(ImportTayga, APoolAloneIsNat64) {
  EXPECT_EQ(expect_bad(import_tayga,
                       "tun-device nat64\nipv4-addr 192.168.255.1\nprefix 2001:db8:1:ffff::/96\ndynamic-pool "
                       "192.168.255.0/24\n"),
            "source.conf:4:14: dynamic-pool 192.168.255.0/24 is stateful: tayga hands its addresses out to "
            "IPv6 hosts as they come; SIIT has no "
            "equivalent; write a \"map\" line for each host and remove dynamic-pool, or use a NAT64");
}

TEST(ImportTayga, UdpWithoutChecksumIsDroppedByDefault) {
  const Result result =
      expect_good(import_tayga, "tun-device siit\nipv4-addr 192.0.2.1\nprefix 2001:db8::/96\n");
  EXPECT_EQ(result.instance.udp_zero_checksum, UdpZeroChecksum::Drop);
  EXPECT_EQ(result.instance.translator_ipv6.to_string(), "2001:db8::c000:201");
}

TEST(ImportTayga, ReadsItsMapFile) {
  ImportOptions options;
  options.read_file = [](const std::string&) -> yonroku::Result<std::string> {
    return "map 192.0.2.5 2001:db8::5\nmap 192.0.2.6\n";
  };
  EXPECT_EQ(expect_bad(import_tayga, "prefix 2001:db8:64::/96\nmap-file /etc/tayga/maps\n", options),
            "/etc/tayga/maps:2:1: \"map\" is not a map line; a map-file has lines such as: map 192.0.2.1 "
            "2001:db8::1");
}

TEST(ImportTayga, FindsAllErrors) {
  EXPECT_EQ(expect_bad(import_tayga,
                       "prefix 2001:db8::/80\nprefix 2001:db8::/96\nipv4-adr 192.0.2.1\nmap "
                       "192.0.2.1\nudp-cksum-mode maybe\nofflink-mtu 500\n"
                       "tun-device far-too-long-a-name\n"),
            "source.conf:1:8: \"2001:db8::/80\" is not an RFC 6052 prefix: its length is 80; use a length of "
            "32, 40, 48, 56, 64 or 96 (RFC 6052 §2.2)\n"
            "source.conf:2:1: a second prefix; keep the one that is in use\n"
            "source.conf:3:1: unknown directive \"ipv4-adr\"; did you mean ipv4-addr?\n"
            "source.conf:4:1: map needs 2 arguments, not 1; see tayga.conf(5)\n"
            "source.conf:5:16: udp-cksum-mode \"maybe\" is not known; tayga knows drop, calc and fwd\n"
            "source.conf:6:13: 500 is outside 1280 to 65535; write a number from 1280 to 65535\n"
            "source.conf:7:12: \"far-too-long-a-name\" has 19 characters; a device name has at most 15; "
            "shorten it, for example to far-too-long-a-");
}

constexpr std::string_view kJool = R"({
	"comment": {"text": "anything", "date": 2019},
	"instance": "Data Centre",
	"framework": "netfilter",
	"global": {
		"comment": "the numbers",
		"pool6": "64:ff9b::/96",
		"manually-enabled": false,
		"lowest-ipv6-mtu": 1400,
		"zeroize-traffic-class": true,
		"override-tos": true,
		"tos": 184,
		"amend-udp-checksum-zero": true,
		"eam-hairpin-mode": "simple",
		"randomize-rfc6791-addresses": false,
		"mtu-plateaus": [1500, 1280],
		"rfc6791v4-prefix": "198.51.100.240/28",
		"rfc6791v6-prefix": "2001:db8:6791::/64",
		"logging-debug": true,
		"trace":false
	},
	"eamt": [
		{ "ipv6 prefix":"2001:db8:1::/128", "ipv4 prefix":"192.0.2.0" },
		{ "comment": 1, "ipv6 prefix": "2001:db8:2::", "ipv4 prefix": "192.0.2.1/32" },
		{ "ipv6 prefix": "2001:db8:3::/124", "ipv4 prefix": "192.0.2.16/28" }
	],
	"comment": "again",
	"denylist4": [ "198.51.100.0", "198.51.100.32/27" ]
}
)";

TEST(ImportJool, ConvertsJson) {
  const Result result = expect_good(import_jool, kJool);
  const InstanceSettings& i = result.instance;
  EXPECT_EQ(i.name, "data-centre");
  EXPECT_EQ(i.pref64->prefix().to_string(), "64:ff9b::/96");
  EXPECT_EQ(i.well_known_prefix_non_global, WellKnownPrefixNonGlobal::Translate);
  EXPECT_EQ(i.lowest_ipv6_mtu, 1400);
  EXPECT_EQ(i.traffic_class, 0);
  EXPECT_EQ(i.tos, 184);
  EXPECT_EQ(i.udp_zero_checksum, UdpZeroChecksum::Compute);
  EXPECT_EQ(i.hairpinning, Hairpinning::Simple);
  EXPECT_EQ(i.untranslatable_icmpv6_source, UntranslatableIcmpv6Source::Pool);
  EXPECT_EQ(i.icmpv6_source_pool.at(0).to_string(), "198.51.100.240/28");
  EXPECT_EQ(i.translator_ipv6.to_string(), "2001:db8:6791::");
  EXPECT_EQ(i.mappings.size(), 3u);
  EXPECT_EQ(i.denylist_ipv4.size(), 2u);
  for (const char* note : {"line 4: framework netfilter", "line 8: manually-enabled", "line 15: randomize",
                           "line 16: mtu-plateaus", "line 18: rfc6791v6-prefix"})
    EXPECT_NE(result.yaml.find(note), std::string::npos) << note << '\n' << result.yaml;
}

TEST(ImportJool, ConvertsTheMinimalFile) {
  const Result result = expect_good(
      import_jool,
      R"({"instance":"default","framework":"netfilter","global":{"pool6":"2001:db8::/96","rfc6791v4-prefix":null}})");
  EXPECT_EQ(result.instance.name, "default");
  EXPECT_EQ(result.instance.udp_zero_checksum, UdpZeroChecksum::Drop);
}

TEST(ImportJool, ConvertsJool3) {
  const Result result = expect_good(
      import_jool,
      R"({"File_Type": "SIIT", "Global": {"Manually-Enabled": true, "eam-hairpin-mode": 0}, "pool6": {"prefix": "2001:db8::/96"},
    "blacklist": ["192.0.2.0/24"], "pool6791": ["198.51.100.0/24"]})");
  EXPECT_EQ(result.instance.pref64->prefix().to_string(), "2001:db8::/96");
  EXPECT_EQ(result.instance.hairpinning, Hairpinning::Off);
  EXPECT_EQ(result.instance.denylist_ipv4.size(), 1u);
  EXPECT_EQ(result.instance.icmpv6_source_pool.size(), 1u);
}

TEST(ImportJool, ConvertsTheCsvOfTheEamTable) {
  ImportOptions options;
  options.pref64 = "2001:db8:64::/96";
  options.name = "edge";
  const Result result = expect_good(
      import_jool,
      "IPv6 Prefix,IPv4 Prefix\r\n64:ff9b::/127,192.0.2.192/31\r\n2001:db8:dddd::/64,192.0.2.128/26\r\n",
      options);
  EXPECT_EQ(result.instance.name, "edge");
  ASSERT_EQ(result.instance.mappings.size(), 2u);
  EXPECT_EQ(result.instance.mappings[0].ipv4.to_string(), "192.0.2.192/31");
}

TEST(ImportJool, FindsAllErrors) {
  EXPECT_EQ(expect_bad(import_jool,
                       "{\n\"global\": {\"pool6\": \"2001:db8::/97\", \"eam-hairpin-mod\": 1, \"tos\": "
                       "256},\n\"eamt\": [{\"ipv4 prefix\": \"192.0.2.1\"}, 7],\n"
                       "\"pool4\": [],\n\"denylist\": []\n}\n"),
            "source.conf:2:21: \"2001:db8::/97\" is not an RFC 6052 prefix: its length is 97; use a length "
            "of 32, 40, 48, 56, 64 or 96 (RFC 6052 §2.2)\n"
            "source.conf:2:38: unknown tag \"eam-hairpin-mod\"; did you mean \"eam-hairpin-mode\"?\n"
            "source.conf:2:67: 256 is outside 0 to 255; write a number from 0 to 255\n"
            "source.conf:3:10: an EAM without \"ipv6 prefix\"; it needs \"ipv4 prefix\" and \"ipv6 prefix\"\n"
            "source.conf:3:40: eamt: text where an object is needed; see the documentation of Jool's atomic "
            "configuration\n"
            "source.conf:4:1: pool4 belongs to Jool's stateful NAT64; `import jool` converts configurations "
            "of jool_siit\n"
            "source.conf:5:1: unknown tag \"denylist\"; did you mean \"denylist4\"?");
}

TEST(Import, MappingsCanGoToACsvFile) {
  ImportOptions options;
  options.mappings_file = "it's a table.csv";
  const auto imported = import_map646("mapping-prefix 2001:db8::\nmap-static 203.0.113.10 2001:db8:1::80\n",
                                      "source.conf", options);
  ASSERT_TRUE(imported) << imported.error().to_string();
  EXPECT_NE(imported->yaml.find("mappings-files: ['it''s a table.csv']"), std::string::npos)
      << imported->yaml;
  const auto table = parse_mapping_csv(imported->mappings_csv, "t.csv");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->mappings.size(), 1u);
}

TEST(Import, OddBytesInTheSourceStayHarmless) {
  const Result result = expect_good(import_tayga, "prefix 2001:db8::/96\ndata-dir /\xff\xfe\x01:{[\"'\n");
  EXPECT_NE(result.yaml.find("data-dir /???:{[\"'"), std::string::npos) << result.yaml;
}

}  // namespace
}  // namespace yonroku::config
