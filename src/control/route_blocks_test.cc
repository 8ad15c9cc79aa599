#include "control/route_blocks.h"

#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

#include "fastpath/route_blocks.h"
#include "packet/prefix.h"

namespace yonroku::control {
namespace {

// A route's message as the kernel writes it.
class Message {
 public:
  explicit Message(const char* prefix, uint16_t type = RTM_NEWROUTE) {
    header_->nlmsg_type = type;
    auto* const route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(rtmsg)));
    if (const auto ipv4 = Ipv4Prefix::parse(prefix)) {
      route->rtm_family = AF_INET;
      route->rtm_dst_len = static_cast<uint8_t>(ipv4->length());
      const uint32_t address = __builtin_bswap32(ipv4->address().value());
      if (ipv4->length() != 0) mnl_attr_put(header_, RTA_DST, sizeof address, &address);
    } else {
      const auto ipv6 = Ipv6Prefix::parse(prefix);
      route->rtm_family = AF_INET6;
      route->rtm_dst_len = static_cast<uint8_t>(ipv6->length());
      const auto octets = ipv6->address().octets();
      if (ipv6->length() != 0) mnl_attr_put(header_, RTA_DST, octets.size(), octets.data());
    }
  }
  rtmsg& route() { return *static_cast<rtmsg*>(mnl_nlmsg_get_payload(header_)); }
  operator const nlmsghdr&() const { return *header_; }

 private:
  alignas(NLMSG_ALIGNTO) std::array<char, 256> buffer_{};
  nlmsghdr* header_ = mnl_nlmsg_put_header(buffer_.data());
};

class RouteBlocksTest : public testing::Test {
 protected:
  void dump(std::initializer_list<const char*> routes) {
    blocks_.begin_dump();
    for (const char* each : routes) blocks_.see_dumped(Message(each));
    EXPECT_TRUE(blocks_.end_dump(true));
  }
  // The length of the widest whole block around the address; that of the address: none is.
  uint32_t whole_around(const char* address) {
    const auto ipv4 = Ipv4Address::parse(address);
    const Ipv6Address ipv6 =
        ipv4 ? Ipv6Address(0, uint64_t{0xffff} << 32 | ipv4->value()) : *Ipv6Address::parse(address);
    for (uint32_t level = fastpath::kWidestBlock;; ++level) {
      const uint32_t length = fastpath::block_length(ipv4.has_value(), level);
      const uint32_t bit = bit_of(fastpath::block_of(ipv6, length));
      if (level == fastpath::kAddressBlock || (whole_[bit / 64] >> bit % 64 & 1) != 0)
        return ipv4 ? length - 96 : length;
    }
  }

  std::vector<uint64_t> whole_ = std::vector<uint64_t>(fastpath::kBlockWords, ~uint64_t{0});
  RouteBlocks blocks_{whole_};
};

TEST_F(RouteBlocksTest, NothingIsWholeBeforeTheFirstDump) {
  EXPECT_TRUE(blocks_.is_outdated());
  EXPECT_EQ(whole_around("192.0.2.1"), 32u);
  EXPECT_EQ(whole_around("2001:db8::1"), 128u);
  blocks_.begin_dump();
  blocks_.see_dumped(Message("0.0.0.0/0"));
  EXPECT_FALSE(blocks_.end_dump(false));
  EXPECT_TRUE(blocks_.is_outdated());
  EXPECT_EQ(whole_around("192.0.2.1"), 32u);
}

TEST_F(RouteBlocksTest, ARouteSplitsTheBlocksItIsAPartOf) {
  dump({"0.0.0.0/0", "::/0", "10.1.0.0/16", "10.2.16.0/20", "10.3.1.0/24", "10.4.1.128/25", "10.5.1.1/32",
        "2001:db8:100::/40", "2001:db8:200::/48", "2001:db8:300::/64", "2001:db8:400::/96",
        "2001:db8:500::1/128"});
  EXPECT_FALSE(blocks_.is_outdated());
  const std::pair<const char*, uint32_t> expected[] = {
      {"203.0.113.1", 16},       {"10.1.2.3", 16},         {"10.2.16.1", 20},
      {"10.2.99.1", 20},         {"10.3.1.9", 24},         {"10.3.2.9", 24},
      {"10.4.1.1", 32},          {"10.4.2.1", 24},         {"10.5.1.2", 32},
      {"10.5.16.1", 20},         {"2001:db8:ff00::", 40},  {"2001:db8:1ff::1", 40},
      {"2001:db8:200::1", 64},   {"2001:db8:300::1", 64},  {"2001:db8:400::1", 96},
      {"2001:db8:400:1::1", 64}, {"2001:db8:500::2", 128}, {"2001:db8:500::1:0:1", 96}};
  for (const auto& [address, length] : expected) EXPECT_EQ(whole_around(address), length) << address;
}

