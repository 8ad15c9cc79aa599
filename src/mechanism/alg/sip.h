// A SIP message (RFC 3261) and its session description (RFC 4566, RFC 3605) as text: the addresses and ports
// in it that mean nothing on the other side, and what takes their place. In the Request-URI and the headers
// that say where to send (Via, Contact, Route, Record-Route, From, To), and in the lines o=, c=, m= and
// a=rtcp.
//
// Names are left to those who resolve them. What a signature covers (Authorization, Call-ID) stays. Knows
// nothing of NATs (SipNames does).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mechanism/alg/text.h"

namespace yonroku::mechanism {

struct SipAddress {
  bool is_ipv6 = false;
  Ipv4Address ipv4;
  Ipv6Address ipv6;
  friend bool operator==(const SipAddress&, const SipAddress&) = default;
};

struct SipEndpoint {
  SipAddress address;
  uint16_t port = 0;
};

// What the ends of a message are called on its other side. Each returns false for what keeps its name.
class SipNames {
 public:
  // Where SIP messages go, and what has a port by itself.
  virtual bool signalling(SipEndpoint& endpoint) noexcept = 0;
  // Where a stream goes, and its RTCP: `rtcp` is the port above, before and, where it can be, afterwards.
  virtual bool media(SipEndpoint& rtp, uint16_t& rtcp) noexcept = 0;
  virtual bool host(SipAddress& address) noexcept = 0;
  // The source port that a server has seen (RFC 3581).
  virtual bool seen_port(uint16_t& port) noexcept = 0;

 protected:
  ~SipNames() = default;
};

class SipMessage {
 public:
  enum class Result : uint8_t {
    Unchanged,
    Rewritten,
    NotUnderstood,  // it is SIP, and larger, longer or more than is looked at
  };
  static constexpr std::size_t kLargest = 8192;
  static constexpr std::size_t kMostStreams = 8;

  // `message` is a whole datagram. The new one is appended to `out`; `scratch` holds its body meanwhile. Both
  // have room for more than kLargest octets.
  static Result rewrite(std::string_view message, SipNames& names, TextWriter& scratch,
                        TextWriter& out) noexcept;

 private:
  struct Headers {
    std::size_t size = 0;  // of start line and headers, the empty line included
    std::size_t body_size = 0;
    bool has_description = false;
  };
  static std::optional<Headers> read_headers(std::string_view message) noexcept;
  static void write_headers(std::string_view headers, std::size_t body_size, SipNames& names,
                            TextWriter& out) noexcept;
  // Addresses in the value of a header or in a Request-URI.
  static void write_value(std::string_view value, SipNames& names, TextWriter& out) noexcept;
  // False: more streams than may be.
  static bool write_description(std::string_view body, SipNames& names, TextWriter& out) noexcept;
  static void write_section(std::string_view section, std::string_view session_address, SipNames& names,
                            TextWriter& out) noexcept;
};

}  // namespace yonroku::mechanism
