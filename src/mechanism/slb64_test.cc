#include "mechanism/slb64.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <vector>

#include "mechanism/session_offer.h"

namespace yonroku::mechanism {
namespace {

using share::Affinity;
using share::NatProtocol;
using share::Server;

constexpr Ipv6Address kVip(0x20010db800800000, 1);
constexpr Ipv6Address kClient(0x20010db800010000, 0xa);
constexpr uint8_t kSyn = TcpHeader::kSyn, kAck = TcpHeader::kAck, kFin = TcpHeader::kFin,
                  kRst = TcpHeader::kRst;

Server server(uint8_t number, uint32_t weight = 1, bool is_up = true) {
  return {{Ipv4Address(203, 0, 113, number), 8080}, weight, is_up, number};
}

// What is offloaded now.
class Offloaded final : public share::SessionOffload {
 public:
  uint32_t begin(const share::OffloadedSession& session) noexcept override {
    sessions_[next_] = session;
    return next_++;
  }
  void end(uint32_t flow) noexcept override { sessions_.erase(flow); }
  [[nodiscard]] Seen seen(uint32_t) const noexcept override { return {}; }
  [[nodiscard]] bool is_of(uint32_t flow, const share::OffloadedSession& session) const noexcept override {
    share::OffloadedSession then = sessions_.at(flow);
    then.is_newest = session.is_newest;  // not the flow's
    return then == session;
  }
  // The last octets of their servers.
  [[nodiscard]] std::vector<uint8_t> servers() const {
    std::vector<uint8_t> all;
    for (const auto& [number, session] : sessions_)
      all.push_back(static_cast<uint8_t>(session.remote.address.value()));
    return all;
  }

 private:
  std::map<uint32_t, share::OffloadedSession> sessions_;
  uint32_t next_ = 1;
};

// TCP and UDP port 80 of the VIP, in front of the same servers.
class Balancer {
 public:
  explicit Balancer(std::vector<Server> servers, Affinity affinity = Affinity::Flow) : affinity_(affinity) {
    state_.session_offload = &offloaded_;
    change(std::move(servers));
  }

  void change(const std::vector<Server>& servers,
              share::ProxyProtocol proxy_protocol = share::ProxyProtocol::Off) {
    std::vector<share::Service> services;
    services.emplace_back(share::ServiceKey{kVip, 80, NatProtocol::Tcp}, 0, affinity_, proxy_protocol,
                          servers);
    services.emplace_back(share::ServiceKey{kVip, 80, NatProtocol::Udp}, 1, affinity_,
                          share::ProxyProtocol::Off, servers);
    Slb64Settings settings;
    settings.nat.filtering = share::Dependence::AddressAndPortDependent;
    settings.nat.pools = {{{Ipv4Prefix::holding(Ipv4Address(192, 0, 2, 0), 28)}, 1024, 65535}};
    settings.nat.max_sessions = 20'000;
    settings.nat.offload_after = 0;
    settings.services = std::make_shared<const share::ServiceTable>(std::move(services));
    mechanism_.emplace(settings);
    mechanism_->prepare(state_);
    while (state_.nat->has_flows_to_review()) state_.nat->review_flows(1, adder_of_ends(*mechanism_, state_));
  }

  // The last octet of the server that gets the packet; nullopt when it is dropped.
  std::optional<uint8_t> sends(uint16_t port, uint8_t flags, const Ipv6Address& client = kClient) {
    return process(packet(IpProtocol::Tcp, client, port, flags));
  }
  std::optional<uint8_t> sends_udp(uint16_t port) {
    return process(packet(IpProtocol::Udp, kClient, port, 0));
  }
  // The server answers what was sent last. True when it reaches the client.
  bool answers(uint8_t flags, IpProtocol protocol = IpProtocol::Tcp) {
    std::vector<std::byte> buffer(128 + 40);
    Packet answer(buffer, 128, 40);
    carry::Ipv4Fields fields;
    fields.addresses = {sent_to_, sent_from_, {}};
    fields.ttl = 64;
    fields.protocol = protocol;
    fields.total_length = 40;
    carry::write_ipv4_header(answer.data(), fields);
    auto& tcp = *reinterpret_cast<TcpHeader*>(answer.data() + sizeof(Ipv4Header));
    tcp.source_port = be16::from_host(8080);
    tcp.destination_port = be16::from_host(sent_from_port_);
    if (protocol == IpProtocol::Tcp) {
      tcp.data_offset = 0x50;
      tcp.flags = flags;
    } else {
      auto& udp = *reinterpret_cast<UdpHeader*>(&tcp);
      udp.length = be16::from_host(sizeof(TcpHeader));
      udp.checksum = be16::from_host(1);
    }
    return process(answer).action == Verdict::Action::ToIpv6;
  }
  bool opens(uint16_t port) { return sends(port, kSyn) && answers(kSyn | kAck) && sends(port, kAck); }
  [[nodiscard]] DropReason reason() const { return reason_; }
  [[nodiscard]] std::vector<uint8_t> offloaded() const { return offloaded_.servers(); }
  // As a daemon does that is stopped.
  void offload_all() { state_.nat->offload_all(adder_of_ends(*mechanism_, state_)); }

