#include "packet/packet.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "packet/trace.h"
#include "packet/verdict.h"

namespace yonroku {
namespace {

struct Buffer {
  std::array<std::byte, 100> octets{};
  Packet packet{octets, 30, 50};
};

TEST(Packet, KnowsItsRooms) {
  Buffer buffer;
  EXPECT_EQ(buffer.packet.size(), 50u);
  EXPECT_EQ(buffer.packet.headroom(), 30u);
  EXPECT_EQ(buffer.packet.tailroom(), 20u);
  EXPECT_EQ(buffer.packet.data(), buffer.octets.data() + 30);
  EXPECT_EQ(Packet().size(), 0u);
}

TEST(Packet, TheFrontGrowsBackwardsAndMovesNothing) {
  Buffer buffer;
  buffer.octets[50] = std::byte{7};
  buffer.packet.reshape_front(20, 40);
  EXPECT_EQ(buffer.packet.headroom(), 10u);
  EXPECT_EQ(buffer.packet.size(), 70u);
  EXPECT_EQ(buffer.packet.bytes()[40], std::byte{7});
  buffer.packet.reshape_front(40, 20);
  EXPECT_EQ(buffer.packet.headroom(), 30u);
  EXPECT_EQ(buffer.packet.bytes()[20], std::byte{7});
  buffer.packet.reshape_front(0, 30);  // all the headroom there is
  EXPECT_EQ(buffer.packet.headroom(), 0u);
  buffer.packet.reshape_front(80, 0);  // nothing left
  EXPECT_EQ(buffer.packet.size(), 0u);
  EXPECT_EQ(buffer.packet.tailroom(), 20u);
}

TEST(Packet, EndsWhereItIsTold) {
  Buffer buffer;
  buffer.packet.truncate(50);
  buffer.packet.truncate(10);
  EXPECT_EQ(buffer.packet.size(), 10u);
  buffer.packet.resize(70);
  EXPECT_EQ(buffer.packet.tailroom(), 0u);
  buffer.packet.truncate(0);
  EXPECT_TRUE(buffer.packet.bytes().empty());
}

TEST(PacketDeathTest, NeverLeavesItsBuffer) {
  GTEST_FLAG_SET(death_test_style, "fast");
  Buffer buffer;
  EXPECT_DEATH(Packet(buffer.octets, 101, 0), "internal error");
  EXPECT_DEATH(Packet(buffer.octets, 60, 41), "internal error");
  EXPECT_DEATH(Packet(buffer.octets, 1, ~std::size_t{0}), "internal error");
  EXPECT_DEATH(buffer.packet.reshape_front(0, 31), "internal error");
  EXPECT_DEATH(buffer.packet.reshape_front(51, 0), "internal error");
  EXPECT_DEATH(buffer.packet.reshape_front(20, 51), "internal error");
  EXPECT_DEATH(buffer.packet.truncate(51), "internal error");
  EXPECT_DEATH(buffer.packet.resize(71), "internal error");
}

static_assert(!Offload{}.is_super_packet());
static_assert(Offload{.segmentation = Offload::Segmentation::Udp}.is_super_packet());

TEST(DropReason, EveryOneHasItsOwnLabelAndAHelp) {
  std::set<std::string_view> labels;
  for (const DropReasonText& text : kDropReasons) {
    EXPECT_TRUE(labels.insert(text.label).second) << text.label;
    EXPECT_FALSE(text.help.empty()) << text.label;
    EXPECT_EQ(text.label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string_view::npos);
    EXPECT_TRUE(text.cited.empty() || text.cited.starts_with("RFC ")) << text.label;
  }
  EXPECT_EQ(label(DropReason::None), "none");
  EXPECT_EQ(label(DropReason::TtlExceeded), "ttl-exceeded");
  EXPECT_EQ(label(DropReason::NoBuffer), kDropReasons[kDropReasonCount - 1].label);
}

TEST(Trace, KeepsTheFirstNotesAndForgetsTheRest) {
  Trace trace;
  EXPECT_TRUE(trace.notes().empty());
  for (int i = 0; i < 100; ++i) trace.note(TraceStep::Denied, Ipv4Address(static_cast<uint32_t>(i)));
  ASSERT_EQ(trace.notes().size(), 32u);
  EXPECT_EQ(std::get<Ipv4Address>(trace.notes()[31].from).value(), 31u);
}

}  // namespace
}  // namespace yonroku
