#include "api/nat_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace yonroku::api {
namespace {

using control::NatTable;
using nlohmann::ordered_json;

TEST(NatTableText, SessionsUnderOneHeading) {
  NatTableText text(NatTable::Sessions);
  EXPECT_EQ(text.page(ordered_json::parse(R"({"sessions":[
    {"protocol":"tcp","inside":"2001:db8::1","inside-port":40000,"outside":"192.0.2.1","outside-port":1024,
     "remote":"203.0.113.80","remote-port":443,"state":"established","seconds-left":7439},
    {"protocol":"icmp","inside":"2001:db8::1","inside-identifier":7,"outside":"192.0.2.1","outside-identifier":8,
     "remote":"203.0.113.80","state":"query","seconds-left":59}],"next":"0-2"})")),
            "PROTO  INSIDE               OUTSIDE         REMOTE            STATE        LEFT\n"
            "tcp    [2001:db8::1]:40000  192.0.2.1:1024  203.0.113.80:443  established  2:03:59\n"
            "icmp   2001:db8::1 id 7     192.0.2.1 id 8  203.0.113.80      query        0:59\n");
  const auto last = ordered_json::parse(R"({"sessions":[
    {"protocol":"udp","inside":"2001:db8::2","inside-ipv4":"192.168.0.9","inside-port":53,"outside":"192.0.2.1",
     "outside-port":5,"remote":"203.0.113.8","remote-port":53,"state":"answered","seconds-left":300}],"next":null})");
  EXPECT_EQ(text.page(last),
            "udp    192.168.0.9 at 2001:db8::2:53  192.0.2.1:5     203.0.113.8:53    answered     5:00\n");
  EXPECT_EQ(text.end(last), "");
}

TEST(NatTableText, BindingsSubscribersAndPorts) {
  EXPECT_EQ(NatTableText(NatTable::Bindings).page(ordered_json::parse(R"({"bindings":[
    {"protocol":"tcp","inside":"2001:db8::1","inside-port":80,"outside":"192.0.2.1","outside-port":80,
     "static":true,"shared":false,"sessions":0,"seconds-left":0},
    {"protocol":"udp","inside":"2001:db8::1","inside-port":4,"outside":"192.0.2.1","outside-port":5,
     "static":false,"shared":false,"sessions":32,"seconds-left":12}],"next":null})")),
            "PROTO  INSIDE            OUTSIDE       KIND     SESSIONS  LEFT\n"
            "tcp    [2001:db8::1]:80  192.0.2.1:80  static   0         -\n"
            "udp    [2001:db8::1]:4   192.0.2.1:5   dynamic  32+       0:12\n");
  NatTableText ports(NatTable::Ports);
  const auto answer = ordered_json::parse(R"({"ports":[
    {"address":"192.0.2.1","ports":64512,"used":{"udp":64000,"tcp":12,"icmp":0}}],
    "busiest":[{"subscriber":"2001:db8::/56","outside":"192.0.2.1","bindings":1234,"sessions":2000,
      "port-blocks":[{"ports":"1024-1535","used":512},{"ports":"4096-4607","used":88}]},
     {"subscriber":"2001:db8:0:100::/56","bindings":1,"sessions":0}],"next":null})");
  const std::string page = ports.page(answer);
  EXPECT_EQ(page + ports.end(answer),
            "ADDRESS    PORTS   UDP USED       TCP USED   ICMP USED\n"
            "192.0.2.1  64,512  64,000 (99 %)  12 (<1 %)  0 (0 %)\n"
            "\nthe busiest subscribers:\n"
            "SUBSCRIBER           OUTSIDE    PORTS  SESSIONS  PORT BLOCKS\n"
            "2001:db8::/56        192.0.2.1  1,234  2,000     1024-1535, 4096-4607\n"
            "2001:db8:0:100::/56  -          1      0         -\n");
}

TEST(NatTableText, PortsOfACustomer) {
  NatTableText ports(NatTable::Ports);
  const auto answer = ordered_json::parse(R"({"ports":[
    {"address":"192.0.2.18","ports":12,"used":{"udp":3,"tcp":0,"icmp":0},"psid-offset":2,"psid-length":12,"psid":52,
     "port-ranges":["16592-16595","32976-32979","49360-49363"]}],"busiest":[
     {"subscriber":"192.168.1.9","outside":"192.0.2.18","bindings":3,"sessions":7}],"next":null})");
  const std::string page = ports.page(answer);
  EXPECT_EQ(page + ports.end(answer),
            "ADDRESS     PORTS  UDP USED  TCP USED  ICMP USED\n"
            "192.0.2.18  12     3 (25 %)  0 (0 %)   0 (0 %)\n"
            "\nthe ports of 192.0.2.18, PSID 52 of 12 bits, offset 2:\n"
            "  16592-16595, 32976-32979, 49360-49363\n"
            "\nthe busiest subscribers:\n"
            "SUBSCRIBER   OUTSIDE     PORTS  SESSIONS  PORT BLOCKS\n"
            "192.168.1.9  192.0.2.18  3      7         -\n");
}

TEST(NatTableText, SaysWhenThereIsNothingOrMore) {
  const auto nothing = ordered_json::parse(R"({"sessions":[],"next":null})");
  NatTableText text(NatTable::Sessions);
  EXPECT_EQ(text.page(nothing), "");
  EXPECT_EQ(text.end(nothing), "no sessions\n");
  const auto some = ordered_json::parse(R"({"subscribers":[
    {"subscriber":"2001:db8::1","bindings":1,"sessions":1}],"next":"0-7"})");
  NatTableText subscribers(NatTable::Subscribers);
  (void)subscribers.page(some);
  EXPECT_EQ(subscribers.end(some), "and more: --limit says how many are shown\n");
}

}  // namespace
}  // namespace yonroku::api
