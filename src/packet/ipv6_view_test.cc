#include "packet/ipv6_view.h"

#include <gtest/gtest.h>

#include "packet/test_packets.h"

namespace yonroku {
namespace {

using test::Octets;

constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kEsp = 50, kAh = 51, kNoNext = 59,
                  kDestination = 60;

std::span<const std::byte> bytes(const Octets& octets) { return std::as_bytes(std::span(octets)); }

// An extension header of 8 * (1 + more) octets.
Octets extension(uint8_t next, uint8_t more = 0) {
  Octets header(8 + std::size_t{more} * 8);
  header[0] = next;
  header[1] = more;
  return header;
}
Octets routing(uint8_t next, uint8_t segments_left) {
  Octets header = extension(next, 2);
  header[3] = segments_left;
  return header;
}
Octets with(uint8_t first, const Octets& extensions, const Octets& payload = test::udp(test::counting(4))) {
  return test::ipv6({.next_header = first, .extensions = extensions}, payload);
}
Octets repeated(uint8_t number, std::size_t count, uint8_t last) {
  Octets all;
  for (std::size_t i = 0; i < count; ++i)
    all = test::joined({all, extension(i + 1 == count ? last : number)});
  return all;
}

TEST(Ipv6View, ExtensionHeaders) {
  struct Row {
    const char* name;
    Octets packet;
    IpProtocol protocol;
    std::size_t payload_offset;
    bool fragment_header = false;
    std::size_t segments_left_offset = 0;
  };
  const Row rows[] = {
      {"none", with(test::kUdp, {}), IpProtocol::Udp, 40},
      {"hop-by-hop options", with(kHopByHop, extension(test::kUdp)), IpProtocol::Udp, 48},
      {"a long one", with(kDestination, extension(test::kUdp, 3)), IpProtocol::Udp, 72},
      {"three",
       with(kHopByHop,
            test::joined({extension(kRouting), extension(kDestination, 1), extension(test::kTcp)})),
       IpProtocol::Tcp, 72},
      {"routing, no segment left", with(kRouting, routing(test::kUdp, 0)), IpProtocol::Udp, 64},
      {"routing, segments left", with(kRouting, routing(test::kUdp, 2)), IpProtocol::Udp, 64, false, 43},
      {"two with segments left: the first counts",
       with(kHopByHop, test::joined({extension(kRouting), routing(kRouting, 1), routing(test::kUdp, 1)})),
       IpProtocol::Udp, 96, false, 51},
      {"fragment header", with(kFragment, test::fragment_header(test::kUdp, 8, true, 7)), IpProtocol::Udp, 48,
       true},
      {"behind a fragment header nothing is skipped",
       with(kFragment,
            test::joined({test::fragment_header(kDestination, 0, false, 7), extension(test::kUdp)})),
       IpProtocol::DestinationOptions, 48, true},
      {"fragment header behind others",
       with(kHopByHop, test::joined({extension(kFragment), test::fragment_header(test::kTcp, 0, true, 7)})),
       IpProtocol::Tcp, 56, true},
      {"ESP is no extension header here", with(kEsp, {}), IpProtocol::EncapsulatingSecurityPayload, 40},
      {"nor is AH", with(kAh, {}), IpProtocol::AuthenticationHeader, 40},
      {"no next header", with(kNoNext, {}), IpProtocol::NoNextHeader, 40},
      {"16 of them", with(kDestination, repeated(kDestination, 16, test::kUdp)), IpProtocol::Udp, 168},
      {"nothing behind", with(kHopByHop, extension(test::kUdp), {}), IpProtocol::Udp, 48},
  };
  for (const Row& row : rows) {
    const auto view = Ipv6View::parse(bytes(row.packet));
    ASSERT_TRUE(view) << row.name;
    EXPECT_EQ(view->protocol(), row.protocol) << row.name;
    EXPECT_EQ(view->payload_offset(), row.payload_offset) << row.name;
    EXPECT_EQ(view->payload().size(), row.packet.size() - row.payload_offset) << row.name;
    EXPECT_EQ(view->has_fragment_header(), row.fragment_header) << row.name;
    EXPECT_EQ(view->segments_left_offset(), row.segments_left_offset) << row.name;
    const auto quote = Ipv6View::parse_quote(bytes(row.packet));
    ASSERT_TRUE(quote) << row.name;
    EXPECT_EQ(quote->payload_offset(), row.payload_offset) << row.name;
  }
}

TEST(Ipv6View, OptionsBehindAFragmentHeader) {
  const auto behind = [](const Octets& extensions) {
    return with(kFragment, test::joined({test::fragment_header(kDestination, 0, false, 7), extensions}));
  };
  struct Row {
    const char* name;
    Octets packet;
    IpProtocol protocol;
    std::size_t payload_offset;
  };
  const Row rows[] = {
      {"one", behind(extension(test::kUdp)), IpProtocol::Udp, 56},
      {"a long one", behind(extension(test::kUdp, 3)), IpProtocol::Udp, 80},
      {"two", behind(test::joined({extension(kDestination), extension(test::kTcp)})), IpProtocol::Tcp, 64},
      {"another Fragment Header ends it", behind(extension(kFragment)), IpProtocol::Fragment, 56},
      {"none", with(kFragment, test::fragment_header(test::kUdp, 0, false, 7)), IpProtocol::Udp, 48},
      {"no Fragment Header", with(kDestination, extension(test::kUdp)), IpProtocol::Udp, 48},
  };
  for (const Row& row : rows) {
    auto view = Ipv6View::parse(bytes(row.packet));
    ASSERT_TRUE(view) << row.name;
    EXPECT_EQ(view->skip_options_behind_fragment_header(), DropReason::None) << row.name;
    EXPECT_EQ(view->protocol(), row.protocol) << row.name;
    EXPECT_EQ(view->payload_offset(), row.payload_offset) << row.name;
  }
  const Octets too_many = behind(repeated(kDestination, 17, test::kUdp));
  auto many = Ipv6View::parse(bytes(too_many));
  ASSERT_TRUE(many);
  EXPECT_EQ(many->skip_options_behind_fragment_header(), DropReason::BadExtensionHeader);
  const Octets longer =
      test::ipv6({.next_header = kFragment, .extensions = test::fragment_header(kDestination, 0, false, 7)},
                 extension(test::kUdp, 1));
  const Octets cut(longer.begin(), longer.end() - 8);
  auto quote = Ipv6View::parse_quote(bytes(cut));
  ASSERT_TRUE(quote);
  EXPECT_EQ(quote->skip_options_behind_fragment_header(), DropReason::TruncatedHeader);
}

TEST(Ipv6View, Refusals) {
  const auto shortened = [](Octets packet, std::size_t payload) {
    test::put16(packet, 4, static_cast<uint32_t>(payload));
    packet.resize(40 + payload);
    return packet;
  };
  Octets version4 = with(test::kUdp, {});
  version4[0] = 0x40;
  Octets missing = with(test::kUdp, {});
  missing.pop_back();
  Octets jumbo = with(kHopByHop, extension(test::kUdp));
  test::put16(jumbo, 4, 0);  // the real length would be in the option (RFC 2675 §2)
  struct Row {
    const char* name;
    Octets packet;
    DropReason reason;
  };
  const Row rows[] = {
      {"nothing", {}, DropReason::TruncatedHeader},
      {"39 octets", Octets(39, 0x60), DropReason::TruncatedHeader},
      {"version 4", version4, DropReason::BadVersion},
      {"one octet missing", missing, DropReason::LengthMismatch},
      {"an extension header of 7 octets", shortened(with(kHopByHop, extension(test::kUdp)), 7),
       DropReason::TruncatedHeader},
      {"no extension header at all", shortened(with(kHopByHop, extension(test::kUdp)), 0),
       DropReason::TruncatedHeader},
      {"a jumbogram", jumbo, DropReason::TruncatedHeader},
      {"a length behind the packet", with(kHopByHop, Octets{test::kUdp, 9, 0, 0, 0, 0, 0, 0}),
       DropReason::TruncatedHeader},
      {"a fragment header cut off",
       shortened(with(kFragment, test::fragment_header(test::kUdp, 0, true, 7)), 7),
       DropReason::TruncatedHeader},
      {"17 extension headers", with(kDestination, repeated(kDestination, 17, test::kUdp)),
       DropReason::BadExtensionHeader},
  };
  for (const Row& row : rows) {
    const auto view = Ipv6View::parse(bytes(row.packet));
    ASSERT_FALSE(view) << row.name;
    EXPECT_EQ(view.error(), row.reason) << row.name;
  }
}

TEST(Ipv6View, EveryCutIsRefused) {
  const Octets whole =
      with(kHopByHop, test::joined({extension(kFragment), test::fragment_header(test::kTcp, 0, true, 7)}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(Ipv6View::parse(bytes(whole).first(size))) << size;
  EXPECT_TRUE(Ipv6View::parse(bytes(whole)));
}

TEST(Ipv6View, PaddingIsNotPartOfIt) {
  const Octets packet = test::joined({with(test::kUdp, {}), Octets(10)});
  const auto view = Ipv6View::parse(bytes(packet));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->size(), packet.size() - 10);
}

TEST(Ipv6View, WhatCountsAsAFragment) {
  struct Row {
    const char* name;
    uint16_t offset_more;
    bool is_fragment;
  };
  for (const Row& row :
       {Row{"atomic (RFC 6946 §1)", 0, false}, Row{"reserved bits only", 6, false}, Row{"first", 1, true},
        Row{"last", 8, true}, Row{"middle", 9, true}, Row{"the last possible", 0xfff0, true}}) {
    Octets header = test::fragment_header(test::kUdp, 0, false, 7);
    test::put16(header, 2, row.offset_more);
    const Octets packet = with(kFragment, header);
    const auto view = Ipv6View::parse(bytes(packet));
    ASSERT_TRUE(view) << row.name;
    EXPECT_EQ(view->is_fragment(), row.is_fragment) << row.name;
    EXPECT_EQ(view->fragment_header().identification.host(), 7u);
    EXPECT_EQ(view->fragment_header().fragment_offset(), row.offset_more >> 3) << row.name;
  }
}

TEST(Ipv6View, QuotesMayBeCutBehindTheExtensionHeaders) {
  const Octets whole = with(kHopByHop, extension(test::kUdp));
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto quote = Ipv6View::parse_quote(bytes(whole).first(size));
    EXPECT_EQ(quote.has_value(), size >= 48) << size;
    if (quote) {
      EXPECT_EQ(quote->size(), size);
    }
    if (!quote) {
      EXPECT_EQ(quote.error(), DropReason::InnerPacketTruncated) << size;
    }
  }
  const Octets padded = test::joined({whole, Octets(88)});
  EXPECT_EQ(Ipv6View::parse_quote(bytes(padded))->size(), whole.size());
}

}  // namespace
}  // namespace yonroku
