#include "share/mapping/port_set.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace yonroku::share {
namespace {

using Range = PortSet::Range;

// RFC 7597 Appendix A, examples 1 and 5.
constexpr PortSet kExample = *PortSet::create({.psid_offset = 6, .psid_length = 8}, 0x34);
static_assert(kExample.range_count() == 63 && kExample.range_size() == 4 && kExample.size() == 252);
static_assert(kExample.range(0) == Range{1232, 1235} && kExample.range(1) == Range{2256, 2259});
static_assert(kExample.range(61) == Range{63696, 63699} && kExample.range(62) == Range{64720, 64723});
static_assert(kExample.contains(1232) && !kExample.contains(1236) && !kExample.contains(208));
static_assert(kExample.parameters().psid_of(1232) == 0x34);  // example 2, the border relay
// RFC 7597 Appendix A, example 4: nobody shares the address.
static_assert(PortSet::create({.psid_offset = 6, .psid_length = 0}, 0)->contains(0));

struct Row {
  const char* name;
  PortParameters parameters;
  uint16_t psid;
  std::vector<Range> first;
  std::vector<Range> last;
  std::size_t ranges;
  std::size_t ports;
};

class PortSetExamples : public testing::TestWithParam<Row> {};

TEST_P(PortSetExamples, AreReproduced) {
  const Row& row = GetParam();
  const auto ports = PortSet::create(row.parameters, row.psid);
  ASSERT_TRUE(ports);
  EXPECT_EQ(ports->range_count(), row.ranges);
  EXPECT_EQ(ports->size(), row.ports);
  for (std::size_t i = 0; i < row.first.size(); ++i) EXPECT_EQ(ports->range(i), row.first[i]);
  for (std::size_t i = 0; i < row.last.size(); ++i)
    EXPECT_EQ(ports->range(row.ranges - row.last.size() + i), row.last[i]);
}

// Names with a section are RFC 7597's; the others were computed by hand or are of a published service.
INSTANTIATE_TEST_SUITE_P(
    PortSet, PortSetExamples,
    testing::Values(
        Row{"AppendixAExample1",
            {6, 8},
            0x34,
            {{1232, 1235}, {2256, 2259}},
            {{63696, 63699}, {64720, 64723}},
            63,
            252},
        Row{"AppendixAExample4", {6, 0}, 0, {{0, 65535}}, {}, 1, 65536},
        Row{"AppendixB2Example1",
            {6, 8},
            0,
            {{1024, 1027}, {2048, 2051}},
            {{63488, 63491}, {64512, 64515}},
            63,
            252},
        Row{"AppendixB2Example2", {0, 6}, 0, {{0, 1023}}, {}, 1, 1024},
        Row{"Section51FirstPortPrefix", {0, 8}, 0, {{0, 255}}, {}, 1, 256},
        Row{"Section51LastPortPrefix", {0, 8}, 0xff, {{65280, 65535}}, {}, 1, 256},
        Row{"Section52OnePort", {0, 16}, 1232, {{1232, 1232}}, {}, 1, 1},
        Row{"OffsetFour",
            {4, 8},
            0x34,
            {{4928, 4943}, {9024, 9039}},
            {{58176, 58191}, {62272, 62287}},
            15,
            240},
        Row{"OffsetFourPsidFe", {4, 8}, 0xfe, {{0x1fe0, 0x1fef}}, {{0xffe0, 0xffef}}, 15, 240},
        Row{"SixteenCustomers", {4, 4}, 5, {{5376, 5631}}, {{62720, 62975}}, 15, 3840},
        Row{"SixtyFourCustomers", {6, 6}, 0, {{1024, 1039}}, {{64512, 64527}}, 63, 1008},
        Row{"RangesOfOnePort", {6, 10}, 1, {{1025, 1025}, {2049, 2049}}, {{64513, 64513}}, 63, 63},
        Row{"FifteenPorts", {4, 12}, 0x345, {{0x1345, 0x1345}}, {{0xf345, 0xf345}}, 15, 15},
        Row{"LongestOffset", {15, 1}, 1, {{3, 3}, {5, 5}}, {{65535, 65535}}, 32767, 32767}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PortSet, ImpossibleOnesAreRefused) {
  struct Refused {
    const char* name;
    PortParameters parameters;
    uint16_t psid;
  };
  for (const Refused& row : {Refused{"an offset that RFC 7598 §4.5 cannot say", {16, 0}, 0},
                             Refused{"a PSID longer than a port", {0, 17}, 0},
                             Refused{"offset and PSID longer than a port", {9, 8}, 0},
                             Refused{"a PSID of more than k bits", {6, 8}, 0x100},
                             Refused{"a PSID though nobody shares", {6, 0}, 1}})
    EXPECT_FALSE(PortSet::create(row.parameters, row.psid)) << row.name;
}

TEST(PortSet, AnAddressThatIsNotSharedHasAllPortsWhateverTheOffset) {
  for (uint8_t offset = 0; offset <= 15; ++offset) {
    const auto ports = PortSet::create({offset, 0}, 0);
    ASSERT_TRUE(ports);
    EXPECT_EQ(ports->size(), 65536u);
    EXPECT_EQ(ports->range_count(), 1u);
    EXPECT_EQ(ports->range(0), (Range{0, 65535}));
    for (const uint16_t port : std::initializer_list<uint16_t>{0, 1, 1023, 1024, 65535})
      EXPECT_TRUE(ports->contains(port));
  }
}

// RFC 7597 Appendix B: the sets of all PSIDs do not overlap, have the same size, and leave out nothing but
// the ports whose A is 0. Of every offset and every PSID length.
TEST(PortSet, SetsPartitionThePorts) {
  for (uint8_t a = 0; a <= 15; ++a) {
    for (uint8_t k = 1; k + a <= 16; ++k) {
      const PortParameters parameters{a, k};
      std::vector<uint8_t> owners(65536, 0);
      for (uint32_t psid = 0; psid < 1u << k; ++psid) {
        const auto ports = PortSet::create(parameters, static_cast<uint16_t>(psid));
        ASSERT_TRUE(ports);
        std::size_t count = 0;
        int32_t previous = -1;
        for (std::size_t i = 0; i < ports->range_count(); ++i) {
          const Range range = ports->range(i);
          ASSERT_LE(range.first, range.last);
          ASSERT_GT(range.first, previous) << "ranges ascend";
          previous = range.last;
          for (uint32_t port = range.first; port <= range.last; ++port) {
            ++owners[port];
            ++count;
            if (parameters.psid_of(static_cast<uint16_t>(port)) != psid) FAIL() << port;
          }
        }
        ASSERT_EQ(count, ports->size());
        ASSERT_EQ(count, (65536u >> k) - (a > 0 ? 1u << parameters.m() : 0u))
            << "RFC 7597 §5.1: 2^(16-k) - 2^m";
      }
      const uint32_t excluded = a > 0 ? 65536u >> a : 0;
      for (uint32_t port = 0; port < 65536; ++port) {
        if (owners[port] != (port >= excluded ? 1 : 0))
          FAIL() << "port " << port << " of a=" << int{a} << ", k=" << int{k};
        if (parameters.gives_out(static_cast<uint16_t>(port)) != (port >= excluded)) FAIL() << port;
      }
    }
  }
}

// contains() by shifting agrees with formula (2) of RFC 7597 Appendix B.
TEST(PortSet, AgreesWithTheGeneralFormula) {
  for (const PortParameters parameters :
       {PortParameters{6, 8}, {4, 8}, {0, 8}, {4, 4}, {15, 1}, {0, 16}, {6, 10}, {1, 15}, {10, 3}}) {
    const uint32_t r = 1u << parameters.psid_length;
    const uint32_t m = 1u << parameters.m();
    ASSERT_EQ(r * m, 65536u >> parameters.psid_offset);
    ASSERT_GT(m, 0u);
    for (uint32_t psid = 0; psid < r; psid += r / 8 + 1) {
      const auto ports = PortSet::create(parameters, static_cast<uint16_t>(psid));
      ASSERT_TRUE(ports);
      for (uint32_t port = 0; port < 65536; ++port) {
        const bool is_ours = (parameters.psid_offset == 0 || port >= r * m) && port % (r * m) / m == psid;
        if (ports->contains(static_cast<uint16_t>(port)) != is_ours) FAIL() << port;
      }
    }
  }
}

}  // namespace
}  // namespace yonroku::share