 private:
  static std::vector<std::byte> packet(IpProtocol protocol, const Ipv6Address& client, uint16_t port,
                                       uint8_t flags) {
    std::vector<std::byte> packet(sizeof(Ipv6Header) + sizeof(TcpHeader));
    auto& header = *reinterpret_cast<Ipv6Header*>(packet.data());
    header.set_version_and_class(0);
    header.payload_length = be16::from_host(sizeof(TcpHeader));
    header.next_header = protocol;
    header.hop_limit = 64;
    header.set_source(client);
    header.set_destination(kVip);
    auto& tcp = *reinterpret_cast<TcpHeader*>(packet.data() + sizeof(Ipv6Header));
    tcp.source_port = be16::from_host(port);
    tcp.destination_port = be16::from_host(80);
    if (protocol == IpProtocol::Tcp) {
      tcp.data_offset = 0x50;
      tcp.flags = flags;
    } else {
      auto& udp = *reinterpret_cast<UdpHeader*>(packet.data() + sizeof(Ipv6Header));
      udp.length = be16::from_host(sizeof(TcpHeader));
      udp.checksum = be16::from_host(1);
    }
    return packet;
  }

  Verdict process(Packet& packet) {
    const Verdict verdict = mechanism_->process(packet, state_);
    state_.nat->begin_offers();
    return verdict;
  }
  std::optional<uint8_t> process(const std::vector<std::byte>& bytes) {
    std::vector<std::byte> buffer(128);
    buffer.insert(buffer.end(), bytes.begin(), bytes.end());
    Packet packet(buffer, 128, bytes.size());
    const Verdict verdict = process(packet);
    reason_ = verdict.reason;
    if (verdict.action != Verdict::Action::ToIpv4) return std::nullopt;
    const auto& ip = *reinterpret_cast<const Ipv4Header*>(packet.data());
    sent_from_ = ip.source();
    sent_to_ = ip.destination();
    sent_from_port_ =
        reinterpret_cast<const TcpHeader*>(packet.data() + sizeof(Ipv4Header))->source_port.host();
    return static_cast<uint8_t>(sent_to_.value());
  }

