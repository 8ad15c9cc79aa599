#include "carry/sequence_shift.h"

#include <gtest/gtest.h>

#include <string>

#include "packet/test_packets.h"

namespace yonroku::carry {
namespace {

using test::Octets;

// A stream from number 100 on: [110, 120) became 6 octets, [130, 134) became 24.
SequenceShift shortened_then_lengthened(uint32_t base = 0) {
  SequenceShift shift;
  EXPECT_TRUE(shift.add(base + 110, base + 120, 6));
  EXPECT_TRUE(shift.add(base + 130, base + 134, 24));
  return shift;
}

struct Row {
  const char* name;
  uint32_t from, to;
};

// RFC 9293 §3.4: numbers wrap around, and every row holds wherever the stream begins.
constexpr uint32_t kBases[] = {
    0, UINT32_MAX - 105, UINT32_MAX - 115, UINT32_MAX - 125, UINT32_MAX - 132, 0x7fffff90};

TEST(SequenceShift, SequenceNumbersGoToTheReceivers) {
  const Row rows[] = {
      {"before all changes", 100, 100},
      {"where the first begins", 110, 110},
      {"behind it", 120, 116},
      {"further on", 125, 121},
      {"where the second begins", 130, 126},
      {"behind that", 134, 150},
      {"far behind", 1134, 1150},
      {"the last octet of the first", 119, 115},
      {"the last octet of the second", 133, 149},
      {"inside what was shortened, never before its begin", 112, 110},
  };
  for (const uint32_t base : kBases) {
    const SequenceShift shift = shortened_then_lengthened(base);
    for (const Row& row : rows)
      EXPECT_EQ(shift.to_receiver(base + row.from), base + row.to) << row.name << ", base " << base;
  }
}

TEST(SequenceShift, AcknowledgmentsGoBackAllOrNothing) {
  const Row rows[] = {
      {"before all changes", 100, 100},
      {"all before the first", 110, 110},
      {"one octet of it", 111, 110},
      {"all but one", 115, 110},
      {"all of it", 116, 120},
      {"up to the second", 126, 130},
      {"a part as long as the old", 130, 130},
      {"all but one of the second", 149, 130},
      {"all of it", 150, 134},
      {"more", 1150, 1134},
  };
  for (const uint32_t base : kBases) {
    const SequenceShift shift = shortened_then_lengthened(base);
    for (const Row& row : rows)
      EXPECT_EQ(shift.to_sender(base + row.from), base + row.to) << row.name << ", base " << base;
  }
}

TEST(SequenceShift, LeftEdgesOfBlocksGoUp) {
  const Row rows[] = {
      {"before all changes", 105, 105}, {"the first's begin", 110, 110}, {"inside it", 111, 120},
      {"behind it", 116, 120},          {"inside the second", 140, 134}, {"behind it", 150, 134},
  };
  for (const uint32_t base : kBases) {
    const SequenceShift shift = shortened_then_lengthened(base);
    for (const Row& row : rows)
      EXPECT_EQ(shift.to_sender_from(base + row.from), base + row.to) << row.name << ", base " << base;
  }
}

TEST(SequenceShift, ThereAndBackIsWhereItWasOutsideOfChanges) {
  for (const uint32_t base : kBases) {
    const SequenceShift shift = shortened_then_lengthened(base);
    for (uint32_t i = 50; i < 300; ++i) {
      if ((i > 110 && i < 120) || (i > 130 && i < 134)) continue;
      EXPECT_EQ(shift.to_sender(shift.to_receiver(base + i)), base + i) << i << ", base " << base;
    }
  }
}

TEST(SequenceShift, NobodyIsToldOfMoreThanWasSent) {
  const SequenceShift shift = shortened_then_lengthened();
  for (uint32_t acknowledgment = 100; acknowledgment <= 150; ++acknowledgment)
    EXPECT_LE(shift.to_sender(acknowledgment), 134u) << acknowledgment;
  for (uint32_t acknowledgment = 101; acknowledgment <= 300; ++acknowledgment)
    EXPECT_GE(shift.to_sender(acknowledgment), shift.to_sender(acknowledgment - 1)) << acknowledgment;
}

TEST(SequenceShift, SegmentsThatCutAChange) {
  struct Cut {
    const char* name;
    uint32_t sequence, length;
    bool is_cut;
  };
  const Cut rows[] = {
      {"nothing", 112, 0, false},          {"before", 100, 10, false},
      {"all of it", 110, 10, false},       {"and more", 100, 25, false},
      {"both changes", 110, 24, false},    {"its begin", 105, 6, true},
      {"its end", 112, 8, true},           {"its middle", 112, 2, true},
      {"between the two", 120, 10, false}, {"a keep-alive", 119, 1, false},
      {"behind", 134, 5, false},           {"the begin of the second", 120, 12, true},
  };
  for (const uint32_t base : kBases) {
    const SequenceShift shift = shortened_then_lengthened(base);
    for (const Cut& row : rows)
      EXPECT_EQ(shift.cut_by(base + row.sequence, row.length) != nullptr, row.is_cut) << row.name;
  }
}

TEST(SequenceShift, ChangesComeInTheStreamsOrder) {
  SequenceShift shift = shortened_then_lengthened();
  EXPECT_FALSE(shift.add(110, 120, 6)) << "again";
  EXPECT_FALSE(shift.add(125, 128, 6)) << "between";
  EXPECT_FALSE(shift.add(140, 139, 6)) << "ends before it begins";
  EXPECT_TRUE(shift.add(134, 140, 1)) << "at once behind";
  EXPECT_EQ(shift.to_receiver(140), 151u);
  ASSERT_NE(shift.find(130), nullptr);
  EXPECT_EQ(shift.find(130)->end, 134u);
  EXPECT_EQ(shift.find(131), nullptr);
}

TEST(SequenceShift, TheOldestOfManyChangesIsForgotten) {
  SequenceShift shift;
  constexpr uint32_t kCount = SequenceShift::kMostChanges + 3;
  for (uint32_t i = 0; i < kCount; ++i) ASSERT_TRUE(shift.add(i * 100, i * 100 + 10, 12));
  EXPECT_EQ(shift.find(200), nullptr);
  ASSERT_NE(shift.find(300), nullptr);
  EXPECT_EQ(shift.to_receiver(300), 306u);
  EXPECT_EQ(shift.to_receiver((kCount - 1) * 100 + 10), (kCount - 1) * 100 + 10 + 2 * kCount);
}

TEST(SequenceShift, AConnectionOfMoreThanFourGibibytes) {
  SequenceShift shift;
  ASSERT_TRUE(shift.add(110, 120, 6));
  Octets segment = test::tcp({}, 0x10, 512);
  for (uint64_t at = 120; at < (uint64_t{9} << 30); at += uint64_t{1} << 28) {
    test::put32(segment, 4, static_cast<uint32_t>(at));
    shift_sequence(std::as_writable_bytes(std::span(segment)), shift, ChecksumState::Partial);
    EXPECT_EQ(test::get32(segment, 4), static_cast<uint32_t>(at - 4)) << at;
  }
  EXPECT_TRUE(shift.add(0x4000'0000, 0x4000'0004, 8)) << "what was long ago is no hindrance";
}

TEST(SequenceShift, AShiftFromTheBeginning) {
  const SequenceShift shift(uint32_t{0} - 1000);
  EXPECT_EQ(shift.to_receiver(500), uint32_t{0} - 500);
  EXPECT_EQ(shift.to_sender(uint32_t{0} - 500), 500u);
  EXPECT_FALSE(shift.is_idle());
}

Octets with_numbers(uint32_t sequence, uint32_t acknowledgment, const Octets& options, uint8_t flags = 0x10) {
  Octets segment = test::tcp({1, 2, 3}, flags, 512, options);
  test::put32(segment, 4, sequence);
  test::put32(segment, 8, acknowledgment);
  return segment;
}

Octets blocks(std::initializer_list<uint32_t> edges, const Octets& front = {1, 1}) {
  Octets options = front;
  options.push_back(5);
  options.push_back(static_cast<uint8_t>(2 + edges.size() * 4));
  for (const uint32_t edge : edges) {
    options.resize(options.size() + 4);
    test::put32(options, options.size() - 4, edge);
  }
  while (options.size() % 4 != 0) options.push_back(1);
  return options;
}

TEST(ShiftAcknowledgment, SackBlocks) {
  struct Case {
    const char* name;
    Octets before, after;
  };
  const Octets gone_block(8, 1);
  const Case rows[] = {
      {"no option", {}, {}},
      {"behind all changes", blocks({150, 160}), blocks({134, 144})},
      {"RFC 2018: several", blocks({160, 170, 150, 155}), blocks({144, 154, 134, 139})},
      {"RFC 2883: a duplicate before the acknowledgment", blocks({100, 105}), blocks({100, 105})},
      {"all of a change", blocks({110, 116}), blocks({110, 120})},
      {"the begin of a change", blocks({105, 112}), blocks({105, 110})},
      {"the end of a change", blocks({112, 118}), blocks({120, 122})},
      {"at an odd offset", blocks({150, 160}, {1, 1, 1}), blocks({134, 144}, {1, 1, 1})},
      {"behind time stamps", blocks({150, 160}, {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1}),
       blocks({134, 144}, {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1})},
      {"inside one change: gone", blocks({128, 130}), Octets(12, 1)},
      {"the second moves up", blocks({112, 114, 150, 160}), test::joined({blocks({134, 144}), gone_block})},
      {"behind the end", test::joined({{0, 0}, blocks({150, 160}, {})}),
       test::joined({{0, 0}, blocks({150, 160}, {})})},
      {"of no block's length", {5, 6, 0, 0, 0, 150, 1, 1}, {5, 6, 0, 0, 0, 150, 1, 1}},
      {"longer than the header", {1, 1, 5, 10}, {1, 1, 5, 10}},
      {"kind without length", {1, 1, 1, 5}, {1, 1, 1, 5}},
  };
  const SequenceShift shift = shortened_then_lengthened();
  for (const Case& row : rows) {
    Octets before = test::ipv4({.protocol = test::kTcp}, with_numbers(7, 116, row.before));
    const Octets after = test::ipv4({.protocol = test::kTcp}, with_numbers(7, 120, row.after));
    shift_acknowledgment(std::as_writable_bytes(std::span(before)).subspan(20), shift,
                         ChecksumState::Complete);
    EXPECT_EQ(before, after) << row.name;
  }
}

TEST(ShiftAcknowledgment, OnlyWhereThereIsOne) {
  const SequenceShift shift = shortened_then_lengthened();
  Octets segment = with_numbers(7, 116, {}, 0x04);
  const Octets before = segment;
  shift_acknowledgment(std::as_writable_bytes(std::span(segment)), shift, ChecksumState::Complete);
  EXPECT_EQ(segment, before);
}

TEST(ShiftAcknowledgment, AHeaderLongerThanTheSegmentIsReadToItsEnd) {
  const SequenceShift shift = shortened_then_lengthened();
  Octets segment = with_numbers(7, 116, blocks({150, 160}));
  segment[12] = 0xf0;
  shift_acknowledgment(std::as_writable_bytes(std::span(segment)), shift, ChecksumState::Complete);
  EXPECT_EQ(test::get32(segment, 24), 134u);
  segment.resize(20);
  shift_acknowledgment(std::as_writable_bytes(std::span(segment)), shift, ChecksumState::Complete);
}

TEST(ShiftSequence, TheChecksumFollows) {
  SequenceShift shift = shortened_then_lengthened();
  Octets whole = test::ipv4({.protocol = test::kTcp}, with_numbers(134, 9, {}));
  shift_sequence(std::as_writable_bytes(std::span(whole)).subspan(20), shift, ChecksumState::Complete);
  EXPECT_EQ(whole, test::ipv4({.protocol = test::kTcp}, with_numbers(150, 9, {})));
  Octets partial = with_numbers(134, 9, {});
  shift_sequence(std::as_writable_bytes(std::span(partial)), shift, ChecksumState::Partial);
  EXPECT_EQ(partial, with_numbers(150, 9, {})) << "of a partial checksum the number is no part";
}

}  // namespace
}  // namespace yonroku::carry
