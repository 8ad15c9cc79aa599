#include "carry/encapsulate/encapsulate.h"

#include <gtest/gtest.h>

#include <set>

namespace yonroku::carry {
namespace {

Ipv4Flow flow(uint16_t source_port, uint16_t destination_port, IpProtocol protocol = IpProtocol::Udp) {
  Ipv4Flow made;
  made.source = Ipv4Address(203, 0, 113, 7);
  made.destination = Ipv4Address(192, 0, 2, 80);
  made.source_port = source_port;
  made.destination_port = destination_port;
  made.protocol = protocol;
  return made;
}

// Fixed values: a flow keeps its path when the program is restarted, updated or moved to another router.
TEST(FlowLabel, IsTheSameForEver) {
  struct Row {
    const char* name;
    Ipv4Flow flow;
    uint32_t label;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"UDP", flow(1232, 53), 0xd609b},
                                  {"TCP", flow(1232, 53, IpProtocol::Tcp), 0x9090c},
                                  {"ports the other way round", flow(53, 1232), 0x22c17},
                                  {"no ports", flow(0, 0, static_cast<IpProtocol>(47)), 0xd0243},
                                  {"the hash is 0, which says that there is no label", flow(1, 3953), 1}})
    EXPECT_EQ(flow_label(row.flow), row.label) << row.name;
}

TEST(FlowLabel, HasTwentyBitsAndIsNeverZero) {
  std::set<uint32_t> labels;
  for (uint32_t ports = 0; ports < 0x40'0000; ++ports) {
    const uint32_t label = flow_label(flow(static_cast<uint16_t>(ports >> 16), static_cast<uint16_t>(ports)));
    ASSERT_NE(label, 0u) << ports;
    ASSERT_LT(label, 1u << 20) << ports;
    if (ports < 10'000) labels.insert(label);
  }
  EXPECT_GT(labels.size(), 9'900u) << "flows are to be spread";
}

}  // namespace
}  // namespace yonroku::carry