  Affinity affinity_;
  Offloaded offloaded_;
  WorkerState state_{1};
  std::optional<Slb64> mechanism_;
  DropReason reason_{};
  Ipv4Address sent_from_;
  Ipv4Address sent_to_;
  uint16_t sent_from_port_ = 0;
};

TEST(Slb64, ConnectionsAreSpreadByWeight) {
  Balancer balancer({server(1, 3), server(2, 1)});
  std::map<uint8_t, int> counts;
  for (uint16_t port = 10'000; port < 14'000; ++port) ++counts[balancer.sends(port, kSyn).value()];
  EXPECT_NEAR(counts[1], 3000, 150);
  EXPECT_NEAR(counts[2], 1000, 150);
}

TEST(Slb64, AffinityByAddressKeepsAClientTogether) {
  Balancer balancer({server(1), server(2), server(3)}, Affinity::Address);
  std::map<uint8_t, int> counts;
  for (uint64_t client = 1; client <= 300; ++client) {
    const auto first = balancer.sends(1000, kSyn, {kClient.high(), client});
    ++counts[first.value()];
    EXPECT_EQ(balancer.sends(1001, kSyn, {kClient.high(), client}), first);
  }
  for (uint8_t number = 1; number <= 3; ++number) EXPECT_GT(counts[number], 60) << int{number};
}

// Whatever becomes of the others, and of its own weight.
TEST(Slb64, AConnectionStaysWithItsServer) {
  for (uint16_t port = 1000; port < 1020; ++port) {
    Balancer balancer({server(1), server(2)});
    ASSERT_TRUE(balancer.opens(port));
    const uint8_t mine = *balancer.sends(port, kAck);
    const uint8_t other = mine == 1 ? 2 : 1;
    for (const auto& servers : std::vector<std::vector<Server>>{
             {server(mine, 1), server(other, 1000)},
             {server(mine, 0), server(other, 1)},
             {server(mine, 1), server(3), server(4), server(5)},
             {server(mine, 1, false), server(other)},  // perhaps the checks are wrong
         }) {
      balancer.change(servers);
      EXPECT_EQ(balancer.sends(port, kAck), mine);
      EXPECT_TRUE(balancer.answers(kAck));
    }
  }
}

TEST(Slb64, AConnectionEndsWithItsServerInTheSettings) {
  Balancer balancer({server(1)});
  ASSERT_TRUE(balancer.opens(1000));
  balancer.change({server(2)});
  EXPECT_EQ(balancer.sends(1000, kAck), std::nullopt);
  EXPECT_EQ(balancer.reason(), DropReason::NoServer);
  EXPECT_EQ(balancer.sends(1000, kSyn), 2);  // and may begin anew
  EXPECT_EQ(balancer.sends(1000, kAck), 2);
}

TEST(Slb64, NothingNewGoesToAServerThatIsDownOrDrained) {
  for (const Server& unwilling : {server(1, 1, false), server(1, 0)}) {
    Balancer balancer({unwilling, server(2)});
    for (uint16_t port = 1000; port < 1100; ++port) EXPECT_EQ(balancer.sends(port, kSyn), 2);
  }
  Balancer nobody({server(1, 1, false), server(2, 0)});
  EXPECT_EQ(nobody.sends(1000, kSyn), std::nullopt);
  EXPECT_EQ(nobody.reason(), DropReason::NoServer);
}

TEST(Slb64, ASynAgainGoesWhereTheFirstWent) {
  Balancer balancer({server(1)});
  EXPECT_EQ(balancer.sends(1000, kSyn), 1);
  balancer.change({server(1, 0), server(2)});
  EXPECT_EQ(balancer.sends(1000, kSyn), 1);
  balancer.change({server(1, 1, false), server(2)});
  EXPECT_EQ(balancer.sends(1000, kSyn), 2);
  EXPECT_EQ(balancer.sends(1000, kAck), 2);
}

// A client that uses a port again has a new connection.
TEST(Slb64, AConnectionAfterOneThatIsOverMayGoElsewhere) {
  for (const bool by_reset : {false, true}) {
    Balancer balancer({server(1)});
    ASSERT_TRUE(balancer.opens(1000));
    ASSERT_TRUE(balancer.sends(1000, by_reset ? kRst : kFin | kAck));
    ASSERT_TRUE(by_reset || balancer.answers(kFin | kAck));
    balancer.change({server(1, 0), server(2)});
    EXPECT_EQ(balancer.sends(1000, kSyn), 2) << by_reset;
    EXPECT_EQ(balancer.sends(1000, kAck), 2) << by_reset;
  }
}

TEST(Slb64, AUdpFlowLeavesAServerThatIsDown) {
  Balancer balancer({server(1)});
  EXPECT_EQ(balancer.sends_udp(1000), 1);
  balancer.change({server(1, 0), server(2)});
  EXPECT_EQ(balancer.sends_udp(1000), 1);
  balancer.change({server(1, 1, false), server(2)});
  EXPECT_EQ(balancer.sends_udp(1000), 2);
  balancer.change({server(1), server(2)});
  EXPECT_EQ(balancer.sends_udp(1000), 2);
}

// --- the offload: a client's packets show nothing of the server ---

using Servers = std::vector<uint8_t>;

TEST(Slb64, AClientThatBeginsAnewIsNotTheOffloads) {
  Balancer balancer({server(1)});
  ASSERT_TRUE(balancer.opens(1000));
  EXPECT_EQ(balancer.offloaded(), Servers{1});
  balancer.change({server(1, 1, false), server(2)});
  EXPECT_EQ(balancer.offloaded(), Servers{1}) << "what is open goes on";
  EXPECT_EQ(balancer.sends(1000, kSyn), 2);
  EXPECT_EQ(balancer.offloaded(), Servers{}) << "what follows would go to the server before";
  EXPECT_TRUE(balancer.answers(kSyn | kAck));
  EXPECT_EQ(balancer.sends(1000, kAck), 2);
  EXPECT_EQ(balancer.offloaded(), Servers{2});
}

TEST(Slb64, AConnectionBeginsWithoutTheHeaderOfTheOneBefore) {
  Balancer balancer({server(1)});
  balancer.change({server(1)}, share::ProxyProtocol::V2);
  ASSERT_TRUE(balancer.opens(1000));
  balancer.change({server(1)});
  ASSERT_TRUE(balancer.opens(1000));
  EXPECT_EQ(balancer.offloaded(), Servers{1});
}

TEST(Slb64, AUdpFlowOfTheOffloadLeavesAServerThatIsDown) {
  Balancer balancer({server(1)});
  EXPECT_EQ(balancer.sends_udp(1000), 1);
  EXPECT_TRUE(balancer.answers(0, IpProtocol::Udp));
  EXPECT_EQ(balancer.sends_udp(1000), 1);
  EXPECT_EQ(balancer.offloaded(), Servers{1});
  balancer.change({server(1, 1, false), server(2)});
  EXPECT_EQ(balancer.offloaded(), Servers{});
  EXPECT_EQ(balancer.sends_udp(1000), 2);
  EXPECT_TRUE(balancer.answers(0, IpProtocol::Udp));
  EXPECT_EQ(balancer.sends_udp(1000), 2);
  EXPECT_EQ(balancer.offloaded(), Servers{2});
}

TEST(Slb64, OfAClientsSessionsTheNewestIsLeftBehind) {
  Balancer balancer({server(1)});
  ASSERT_TRUE(balancer.opens(1000));
  balancer.change({server(1, 1, false), server(2)});
  ASSERT_TRUE(balancer.opens(1000));
  balancer.change({server(1), server(2)});
  EXPECT_EQ(balancer.offloaded(), Servers{2});
  balancer.offload_all();
  EXPECT_EQ(balancer.offloaded(), Servers{2});
}

}  // namespace
}  // namespace yonroku::mechanism
