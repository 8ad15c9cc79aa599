#include "packet/ipv4_view.h"

#include <gtest/gtest.h>

#include <functional>

#include "packet/test_packets.h"

namespace yonroku {
namespace {

using test::Octets;

std::span<const std::byte> bytes(const Octets& octets) { return std::as_bytes(std::span(octets)); }

// The reason to refuse, or None.
DropReason refusal(const Octets& packet) {
  const auto view = Ipv4View::parse(bytes(packet));
  return view ? DropReason::None : view.error();
}

Octets changed(Octets packet, const std::function<void(Octets&)>& change) {
  change(packet);
  return packet;
}

const Octets kPlain = test::ipv4({}, test::udp(test::counting(12)));
const Octets kOptions = test::ipv4({.options = {1, 1, 1, 0}}, test::udp(test::counting(12)));

TEST(Ipv4View, Refusals) {
  struct Row {
    const char* name;
    Octets packet;
    DropReason reason;
  };
  const Row rows[] = {
      {"whole", kPlain, DropReason::None},
      {"options", kOptions, DropReason::None},
      {"only a header", test::ipv4({}, {}), DropReason::None},
      {"the largest", test::ipv4({}, Octets(65515)), DropReason::None},
      {"padding behind it", test::joined({kPlain, Octets(6)}), DropReason::None},
      {"nothing", {}, DropReason::TruncatedHeader},
      {"19 octets", Octets(kPlain.begin(), kPlain.begin() + 19), DropReason::TruncatedHeader},
      {"options cut off", Octets(kOptions.begin(), kOptions.begin() + 22), DropReason::TruncatedHeader},
      {"version 5", changed(kPlain, [](Octets& p) { p[0] = 0x55; }), DropReason::BadVersion},
      {"version 6", changed(kPlain, [](Octets& p) { p[0] = 0x65; }), DropReason::BadVersion},
      {"header length 16", changed(kPlain, [](Octets& p) { p[0] = 0x44; }), DropReason::LengthMismatch},
      {"header length 0", changed(kPlain, [](Octets& p) { p[0] = 0x40; }), DropReason::LengthMismatch},
      {"header behind the total length", changed(kPlain, [](Octets& p) { p[0] = 0x4f; }),
       DropReason::LengthMismatch},
      {"total length 19", changed(kPlain, [](Octets& p) { test::put16(p, 2, 19); }),
       DropReason::LengthMismatch},
      {"total length 0", changed(kPlain, [](Octets& p) { test::put16(p, 2, 0); }),
       DropReason::LengthMismatch},
      {"one octet missing", Octets(kPlain.begin(), kPlain.end() - 1), DropReason::LengthMismatch},
      {"checksum off by one", changed(kPlain, [](Octets& p) { ++p[11]; }), DropReason::Ipv4HeaderChecksum},
      {"checksum 0", changed(kPlain, [](Octets& p) { test::put16(p, 10, 0); }),
       DropReason::Ipv4HeaderChecksum},
      {"an option changed", changed(kOptions, [](Octets& p) { p[20] = 0; }), DropReason::Ipv4HeaderChecksum},
  };
  for (const Row& row : rows) EXPECT_EQ(refusal(row.packet), row.reason) << row.name;
}

TEST(Ipv4View, EveryCutIsRefused) {
  for (const Octets& whole : {kPlain, kOptions})
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_NE(refusal(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                DropReason::None);
}

TEST(Ipv4View, ShowsThePacketWithoutItsPadding) {
  const Octets padded = test::joined({kOptions, Octets(26)});
  const auto view = Ipv4View::parse(bytes(padded));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->size(), kOptions.size());
  EXPECT_EQ(view->header_size(), 24u);
  EXPECT_EQ(view->options().size(), 4u);
  EXPECT_EQ(view->payload().size(), 20u);
  EXPECT_EQ(static_cast<uint8_t>(view->payload()[8]), 0);
  EXPECT_EQ(view->header().source(), Ipv4Address(203, 0, 113, 7));
  EXPECT_EQ(view->header().destination(), Ipv4Address(192, 0, 2, 80));
  EXPECT_EQ(view->header().protocol, IpProtocol::Udp);
  EXPECT_TRUE(view->header().dont_fragment());
  EXPECT_FALSE(view->header().is_fragment());
}

TEST(Ipv4View, FragmentFields) {
  struct Row {
    const char* name;
    uint16_t flags_and_offset;
    bool is_fragment, more;
    uint16_t offset;
  };
  for (const Row& row :
       {Row{"whole", 0, false, false, 0}, Row{"DF", 0x4000, false, false, 0},
        Row{"the reserved bit", 0x8000, false, false, 0}, Row{"first", 0x2000, true, true, 0},
        Row{"middle", 0x2001, true, true, 1}, Row{"last possible", 0x1ffc, true, false, 0x1ffc},
        Row{"last with DF", 0x4005, true, false, 5}}) {
    const Octets packet = test::ipv4({.flags_and_offset = row.flags_and_offset}, Octets(8));
    const auto view = Ipv4View::parse(bytes(packet));
    ASSERT_TRUE(view) << row.name;
    EXPECT_EQ(view->header().is_fragment(), row.is_fragment) << row.name;
    EXPECT_EQ(view->header().more_fragments(), row.more) << row.name;
    EXPECT_EQ(view->header().fragment_offset(), row.offset) << row.name;
  }
}

TEST(Ipv4View, QuotesMayBeCutBehindTheHeader) {
  struct Row {
    const char* name;
    Octets quote;
    std::optional<std::size_t> size;  // of the view; nullopt: inner-packet-truncated
  };
  const auto cut = [](const Octets& whole, std::size_t size) {
    return Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  };
  const Row rows[] = {
      {"whole", kPlain, kPlain.size()},
      {"header and 8 octets", cut(kPlain, 28), 28},
      {"only the header", cut(kPlain, 20), 20},
      {"padding", test::joined({kPlain, Octets(88)}), kPlain.size()},
      {"a wrong checksum", changed(kPlain, [](Octets& p) { p[11] ^= 1; }), kPlain.size()},
      {"header cut off", cut(kPlain, 19), std::nullopt},
      {"options cut off", cut(kOptions, 23), std::nullopt},
      {"nothing", {}, std::nullopt},
      {"version 6", changed(kPlain, [](Octets& p) { p[0] = 0x65; }), std::nullopt},
      {"header length 16", changed(kPlain, [](Octets& p) { p[0] = 0x44; }), std::nullopt},
      {"total length below the header's", changed(kPlain, [](Octets& p) { test::put16(p, 2, 12); }),
       std::nullopt},
  };
  for (const Row& row : rows) {
    const auto view = Ipv4View::parse_quote(bytes(row.quote));
    EXPECT_EQ(view.has_value(), row.size.has_value()) << row.name;
    if (view && row.size) {
      EXPECT_EQ(view->size(), *row.size) << row.name;
    }
    if (!view) {
      EXPECT_EQ(view.error(), DropReason::InnerPacketTruncated) << row.name;
    }
  }
}

TEST(Ipv4View, SourceRoutes) {
  struct Row {
    const char* name;
    Octets options;
    bool unexpired;
  };
  const Row rows[] = {
      {"none", {}, false},
      {"loose, first hop to come", {131, 7, 4, 192, 0, 2, 9, 0}, true},
      {"strict, first hop to come", {137, 7, 4, 192, 0, 2, 9, 0}, true},
      {"loose, all hops done", {131, 7, 8, 192, 0, 2, 9, 0}, false},
      {"strict, one of two done", {137, 11, 8, 192, 0, 2, 9, 192, 0, 2, 8, 0}, true},
      {"behind no-operations", {1, 1, 1, 131, 3, 4, 0, 0}, false},
      {"behind a record route", {7, 3, 4, 131, 7, 4, 1, 2, 3, 4, 0, 0}, true},
      {"behind the end of options", {0, 131, 7, 4, 1, 2, 3, 4}, false},
      {"a record route only", {7, 7, 4, 0, 0, 0, 0, 0}, false},
      {"length 0", {131, 0, 4, 1}, false},
      {"length 1", {131, 1, 4, 1}, false},
      {"length 2: no pointer", {131, 2, 1, 1}, false},
      {"length behind the header", {131, 9, 4, 1}, false},
      {"kind without a length", {1, 1, 1, 131}, false},
      {"router alert", {148, 4, 0, 0}, false},
  };
  for (const Row& row : rows) {
    const Octets packet = test::ipv4({.options = row.options}, test::udp({}));
    const auto view = Ipv4View::parse(bytes(packet));
    ASSERT_TRUE(view) << row.name;
    EXPECT_EQ(view->has_unexpired_source_route(), row.unexpired) << row.name;
  }
}

}  // namespace
}  // namespace yonroku
