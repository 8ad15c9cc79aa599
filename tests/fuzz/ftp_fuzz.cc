// An FTP control connection with an oracle. The input chooses who is inside, then makes both ends send: new
// text, lost text, and what was sent before again, cut elsewhere. Whatever is sent again, no octet may come
// out as another one than before at the same place, headers must be right, and neither end may be told of an
// octet that it has not sent.
#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "mechanism/alg/control_channel.h"
#include "packet/test_packets.h"
#include "require.h"

namespace {

using namespace yonroku;
using namespace yonroku::mechanism;

const Ipv6Address kHost(0x20010db800000000, 1);

class Bindings final : public FtpBindings {
 public:
  Bindings(Gateway gateway, FtpSide inside_is)
      : FtpBindings(gateway, inside_is,
                    gateway == Gateway::Nat64 ? share::InsideEndpoint{kHost, {}, 40000}
                                              : share::InsideEndpoint{{}, Ipv4Address(10, 0, 0, 5), 40000},
                    Ipv4Address(192, 0, 2, 1)) {}
  std::optional<share::Ipv4Endpoint> expect(uint16_t port) noexcept override {
    REQUIRE(port >= 1024);
    if (port % 7 == 0) return std::nullopt;
    return share::Ipv4Endpoint{outside(), static_cast<uint16_t>(port ^ 0x5555)};
  }
};

// What the input is made of: lines that matter, so that chance need not find them.
constexpr std::string_view kLines[] = {
    "EPSV\r\n",
    "EPSV 1\r\n",
    "EPSV ALL\r\n",
    "EPRT |2|2001:db8::1|5282|\r\n",
    "PORT 10,0,0,5,20,163\r\n",
    "EPRT |1|10.0.0.5|5283|\r\n",
    "AUTH TLS\r\n",
    "ALGS DISABLE64\r\n",
    "ALGS ENABLE64\r\n",
    "LIST\r\n",
    "227 Entering Passive Mode (10,0,0,5,20,163).\r\n",
    "227 (1,2,3,4,5,6)\r\n",
    "229 ok (|||5283|)\r\n",
    "200 OK\r\n",
    "234 Go on\r\n",
    "211-Features\r\n",
    "211 End\r\n",
    "\r\n",
    "\xff\xf4\xff\xf2"
    "ABOR\r\n",
};

class Connection {
 public:
  Connection(uint8_t choice)
      : bindings_((choice & 1) != 0 ? FtpBindings::Gateway::Nat44 : FtpBindings::Gateway::Nat64,
                  (choice & 2) != 0 ? FtpSide::Server : FtpSide::Client),
        partial_((choice & 4) != 0) {
    // Across the end of sequence space (RFC 9293 §3.4).
    if ((choice & 8) != 0) ends_[0].start = ends_[1].start = UINT32_MAX - 40;
  }

  void send_new(FtpSide from, const std::string& text, bool is_lost) {
    End& end = ends_[static_cast<std::size_t>(from)];
    const std::size_t at = end.stream.size();
    end.stream += text;
    if (!is_lost) pass(from, at, text.size());
  }
  void send_again(FtpSide from, std::size_t back, std::size_t size) {
    const End& end = ends_[static_cast<std::size_t>(from)];
    const std::size_t at = end.stream.size() - std::min(back, end.stream.size());
    pass(from, at, std::min(size, end.stream.size() - at));
  }
  // As many changes as are remembered.
  [[nodiscard]] bool has_room() const { return counts_.rewritten < carry::SequenceShift::kMostChanges; }

 private:
  struct End {
    uint32_t start = 1000;
    std::string stream;
    std::map<uint32_t, char> received;  // by the other end, as it numbers it
    uint32_t received_to = 0;           // the highest of them, plus one, from `start` on
  };

  void pass(FtpSide from, std::size_t at, std::size_t size) {
    End& end = ends_[static_cast<std::size_t>(from)];
    End& other = ends_[1 - static_cast<std::size_t>(from)];
    const std::string_view text = std::string_view(end.stream).substr(at, size);
    test::Octets segment =
        test::tcp(test::Octets(text.begin(), text.end()), 0x18, end.start + static_cast<uint32_t>(at));
    test::put32(segment, 8, other.start + other.received_to);
    test::Octets octets = test::ipv4({.protocol = test::kTcp}, segment);
    if (partial_) test::set_partial_checksum(octets);
    const std::size_t original = octets.size();
    octets.resize(original + 1000);
    Packet packet(std::as_writable_bytes(std::span(octets)), 0, original);
    TextPlace place{.transport = 20,
                    .protocol = IpProtocol::Tcp,
                    .checksum = partial_ ? carry::ChecksumState::Partial : carry::ChecksumState::Complete};
    if (channel_.process(packet, place, from, bindings_, counts_) != DropReason::None) return;

    test::Octets result(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(packet.size()));
    const auto seen = test::see(result);
    REQUIRE(seen && seen->total == result.size() && seen->header_checksum_right);
    if (partial_) {
      test::Octets expected = result;
      test::set_partial_checksum(expected);
      REQUIRE(expected == result);
    } else {
      REQUIRE(test::has_right_checksum(result));
    }
    const uint32_t sequence = test::get32(result, 24) - end.start;
    for (std::size_t i = 40; i < result.size(); ++i) {
      const uint32_t number = sequence + static_cast<uint32_t>(i - 40);
      const auto [known, is_new] = end.received.try_emplace(number, static_cast<char>(result[i]));
      REQUIRE(known->second == static_cast<char>(result[i]));
      end.received_to = std::max(end.received_to, number + 1);
    }
    const uint32_t acknowledged = test::get32(result, 28) - other.start;
    REQUIRE(acknowledged <= other.stream.size());
  }

  ControlChannel channel_;
  Bindings bindings_;
  AlgCounts counts_;
  std::array<End, 2> ends_;
  bool partial_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Connection connection(data[0]);
  std::span<const uint8_t> input(data + 1, size - 1);
  for (int i = 0; i < 64 && input.size() >= 3 && connection.has_room(); ++i) {
    const uint8_t what = input[0], a = input[1], b = input[2];
    input = input.subspan(3);
    const auto from = static_cast<FtpSide>(what & 1);
    std::string text;
    switch (what >> 1 & 3) {
      case 0:  // whole lines
        text = kLines[a % std::size(kLines)];
        if ((b & 1) != 0) text += kLines[b / 2 % std::size(kLines)];
        connection.send_new(from, text, (what & 8) != 0);
        break;
      case 1:  // the begin of one
        text = kLines[a % std::size(kLines)];
        connection.send_new(from, text.substr(0, b % (text.size() + 1)), (what & 8) != 0);
        break;
      case 2:  // anything
        text.assign(input.begin(),
                    input.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(a % 32, input.size())));
        input = input.subspan(text.size());
        connection.send_new(from, text, (what & 8) != 0);
        break;
      default: connection.send_again(from, a, b);
    }
  }
  return 0;
}
