// The border relay of MAP-T.
#include "fastpath/test_forwarding.h"

namespace yonroku::fastpath {
namespace {

using test::address4;
using test::address6;

class MapTForwarding : public Forwarding {
 protected:
  void SetUp() override {
    Forwarding::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto rule = share::MapRule::create({.ipv6 = Ipv6Prefix::holding({0x2001'0db8'0000'0000, 0}, 40),
                                              .ipv4 = Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 24),
                                              .ea_length = 16,
                                              .psid_offset = 6});
    ASSERT_TRUE(rule);
    ASSERT_EQ(rules_.add(*rule), share::MapRuleTable::Refusal::None);
    ASSERT_EQ(mappings_.add({Ipv4Prefix::holding(Ipv4Address(198, 51, 100, 9), 32),
                             Ipv6Prefix::holding({0x2001'0db8'ffff'0001, 9}, 128)}),
              share::EamTable::Refusal::None);
  }
  void compare_all(std::initializer_list<Row> rows) {
    serve(fastpath::serve(0, settings_, mappings_, rules_));
    compare(mechanism::MapT(settings_, mappings_, rules_), rows);
  }

  mechanism::MapTSettings settings_{
      *share::Pref64::create(Ipv6Prefix::holding({0x2001'0db8'ffff'0000, 0}, 64))};
  share::MapRuleTable rules_{share::MapRuleTable::Index::BothWays, 7, &memory_};
  share::EamTable mappings_{8, &memory_};
};

TEST_F(MapTForwarding, ToIpv6) {
  const Octets data = test::counting(40);
  const Octets echo = test::icmp(8, 0, uint32_t{1232} << 16 | 1, data);
  const test::Address customer = address4(192, 0, 2, 18);
  compare_all({
      {"UDP", test::ipv4({.destination = customer}, test::udp(data, 53, 1232)), true},
      {"from a mapped host",
       test::ipv4({.source = address4(198, 51, 100, 9), .destination = customer}, test::udp(data, 53, 1232)),
       true},
      {"an echo", test::ipv4({.destination = customer, .protocol = test::kIcmp}, echo), true},
      {"a port that nobody has", test::ipv4({.destination = customer}, test::udp(data, 53, 80)), false},
      {"three hops", test::ipv4({.destination = customer, .ttl = 3}, test::udp(data, 53, 1232)), false},
      {"four hops", test::ipv4({.destination = customer, .ttl = 4}, test::udp(data, 53, 1232)), true},
  });
}

TEST_F(MapTForwarding, ToIpv4) {
  const Octets data = test::counting(40);
  const auto from = [&](test::Address source, uint16_t port, test::Address destination) {
    return test::ipv6({.source = source, .destination = destination}, test::udp(data, port, 53));
  };
  // PSID 0x34 of 192.0.2.18, and the Internet's 203.0.113.7 in the default mapping rule's prefix.
  const test::Address customer = address6({0x2001, 0xdb8, 0x0012, 0x3400, 0x0000, 0xc000, 0x0212, 0x0034});
  const test::Address internet = address6({0x2001, 0xdb8, 0xffff, 0, 0x00cb, 0x0071, 0x0700});
  compare_all({
      {"UDP", from(customer, 1232, internet), true},
      {"another customer's port", from(customer, 1236, internet), false},
      {"an address that its own bits do not make",
       from(address6({0x2001, 0xdb8, 0x0012, 0x3400, 0x0000, 0xc000, 0x0213, 0x0034}), 1232, internet),
       false},
      {"a host with a mapping", from(address6({0x2001, 0xdb8, 0xffff, 1}, 9), 1232, internet), true},
      {"of no rule", from(address6({0x2001, 0xdb9}, 9), 1232, internet), false},
      {"not in the prefix", from(customer, 1232, address6({0x2001, 0xdb8, 0xffff, 0, 0x0100})), false},
  });
}

}  // namespace
}  // namespace yonroku::fastpath