TEST_F(RouteBlocksTest, AChangeSplitsAtOnceAndTheNextDumpMakesWhole) {
  dump({"0.0.0.0/0"});
  blocks_.see_change(Message("10.4.1.128/25"));
  EXPECT_EQ(whole_around("10.4.1.1"), 32u);
  EXPECT_FALSE(blocks_.is_outdated());
  blocks_.see_change(Message("10.4.1.128/25", RTM_DELROUTE));
  EXPECT_EQ(whole_around("10.4.1.1"), 32u);
  EXPECT_TRUE(blocks_.is_outdated());
  dump({"0.0.0.0/0"});
  EXPECT_EQ(whole_around("10.4.1.1"), 16u);
}

TEST_F(RouteBlocksTest, AChangeWhileADumpGoesOn) {
  dump({});
  blocks_.begin_dump();
  blocks_.see_change(Message("10.4.1.1/32"));
  EXPECT_EQ(whole_around("10.4.1.2"), 32u);
  EXPECT_TRUE(blocks_.end_dump(true));
  EXPECT_EQ(whole_around("10.4.1.2"), 32u);
  // A route that goes may have made the kernel leave out another.
  blocks_.begin_dump();
  blocks_.see_change(Message("10.4.1.1/32", RTM_DELROUTE));
  EXPECT_FALSE(blocks_.end_dump(true));
  EXPECT_EQ(whole_around("10.4.1.2"), 32u);
  EXPECT_TRUE(blocks_.is_outdated());
}

TEST_F(RouteBlocksTest, RoutesMayEndWithWhatTheyLeadTo) {
  for (const int type : {RTM_DELNEXTHOP, RTM_DELADDR, RTM_DELLINK, RTM_NEWLINK}) {
    dump({});
    blocks_.begin_dump();
    blocks_.see_change(Message(
        "10.0.0.0/8", static_cast<uint16_t>(type)));  // of RTM_NEWLINK: no flags, so that it is not up
    EXPECT_FALSE(blocks_.end_dump(true)) << type;
    EXPECT_TRUE(blocks_.is_outdated()) << type;
    EXPECT_EQ(whole_around("10.4.1.2"), 16u) << type;
  }
}

TEST_F(RouteBlocksTest, WhenChangesAreLostNothingIsWhole) {
  dump({});
  EXPECT_EQ(whole_around("10.4.1.2"), 16u);
  blocks_.begin_dump();
  blocks_.forget();
  EXPECT_FALSE(blocks_.end_dump(true));
  EXPECT_EQ(whole_around("10.4.1.2"), 32u);
  EXPECT_TRUE(blocks_.is_outdated());
}

TEST_F(RouteBlocksTest, RoutesForSomeSourcesOrTrafficClasses) {
  dump({"::/0"});
  EXPECT_FALSE(blocks_.depends_on_more());
  Message from("2001:db8::/32");
  from.route().rtm_src_len = 64;
  blocks_.see_change(from);
  EXPECT_TRUE(blocks_.depends_on_more());
  dump({"::/0"});
  EXPECT_FALSE(blocks_.depends_on_more());
  Message tos("0.0.0.0/0");
  tos.route().rtm_tos = 0x10;
  blocks_.begin_dump();
  blocks_.see_dumped(tos);
  EXPECT_TRUE(blocks_.depends_on_more());
  EXPECT_TRUE(blocks_.end_dump(true));
  EXPECT_TRUE(blocks_.depends_on_more());
}

TEST_F(RouteBlocksTest, OtherMessagesSayNothing) {
  dump({});
  blocks_.see_change(Message("10.4.1.1/32", RTM_NEWNEIGH));
  Message multicast("10.4.1.1/32");
  multicast.route().rtm_family = 128;  // RTNL_FAMILY_IPMR
  blocks_.see_change(multicast);
  EXPECT_EQ(whole_around("10.4.1.2"), 16u);
}

}  // namespace
}  // namespace yonroku::control
