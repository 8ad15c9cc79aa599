// SIP messages with an oracle: what is written is a message again, with the body that its length says, and
// nothing is left in it to rewrite.
#include <cstdint>
#include <string>
#include <string_view>

#include "mechanism/alg/sip.h"
#include "require.h"

namespace {

using namespace yonroku::mechanism;
using yonroku::Ipv4Address;
using yonroku::Ipv6Address;
using Result = SipMessage::Result;

// IPv6 becomes IPv4, or the other way round, or everything stays.
class Names final : public SipNames {
 public:
  enum class To : uint8_t { Ipv4, Ipv6, Same };
  explicit Names(To to) : to_(to) {}
  bool signalling(SipEndpoint& endpoint) noexcept override { return move(endpoint); }
  bool media(SipEndpoint& rtp, uint16_t& rtcp) noexcept override {
    REQUIRE(rtp.port > 0 && rtcp == rtp.port + 1);
    REQUIRE(++streams_ <= SipMessage::kMostStreams);
    rtcp = 9;
    return move(rtp);
  }
  bool host(SipAddress& address) noexcept override {
    if (to_ == To::Same || address.is_ipv6 == (to_ == To::Ipv6)) return false;
    address = {to_ == To::Ipv6, Ipv4Address(192, 0, 2, 1), {0x20010db8ffff0000, 0xffffffffffffffff}};
    return true;
  }
  bool seen_port(uint16_t& port) noexcept override {
    if (to_ == To::Same || port == 65535) return false;
    port = 65535;
    return true;
  }

 private:
  bool move(SipEndpoint& endpoint) noexcept {
    if (!host(endpoint.address)) return false;
    endpoint.port = 65535;
    return true;
  }
  To to_;
  std::size_t streams_ = 0;
};

struct Output {
  Result result;
  std::string text;
};
Output rewrite(std::string_view message, Names::To to) {
  static char body[SipMessage::kLargest * 3 / 2];
  static char whole[SipMessage::kLargest * 3 / 2];
  TextWriter scratch(body);
  TextWriter out(whole);
  Names names(to);
  const Result result = SipMessage::rewrite(message, names, scratch, out);
  if (result == Result::Rewritten) REQUIRE(out.is_complete());
  return {result, result == Result::Rewritten ? std::string(out.text()) : std::string(message)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  for (const auto to : {Names::To::Ipv4, Names::To::Ipv6, Names::To::Same}) {
    const Output once = rewrite(message, to);
    if (once.result != Result::Rewritten || once.text.size() > SipMessage::kLargest) continue;
    const Output again = rewrite(once.text, Names::To::Same);
    REQUIRE(again.result == Result::Unchanged);
  }
  return 0;
}
