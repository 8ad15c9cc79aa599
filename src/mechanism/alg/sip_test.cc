#include "mechanism/alg/sip.h"

#include <gtest/gtest.h>

#include <string>

namespace yonroku::mechanism {
namespace {

using Result = SipMessage::Result;

const SipAddress kInside{true, {}, *Ipv6Address::parse("2001:db8::a")};
const SipAddress kServer{true, {}, *Ipv6Address::parse("64:ff9b::cb00:7107")};

// 2001:db8::a is 192.0.2.1, its port 5060 there 5000, its others 1000 more; 64:ff9b::cb00:7107 is
// 203.0.113.7.
class Names final : public SipNames {
 public:
  bool signalling(SipEndpoint& endpoint) noexcept override {
    if (endpoint.address == kInside)
      endpoint.port = endpoint.port == 5060 ? uint16_t{5000} : static_cast<uint16_t>(endpoint.port + 1000);
    return host(endpoint.address);
  }
  bool media(SipEndpoint& rtp, uint16_t& rtcp) noexcept override {
    if (!has_media || rtp.address != kInside) return has_media && host(rtp.address);
    rtp.port = static_cast<uint16_t>(rtp.port + 1000);
    rtcp = rtcp_of_its_own ? uint16_t{7777} : static_cast<uint16_t>(rtp.port + 1);
    return host(rtp.address);
  }
  bool host(SipAddress& address) noexcept override {
    if (address == kInside)
      address = {false, Ipv4Address(192, 0, 2, 1), {}};
    else if (address == kServer)
      address = {false, Ipv4Address(203, 0, 113, 7), {}};
    else
      return false;
    return true;
  }
  bool seen_port(uint16_t& port) noexcept override {
    if (port != 5060) return false;
    port = 5000;
    return true;
  }
  bool has_media = true;
  bool rtcp_of_its_own = false;
};

std::string with_crlf(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') result += '\r';
    result += c;
  }
  return result;
}

struct Rewritten {
  Result result;
  std::string text;
};
Rewritten rewrite(std::string_view message, Names names = {}) {
  static char scratch[2 * SipMessage::kLargest];
  static char buffer[2 * SipMessage::kLargest];
  TextWriter body(scratch);
  TextWriter out(buffer);
  const Result result = SipMessage::rewrite(message, names, body, out);
  return {result, std::string(out.text())};
}

struct Row {
  const char* name;
  const char* before;
  const char* after;
};

TEST(SipAlg, Rfc3261HeadersThatSayWhereToSend) {
  const Row rows[] = {
      {"§18.1.1: Via", "Via: SIP/2.0/UDP [2001:db8::a]:5060;branch=z9hG4bK1",
       "Via: SIP/2.0/UDP 192.0.2.1:5000;branch=z9hG4bK1"},
      {"§18.1.1: without a port", "v: SIP/2.0/UDP [2001:db8::a];rport",
       "v: SIP/2.0/UDP 192.0.2.1:5000;rport"},
      {"another port", "Contact: <sip:a@[2001:db8::a]:5070;transport=udp>",
       "Contact: <sip:a@192.0.2.1:6070;transport=udp>"},
      {"two of them", "Contact: <sip:a@[2001:db8::a]>, \"[2001:db8::a]\" <sip:b@[2001:db8:0::a]>",
       "Contact: <sip:a@192.0.2.1:5000>, \"[2001:db8::a]\" <sip:b@192.0.2.1:5000>"},
      {"the other end", "To: <sip:b@[64:ff9b::cb00:7107]>;tag=1", "To: <sip:b@203.0.113.7>;tag=1"},
      {"and its port", "Route: <sip:[64:ff9b::203.0.113.7]:5061;lr>", "Route: <sip:203.0.113.7:5061;lr>"},
      {"a name", "From: <sip:a@example.net:5060>", "From: <sip:a@example.net:5060>"},
      {"a name like an address", "From: <sip:a@1.2.3.4.example.net>", "From: <sip:a@1.2.3.4.example.net>"},
      {"somebody else", "To: <sip:b@[2001:db8::b]:5060>", "To: <sip:b@[2001:db8::b]:5060>"},
      {"a user like an address", "To: <sip:1.2.3.4@[64:ff9b::cb00:7107]>", "To: <sip:1.2.3.4@203.0.113.7>"},
      {"§20.42 and RFC 3581: what the server has seen",
       "Via: SIP/2.0/UDP h;received=2001:db8::a;rport=5060;branch=x",
       "Via: SIP/2.0/UDP h;received=192.0.2.1;rport=5000;branch=x"},
      {"of somebody else", "Via: SIP/2.0/UDP h;received=2001:db8::b;rport=5061",
       "Via: SIP/2.0/UDP h;received=2001:db8::b;rport=5061"},
      {"§7.3.1: a folded one", "Contact:\n <sip:a@[2001:db8::a]>", "Contact:\n <sip:a@192.0.2.1:5000>"},
      {"what is signed, and what is an identifier",
       "Call-ID: 1@[2001:db8::a]\nAuthorization: Digest uri=\"sip:[64:ff9b::cb00:7107]\"",
       "Call-ID: 1@[2001:db8::a]\nAuthorization: Digest uri=\"sip:[64:ff9b::cb00:7107]\""},
      {"a bracket without end", "Via: SIP/2.0/UDP [2001:db8::a", "Via: SIP/2.0/UDP [2001:db8::a"},
      {"a quote without end", "To: \"x\\", "To: \"x\\"},
  };
  for (const Row& row : rows) {
    const auto message = [](std::string_view header) {
      return with_crlf("SIP/2.0 200 OK\n" + std::string(header) + "\n\n");
    };
    const Rewritten rewritten = rewrite(message(row.before));
    EXPECT_EQ(rewritten.text, message(row.after)) << row.name;
    EXPECT_EQ(rewritten.result,
              message(row.before) == message(row.after) ? Result::Unchanged : Result::Rewritten)
        << row.name;
  }
}

TEST(SipAlg, Rfc3261Section7_1TheRequestUri) {
  EXPECT_EQ(rewrite("INVITE sip:b@[64:ff9b::cb00:7107]:5060 SIP/2.0\r\n\r\n").text,
            "INVITE sip:b@203.0.113.7:5060 SIP/2.0\r\n\r\n");
}

std::string described(std::string_view body, std::string_view type = "application/sdp") {
  const std::string text = with_crlf(body);
  return "INVITE sip:b@example.net SIP/2.0\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
}

TEST(SipAlg, Rfc4566Descriptions) {
  const Row rows[] = {
      {"of the session",
       "v=0\no=a 1 1 IN IP6 2001:db8::a\ns=-\nc=IN IP6 2001:db8::a\nt=0 0\nm=audio 40000 RTP/AVP 0 "
       "8\na=sendrecv\n",
       "v=0\no=a 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 41000 RTP/AVP 0 "
       "8\na=sendrecv\n"},
      {"of each stream",
       "v=0\nm=audio 40000 RTP/AVP 0\nc=IN IP6 2001:db8::a\nm=video 40002 RTP/AVP 99\nc=IN IP6 2001:db8::b\n",
       "v=0\nm=audio 41000 RTP/AVP 0\nc=IN IP4 192.0.2.1\nm=video 40002 RTP/AVP 99\nc=IN IP6 2001:db8::b\n"},
      {"the other end's", "c=IN IP6 64:ff9b::cb00:7107\nm=audio 40000 RTP/AVP 0\n",
       "c=IN IP4 203.0.113.7\nm=audio 40000 RTP/AVP 0\n"},
      {"RFC 3264 §6: refused", "c=IN IP6 2001:db8::a\nm=audio 0 RTP/AVP 0\n",
       "c=IN IP4 192.0.2.1\nm=audio 0 RTP/AVP 0\n"},
      {"not UDP", "c=IN IP6 2001:db8::a\nm=message 2855 TCP/MSRP *\n",
       "c=IN IP4 192.0.2.1\nm=message 2855 TCP/MSRP *\n"},
      {"several ports", "c=IN IP6 2001:db8::a\nm=video 40000/2 RTP/AVP 0\n",
       "c=IN IP4 192.0.2.1\nm=video 40000/2 RTP/AVP 0\n"},
      {"RFC 3605: RTCP's port", "c=IN IP6 2001:db8::a\nm=audio 40000 RTP/AVP 0\na=rtcp:40001\n",
       "c=IN IP4 192.0.2.1\nm=audio 41000 RTP/AVP 0\na=rtcp:41001\n"},
      {"RFC 3605: elsewhere",
       "c=IN IP6 2001:db8::a\nm=audio 40000 RTP/AVP 0\na=rtcp:40009 IN IP6 2001:db8::a\n",
       "c=IN IP4 192.0.2.1\nm=audio 41000 RTP/AVP 0\na=rtcp:41009 IN IP4 192.0.2.1\n"},
      {"in brackets, as some write it", "o=a 1 1 IN IP6 [2001:db8::a]\n", "o=a 1 1 IN IP4 192.0.2.1\n"},
      {"no address", "c=IN IP6\nm=audio 40000 RTP/AVP 0\n", "c=IN IP6\nm=audio 40000 RTP/AVP 0\n"},
      {"the wrong family", "c=IN IP4 2001:db8::a\nm=audio 40000 RTP/AVP 0\n",
       "c=IN IP4 2001:db8::a\nm=audio 40000 RTP/AVP 0\n"},
      {"a port that is none", "c=IN IP6 2001:db8::a\nm=audio 70000 RTP/AVP 0\n",
       "c=IN IP4 192.0.2.1\nm=audio 70000 RTP/AVP 0\n"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(rewrite(described(row.before)).text, described(row.after)) << row.name;
}

TEST(SipAlg, WithoutNeighboursRtcpsPortIsNamed) {
  Names names;
  names.rtcp_of_its_own = true;
  EXPECT_EQ(rewrite(described("c=IN IP6 2001:db8::a\nm=audio 40000 RTP/AVP 0\n"), names).text,
            described("c=IN IP4 192.0.2.1\nm=audio 41000 RTP/AVP 0\na=rtcp:7777\n"));
}

TEST(SipAlg, BodiesThatAreNoDescription) {
  const std::string text = described("c=IN IP6 2001:db8::a\n", "text/plain");
  EXPECT_EQ(rewrite(text).result, Result::Unchanged);
}

TEST(SipAlg, WhatIsNotUnderstoodStays) {
  const struct {
    const char* name;
    std::string message;
    Result result;
  } rows[] = {
      {"nothing", "", Result::Unchanged},
      {"RFC 5626: a keep-alive", "\r\n\r\n", Result::Unchanged},
      {"STUN", std::string("\0\1\0\0", 4), Result::Unchanged},
      {"another protocol", "GET / HTTP/1.1\r\n\r\n", Result::Unchanged},
      {"no empty line", "SIP/2.0 200 OK\r\nVia: x\r\n", Result::NotUnderstood},
      {"no line end", "SIP/2.0 200 OK", Result::NotUnderstood},
      {"more body than there is", "SIP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nabcd", Result::NotUnderstood},
      {"a length that is none", "SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n", Result::NotUnderstood},
      {"two lengths", "SIP/2.0 200 OK\r\nl: 0\r\nl: 0\r\n\r\n", Result::NotUnderstood},
      {"too large", "SIP/2.0 200 OK\r\n\r\n" + std::string(SipMessage::kLargest, 'x'), Result::NotUnderstood},
      {"too many streams",
       described("c=IN IP6 2001:db8::a\nm=a 2 U 0\nm=a 4 U 0\nm=a 6 U 0\nm=a 8 U 0\nm=a 10 U 0\nm=a 12 U 0\n"
                 "m=a 14 U 0\nm=a 16 U 0\nm=a 18 U 0\n"),
       Result::NotUnderstood},
  };
  for (const auto& row : rows) EXPECT_EQ(rewrite(row.message).result, row.result) << row.name;
}

TEST(SipAlg, Rfc3261Section18_3WhatIsBehindTheBodyGoes) {
  EXPECT_EQ(rewrite("SIP/2.0 200 OK\r\nl: 2\r\n\r\nabcd").text, "SIP/2.0 200 OK\r\nl: 2\r\n\r\nab");
}

}  // namespace
}  // namespace yonroku::mechanism
