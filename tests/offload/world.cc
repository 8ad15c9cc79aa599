#include "world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace yonroku::offload {
namespace {

std::unexpected<Error> failed(const std::string& what) { return fail(what, std::strerror(errno)); }

// Lines for ip(8). A rule does not say what family it is of.
enum class Family : uint8_t { AsItSays, Ipv6 };
Result<void> ip(const std::string& lines, Family family = Family::AsItSays) {
  std::FILE* const pipe = ::popen(family == Family::Ipv6 ? "ip -6 -batch -" : "ip -batch -", "w");
  if (pipe == nullptr) return failed("ip");
  std::fwrite(lines.data(), 1, lines.size(), pipe);
  if (::pclose(pipe) != 0) return fail("ip", "refused one of:\n" + lines);
  return {};
}

Result<void> write_setting(const std::string& path, const char* value) {
  std::ofstream out(path);
  out << value << std::flush;
  return out ? Result<void>() : failed(path);
}

// In a table of its own, for what arrives by its link.
std::string route(const char* verb, const std::string& destination, const std::string& way,
                  uint32_t instance) {
  return fmt::format("route {} {} {} table {}\n", verb, destination, way, 100 + instance);
}

// Whoever is not the instance's is behind one next hop, which answers at once. The MTU is the largest with
// which a veth takes XDP programs.
std::string lines_for_place(uint32_t instance) {
  std::string lines = fmt::format(
      "link add name wire{0} mtu 3400 address 02:00:00:00:00:01 type veth peer name far{0} mtu 3400\n"
      "link set far{0} up\n"
      "link set wire{0} up\n"
      "link set instance{0} mtu 3400 up\n"
      "neigh add 198.18.0.1 lladdr 02:00:00:00:00:02 dev wire{0} nud permanent\n"
      "neigh add fe80::1 lladdr 02:00:00:00:00:02 dev wire{0} nud permanent\n",
      instance);
  const std::string by_link = fmt::format("via 198.18.0.1 dev wire{} onlink", instance);
  lines += route("add", "0.0.0.0/0", by_link + " metric 4096", instance);
  lines += route("add", "::/0", fmt::format("via fe80::1 dev wire{} onlink metric 4096", instance), instance);
  for (const Ipv4Prefix& prefix : kLan) lines += route("add", prefix.to_string(), by_link, instance);
  return lines;
}

std::string rule(uint32_t instance) {
  return fmt::format("rule add iif wire{} lookup {}\n", instance, 100 + instance);
}

std::string lines_for(const control::ImpliedRoutes& routes, const char* verb, uint32_t instance) {
  const std::string way = fmt::format("dev instance{}", instance);
  std::string lines;
  for (const Ipv4Prefix& prefix : routes.ipv4) lines += route(verb, prefix.to_string(), way, instance);
  for (const Ipv6Prefix& prefix : routes.ipv6) lines += route(verb, prefix.to_string(), way, instance);
  return lines;
}

}  // namespace

const char* name(Hook hook) { return hook == Hook::Tc ? "tc" : "XDP"; }

Result<World> World::create() {
  if (::unshare(CLONE_NEWNET) != 0) return failed("unshare");
  TRY(write_setting("/proc/sys/net/ipv4/ip_forward", "1"));
  TRY(write_setting("/proc/sys/net/ipv6/conf/all/forwarding", "1"));
  TRY(ip("link set lo up\n"));
  World world(TRY(fastpath::Programs::load()));
  world.programs_.set_kernel_hops(0);  // the engine alone is asked, and counts one
  return world;
}

Result<World::Place*> World::place_of(uint32_t instance) {
  if (const auto found = places_.find(instance); found != places_.end()) return &found->second;
  Place place{TRY(io::open_tun(fmt::format("instance{}", instance), 1)), 0};
  TRY(ip(lines_for_place(instance) + rule(instance)));
  TRY(ip(rule(instance), Family::Ipv6));
  place.link = ::if_nametoindex(fmt::format("wire{}", instance).c_str());
  // Test runs of XDP programs are for interfaces that have one.
  if (bpf_xdp_attach(static_cast<int>(place.link), programs_.xdp(), XDP_FLAGS_DRV_MODE, nullptr) != 0)
    return failed("attaching the XDP program");
  fastpath::Device link{};
  link.use = fastpath::Device::kXdpTarget;
  std::ranges::copy(kOwnMac, link.mac);
  TRY(programs_.set_device(place.link, link));
  fastpath::Device tun{};
  tun.use = fastpath::Device::kInstance;
  tun.instance = instance;
  TRY(programs_.set_device(::if_nametoindex(place.tun.name.c_str()), tun));
  return &places_.emplace(instance, std::move(place)).first->second;
}

Result<void> World::serve(uint32_t instance, const fastpath::Served& served, fastpath::TableMemory& memory) {
  Place& place = *TRY(place_of(instance));
  while (place.tables > 0) TRY(programs_.remove_table(fastpath::table_number(instance, --place.tables)));
  for (const share::TableMemoryView& table : served.tables)
    TRY(programs_.set_table(fastpath::table_number(instance, place.tables++),
                            memory.map_of(table.slots, table.seed)));
  fastpath::InstanceView view = served.view;
  for (const Hook hook : kHooks) view.places |= 1u << static_cast<uint32_t>(hook);
  TRY(programs_.set_instance(instance, view));
  programs_.clear_counters(instance);
  return {};
}

Result<void> World::route(uint32_t instance, const control::ImpliedRoutes& routes) {
  Place& place = *TRY(place_of(instance));
  TRY(ip(place.remove_routes + lines_for(routes, "replace", instance)));
  place.remove_routes = lines_for(routes, "del", instance);
  programs_.forget_routes();
  return {};
}

std::optional<World::Outcome> World::run(uint32_t instance, Hook hook, test::View frame, const Note& note) {
  const uint32_t link = places_.at(instance).link;
  const bool is_tc = hook == Hook::Tc;
  __sk_buff skb{};
  skb.ifindex = link;
  skb.gso_size = note.segment_size;
  if (note.segment_size != 0) skb.gso_segs = static_cast<uint32_t>(frame.size() / note.segment_size + 1);
  xdp_md md{};
  md.ingress_ifindex = link;
  md.data_end = static_cast<uint32_t>(frame.size());
  Outcome outcome;
  outcome.frame.resize(2 * kLargestPacket);
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.data_out = outcome.frame.data();
  options.data_size_out = static_cast<uint32_t>(outcome.frame.size());
  options.ctx_in = is_tc ? static_cast<void*>(&skb) : &md;
  options.ctx_size_in = is_tc ? sizeof skb : sizeof md;
  options.repeat = 1;
  if (is_tc && note.sum == fastpath::Sum::Complete) options.flags = fastpath::TestNetwork::kWithSum;
  const int program = is_tc ? programs_.tc() : programs_.xdp();
  int error = bpf_prog_test_run_opts(program, &options);
  outcome.is_sum_right = error != -EBADMSG;
  if (!outcome.is_sum_right) {  // once more, to see the frame
    options.flags = 0;
    error = bpf_prog_test_run_opts(program, &options);
  }
  if (error != 0) return std::nullopt;
  outcome.frame.resize(options.data_size_out);
  outcome.returned = static_cast<int>(options.retval);
  outcome.action = outcome.returned == (is_tc ? TC_ACT_REDIRECT : XDP_REDIRECT) ? Action::Forwarded
                   : outcome.returned == (is_tc ? TC_ACT_UNSPEC : XDP_PASS)     ? Action::PassedUp
                                                                                : Action::Other;
  return outcome;
}

}  // namespace yonroku::offload
