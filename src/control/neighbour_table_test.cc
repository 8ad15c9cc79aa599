#include "control/neighbour_table.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

#include "packet/ipv4_address.h"

namespace yonroku::control {
namespace {

constexpr int kInterface = 7;

// A neighbour's message as the kernel writes it; `last` is the last octet of the link-layer address, 0: there
// is none.
class Message {
 public:
  Message(const char* address, uint16_t state, uint8_t last = 0, uint16_t type = RTM_NEWNEIGH) {
    header_->nlmsg_type = type;
    auto* const neighbour = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(ndmsg)));
    neighbour->ndm_ifindex = kInterface;
    neighbour->ndm_state = state;
    if (const auto ipv4 = Ipv4Address::parse(address)) {
      neighbour->ndm_family = AF_INET;
      const uint32_t wire = __builtin_bswap32(ipv4->value());
      mnl_attr_put(header_, NDA_DST, sizeof wire, &wire);
    } else {
      neighbour->ndm_family = AF_INET6;
      const auto octets = Ipv6Address::parse(address)->octets();
      mnl_attr_put(header_, NDA_DST, octets.size(), octets.data());
    }
    const std::array<uint8_t, 6> mac{2, 0, 0, 0, 0, last};
    if (last != 0) mnl_attr_put(header_, NDA_LLADDR, mac.size(), mac.data());
  }
  ndmsg& neighbour() { return *static_cast<ndmsg*>(mnl_nlmsg_get_payload(header_)); }
  nlmsghdr& header() { return *header_; }
  operator const nlmsghdr&() const { return *header_; }

 private:
  alignas(NLMSG_ALIGNTO) std::array<char, 256> buffer_{};
  nlmsghdr* header_ = mnl_nlmsg_put_header(buffer_.data());
};

class NeighbourTableTest : public testing::TestWithParam<const char*> {
 protected:
  NeighbourTableTest() { table_.complete(); }
  NeighbourTable table_;
};
INSTANTIATE_TEST_SUITE_P(Families, NeighbourTableTest, testing::Values("192.0.2.1", "fe80::1"));

TEST_P(NeighbourTableTest, AnAddressThatComesChangesOrGoesMatters) {
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 2)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_STALE, 2, RTM_DELNEIGH)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_PERMANENT, 2)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_FAILED)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 2)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_INCOMPLETE)));
}

TEST_P(NeighbourTableTest, ThatItGrowsStaleAndIsConfirmedDoesNot) {
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
  for (const int state : {NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_REACHABLE, NUD_PERMANENT})
    EXPECT_FALSE(table_.see(Message(GetParam(), static_cast<uint16_t>(state), 1))) << state;
}

TEST_P(NeighbourTableTest, NorOneThatNobodyHas) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(table_.see(Message(GetParam(), NUD_INCOMPLETE)));
    EXPECT_FALSE(table_.see(Message(GetParam(), NUD_FAILED)));
    EXPECT_FALSE(table_.see(Message(GetParam(), NUD_FAILED, 0, RTM_DELNEIGH)));
  }
}

TEST_P(NeighbourTableTest, EachInterfaceHasItsOwn) {
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
  Message other(GetParam(), NUD_REACHABLE, 1);
  other.neighbour().ndm_ifindex = kInterface + 1;
  EXPECT_TRUE(table_.see(other));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_FAILED)));
  EXPECT_FALSE(table_.see(other));
}

TEST_P(NeighbourTableTest, WhileSomeAreNotKnownEachChangeMatters) {
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
  table_.forget();
  EXPECT_FALSE(table_.is_complete());
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_FAILED)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_STALE, 1)));
  table_.complete();
  EXPECT_FALSE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
}

TEST_P(NeighbourTableTest, OtherMessagesSayNothing) {
  Message bridge(GetParam(), NUD_REACHABLE, 1);
  bridge.neighbour().ndm_family = AF_BRIDGE;
  EXPECT_FALSE(table_.see(bridge));
  Message proxy(GetParam(), NUD_REACHABLE, 1);
  proxy.neighbour().ndm_flags = NTF_PROXY;
  EXPECT_FALSE(table_.see(proxy));
  Message route(GetParam(), NUD_REACHABLE, 1);
  route.header().nlmsg_type = RTM_NEWROUTE;
  EXPECT_FALSE(table_.see(route));
  Message cut(GetParam(), NUD_REACHABLE, 1);
  cut.header().nlmsg_len = NLMSG_HDRLEN + 4;
  EXPECT_FALSE(table_.see(cut));
  Message short_address(GetParam(), NUD_REACHABLE, 1);
  short_address.neighbour().ndm_family = short_address.neighbour().ndm_family == AF_INET ? AF_INET6 : AF_INET;
  EXPECT_FALSE(table_.see(short_address));
  EXPECT_TRUE(table_.see(Message(GetParam(), NUD_REACHABLE, 1)));
}

}  // namespace
}  // namespace yonroku::control
