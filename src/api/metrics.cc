#include "api/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "api/offload_report.h"

namespace yonroku::api {
namespace {

using control::InstanceCounters;
using observe::Totals;

// Of a label's value that people write.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

class Text {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out_), "# HELP yonroku_{} {}\n# TYPE yonroku_{} {}\n", name, help, name,
                   type);
  }
  // Instance names and labels are words of [a-z0-9-]: nothing to escape.
  void sample(std::string_view name, std::string_view labels, uint64_t value) {
    fmt::format_to(std::back_inserter(out_), "yonroku_{}{{{}}} {}\n", name, labels, value);
  }
  void fraction(std::string_view name, std::string_view labels, double value) {
    fmt::format_to(std::back_inserter(out_), "yonroku_{}{{{}}} {}\n", name, labels, value);
  }
  void plain(std::string_view name, int64_t value) {
    fmt::format_to(std::back_inserter(out_), "yonroku_{} {}\n", name, value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void translated(Text& text, std::span<const InstanceCounters> counters, std::string_view name,
                std::string_view help, uint64_t Totals::Flow::* what) {
  text.head(name, "counter", help);
  for (const auto& instance : counters)
    for (std::size_t d = 0; d < observe::kDirections; ++d)
      for (std::size_t p = 0; p < observe::kProtocols; ++p)
        text.sample(name,
                    fmt::format("instance=\"{}\",direction=\"{}\",protocol=\"{}\"", instance.name,
                                observe::kDirectionLabels[d], observe::kProtocolLabels[p]),
                    instance.totals.translated[d][p].*what);
}

void by_version(Text& text, std::span<const InstanceCounters> counters, std::string_view name,
                std::string_view help, std::array<uint64_t, 2> Totals::* what) {
  text.head(name, "counter", help);
  for (const auto& instance : counters)
    for (std::size_t i = 0; i < 2; ++i)
      text.sample(name, fmt::format("instance=\"{}\",version=\"{}\"", instance.name, i == 0 ? 4 : 6),
                  (instance.totals.*what)[i]);
}

void by_direction(Text& text, std::span<const InstanceCounters> counters, std::string_view name,
                  std::string_view help, std::array<uint64_t, observe::kDirections> Totals::* what) {
  text.head(name, "counter", help);
  for (const auto& instance : counters)
    for (std::size_t d = 0; d < observe::kDirections; ++d)
      text.sample(
          name, fmt::format("instance=\"{}\",direction=\"{}\"", instance.name, observe::kDirectionLabels[d]),
          (instance.totals.*what)[d]);
}

void dropped(Text& text, std::span<const InstanceCounters> counters) {
  constexpr std::string_view kName = "dropped_packets_total";
  text.head(kName, "counter", "Packets not forwarded, by reason.");
  for (const auto& instance : counters)
    for (std::size_t i = 1; i < kDropReasonCount; ++i)
      text.sample(kName, fmt::format("instance=\"{}\",reason=\"{}\"", instance.name, kDropReasons[i].label),
                  instance.totals.dropped[i]);
}

void dropped_by_protocol(Text& text, std::span<const InstanceCounters> counters) {
  constexpr std::string_view kName = "dropped_packets_by_protocol_total";
  text.head(kName, "counter", "Packets not forwarded, by reason and what they were. Those that there were.");
  for (const auto& instance : counters)
    for (std::size_t i = 1; i < kDropReasonCount; ++i)
      observe::for_each_kind([&](observe::PacketKind kind) {
        const uint64_t count = instance.totals.dropped_by_kind[i][kind];
        if (count == 0) return;
        text.sample(
            kName,
            fmt::format("instance=\"{}\",reason=\"{}\",direction=\"{}\",protocol=\"{}\"", instance.name,
                        kDropReasons[i].label, label(kind.direction), label(kind.protocol)),
            count);
      });
}

void simple(Text& text, std::span<const InstanceCounters> counters, std::string_view name,
            std::string_view help, uint64_t Totals::* what) {
  text.head(name, "counter", help);
  for (const auto& instance : counters)
    text.sample(name, fmt::format("instance=\"{}\"", instance.name), instance.totals.*what);
}

int64_t seconds_since_1970(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void state(Text& text, const control::Status& status) {
  text.head("build_info", "gauge", "The version that runs.");
  text.sample("build_info", fmt::format("version=\"{}\"", status.version), 1);
  text.head("start_time_seconds", "gauge", "When the program started, in seconds since 1970.");
  text.plain("start_time_seconds", seconds_since_1970(status.since));
  if (status.reloaded) {
    text.head("last_reload_time_seconds", "gauge", "When the settings were last read again.");
    text.plain("last_reload_time_seconds", seconds_since_1970(*status.reloaded));
  }
  text.head("warnings", "gauge", "How many things `yonroku show status` warns about.");
  text.plain("warnings", static_cast<int64_t>(status.warnings.size()));
  const auto gauge = [&](std::string_view name, std::string_view help, auto&& value) {
    text.head(name, "gauge", help);
    for (const auto& instance : status.instances)
      text.sample(name, fmt::format("instance=\"{}\",mechanism=\"{}\"", instance.name, instance.mechanism),
                  value(instance));
  };
  gauge("up", "Whether the instance works.",
        [](const auto& instance) { return uint64_t{instance.failure ? 0u : 1u}; });
  gauge("mappings", "Explicit address mappings, rules or softwires in use.",
        [](const auto& instance) { return uint64_t{instance.mappings}; });
  const auto table = [&](control::TableKind kind, std::string_view help) {
    text.head(to_string(kind), "gauge", help);
    for (const auto& instance : status.instances)
      if (instance.table == kind)
        text.sample(to_string(kind),
                    fmt::format("instance=\"{}\",mechanism=\"{}\"", instance.name, instance.mechanism),
                    instance.mappings);
  };
  table(control::TableKind::Rules, "Mapping rules in use.");
  table(control::TableKind::Softwires, "Softwires in use.");
  gauge("mappings_memory_bytes", "Memory of the table of mappings, rules or softwires.",
        [](const auto& instance) { return uint64_t{instance.mappings_memory}; });
}

// What NATs hold. An address has labels of its own as long as there are few.
class NatMetrics {
 public:
  NatMetrics(Text& text, const control::Status& status) : text_(text), status_(status) {}

  void add() {
    if (std::ranges::none_of(status_.instances, [](const auto& i) { return i.nat.has_value(); })) return;
    each("nat_bindings", "Bindings of a NAT.", [&](auto&& sample, const control::NatStatus& nat) {
      for (std::size_t p = 0; p < share::kNatProtocolCount; ++p)
        sample(fmt::format(",protocol=\"{}\"", protocol(p)), nat.counts.bindings[p]);
    });
    each("nat_sessions", "Sessions of a NAT, by their state.", [&](auto&& sample, const auto& nat) {
      constexpr std::size_t kStates[share::kNatProtocolCount] = {2, share::kTcpStateCount, 1};
      for (std::size_t p = 0; p < share::kNatProtocolCount; ++p)
        for (std::size_t state = 0; state < kStates[p]; ++state)
          sample(fmt::format(",protocol=\"{}\",state=\"{}\"", protocol(p),
                             share::session_state_text(static_cast<share::NatProtocol>(p),
                                                       static_cast<uint8_t>(state))),
                 nat.counts.sessions[p][state]);
    });
    single("nat_max_sessions", "Sessions that a NAT may have.", [](const auto& n) { return n.max_sessions; });
    single("nat_subscribers", "Subscribers that have a binding.",
           [](const auto& n) { return n.counts.subscribers; });
    each("nat_ports", "Ports of an address that a NAT gives out, of each protocol.",
         [&](auto&& sample, const auto& nat) {
           uint64_t rest = nat.counts.ports;
           for (const auto& address : nat.by_address) {
             sample(label(address), address.ports);
             rest -= std::min<uint64_t>(rest, address.ports);
           }
           if (nat.addresses > nat.by_address.size()) sample(",address=\"other\"", rest);
         });
    each("nat_used_ports", "Ports of an address that are taken, or rest before they are given out again.",
         [&](auto&& sample, const auto& nat) {
           for (std::size_t p = 0; p < share::kNatProtocolCount; ++p) {
             const std::string of_protocol = fmt::format(",protocol=\"{}\"", protocol(p));
             uint64_t rest = nat.counts.used_ports[p];
             for (const auto& address : nat.by_address) {
               sample(label(address) + of_protocol, address.used[p]);
               rest -= std::min<uint64_t>(rest, address.used[p]);
             }
             if (nat.addresses > nat.by_address.size()) sample(",address=\"other\"" + of_protocol, rest);
           }
         });
    single("nat_resting_ports", "Ports that rest before they are given out again.",
           [](const auto& n) { return n.counts.resting_ports; });
    single("nat_port_blocks", "Blocks of ports, where they are given out in such.",
           [](const auto& n) { return n.counts.blocks; });
    single("nat_used_port_blocks", "Blocks of ports that subscribers hold, or that rest.",
           [](const auto& n) { return n.counts.used_blocks; });
    single("nat_resting_port_blocks", "Blocks of ports that rest before they are given out again.",
           [](const auto& n) { return n.counts.resting_blocks; });
    add_alg();
  }

 private:
  static std::string_view protocol(std::size_t number) {
    return to_string(static_cast<share::NatProtocol>(number));
  }
  static std::string label(const share::PoolAddressView& address) {
    return fmt::format(",address=\"{}\"", address.address.to_string());
  }
  void add_alg() {
    if (std::ranges::none_of(status_.instances, [](const auto& i) { return i.nat && i.nat->alg; })) return;
    each(
        "alg_texts_total", "Lines of FTP and messages of SIP, by what became of them.",
        [](auto&& sample, const control::NatStatus& nat) {
          if (!nat.alg) return;
          sample(",result=\"rewritten\"", nat.alg->rewritten);
          sample(",result=\"not-understood\"", nat.alg->not_understood);
          sample(",result=\"refused\"", nat.alg->refused);
        },
        "counter");
  }

  template <class Samples>
  void each(std::string_view name, std::string_view help, Samples&& samples,
            std::string_view kind = "gauge") {
    text_.head(name, kind, help);
    for (const auto& instance : status_.instances)
      if (instance.nat)
        samples(
            [&](const std::string& labels, uint64_t value) {
              text_.sample(name, fmt::format("instance=\"{}\"{}", instance.name, labels), value);
            },
            *instance.nat);
  }
  template <class Value>
  void single(std::string_view name, std::string_view help, Value&& value) {
    each(name, help, [&](auto&& sample, const control::NatStatus& nat) { sample("", value(nat)); });
  }

  Text& text_;
  const control::Status& status_;
};

// What the kernel forwards itself. The sums of received and translated packets have it too.
class OffloadMetrics {
 public:
  OffloadMetrics(Text& text, const control::Status& status) : text_(text), status_(status) {}

  void add() {
    if (std::ranges::none_of(status_.instances, [](const auto& i) { return i.offload.has_value(); })) return;
    forwarded("offload_packets_total", "Packets that the offload forwarded.", &fastpath::Count::packets);
    forwarded("offload_octets_total", "Octets of the packets that the offload forwarded, as received.",
              &fastpath::Count::octets);
    each("offload_misses_total", "counter", "Packets that the offload left to the engine, by reason.",
         [](auto&& sample, const auto& instance) {
           for (std::size_t place = 0; place < fastpath::kPlaces; ++place)
             for (std::size_t i = 0; i < fastpath::kMissCount; ++i)
               sample(fmt::format(",place=\"{}\",reason=\"{}\"", kOffloadPlaces[place],
                                  miss_label(static_cast<fastpath::Miss>(i))),
                      instance.offload->counters[place].misses[i]);
         });
    of_nats("offload_flows", "gauge", "Sessions of a NAT that the offload forwards.",
            [](const auto& instance) { return instance.nat->counts.offloaded_sessions; });
    of_nats("offload_max_flows", "gauge", "Sessions of a NAT that the offload has room for.",
            [](const auto& instance) { return instance.offload->flows->capacity; });
    of_nats("offload_refused_flows_total", "counter", "Sessions that the offload had no room for.",
            [](const auto& instance) { return instance.nat->counts.refused_offloads; });
    of_nats("offload_recovered_sessions", "gauge", "Sessions taken over from the offload at the start.",
            [](const auto& instance) { return uint64_t{instance.offload->flows->at_start.kept}; });
    of_nats("offload_ended_sessions", "gauge", "Sessions in the offload that could not be taken over.",
            [](const auto& instance) { return uint64_t{instance.offload->flows->at_start.removed}; });
  }

 private:
  template <class Samples>
  void each(std::string_view name, std::string_view type, std::string_view help, Samples&& samples) {
    text_.head(name, type, help);
    for (const auto& instance : status_.instances)
      if (instance.offload)
        samples(
            [&](const std::string& labels, uint64_t value) {
              text_.sample(name, fmt::format("instance=\"{}\"{}", instance.name, labels), value);
            },
            instance);
  }
  template <class Value>
  void of_nats(std::string_view name, std::string_view type, std::string_view help, Value&& value) {
    each(name, type, help, [&](auto&& sample, const auto& instance) {
      if (instance.offload->flows && instance.nat) sample("", value(instance));
    });
  }
  void forwarded(std::string_view name, std::string_view help, uint64_t fastpath::Count::* what) {
    each(name, "counter", help, [&](auto&& sample, const auto& instance) {
      for (std::size_t place = 0; place < fastpath::kPlaces; ++place)
        for (std::size_t d = 0; d < observe::kDirections; ++d)
          for (std::size_t p = 0; p < observe::kProtocols; ++p)
            sample(fmt::format(",place=\"{}\",direction=\"{}\",protocol=\"{}\"", kOffloadPlaces[place],
                               observe::kDirectionLabels[d], observe::kProtocolLabels[p]),
                   instance.offload->counters[place].forwarded[d][p].*what);
    });
  }

  Text& text_;
  const control::Status& status_;
};

// Who receives the log, and whether it does.
void receivers(Text& text, const control::Status& status) {
  if (!status.log) return;
  text.head("log_events_total", "counter", "Entries that were logged, for all receivers.");
  text.plain("log_events_total", static_cast<int64_t>(status.log->events));
  text.head("log_missed_events_total", "counter", "Events that were overwritten before they were logged.");
  text.plain("log_missed_events_total", static_cast<int64_t>(status.log->missed));
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto&& value) {
    text.head(name, type, help);
    for (const natlog::DeliveryStatus& receiver : status.log->receivers)
      text.sample(name, fmt::format("receiver=\"{}\"", escaped(receiver.name)), value(receiver));
  };
  using Receiver = natlog::DeliveryStatus;
  each("log_receiver_up", "gauge", "Whether the last attempt to write to a receiver of the log went well.",
       [](const Receiver& r) { return uint64_t{r.error ? 0u : 1u}; });
  each("log_written_entries_total", "counter", "Entries written to a receiver of the log.",
       [](const Receiver& r) { return r.written; });
  each("log_lost_entries_total", "counter", "Entries that a receiver of the log did not get.",
       [](const Receiver& r) { return r.lost; });
  each("log_waiting_entries", "gauge", "Entries that wait for a receiver of the log.",
       [](const Receiver& r) { return r.waiting; });
}

void offload_state(Text& text, const control::Status& status) {
  text.head("offload_refused", "gauge", "Whether the kernel refuses to forward packets of the instance.");
  for (const auto& instance : status.instances)
    if (instance.offload)
      text.sample("offload_refused", fmt::format("instance=\"{}\"", instance.name),
                  uint64_t{instance.offload->refusal ? 1u : 0u});
}

// What happened in NATs.
class NatEventMetrics {
 public:
  NatEventMetrics(Text& text, std::span<const InstanceCounters> counters)
      : text_(text), counters_(counters) {}

  void add() {
    using share::NatCounts;
    using share::NatProtocol;
    if (std::ranges::none_of(counters_, [](const auto& i) { return i.nat.has_value(); })) return;
    each("nat_created_bindings_total", "Bindings that began.",
         [](auto&& sample, const NatCounts& nat, NatProtocol protocol) {
           sample("", nat.created_bindings(protocol));
         });
    each("nat_ended_bindings_total", "Bindings that ended.",
         [](auto&& sample, const NatCounts& nat, NatProtocol protocol) {
           sample("", nat.ended_bindings[static_cast<std::size_t>(protocol)]);
         });
    each("nat_created_sessions_total", "Sessions that began.",
         [](auto&& sample, const NatCounts& nat, NatProtocol protocol) {
           sample("", nat.created_sessions(protocol));
         });
    each("nat_ended_sessions_total", "Sessions that ended, by reason.",
         [](auto&& sample, const NatCounts& nat, NatProtocol protocol) {
           for (std::size_t i = 0; i < share::kSessionEndCount; ++i)
             if (const auto end = static_cast<share::SessionEnd>(i); share::can_end(protocol, end))
               sample(fmt::format(",reason=\"{}\"", to_string(end)),
                      nat.ended_sessions[static_cast<std::size_t>(protocol)][i]);
         });
    each("nat_refusals_total", "Bindings and sessions that were refused, by the limit that was reached.",
         [](auto&& sample, const NatCounts& nat, NatProtocol protocol) {
           for (std::size_t i = 0; i < share::kNatRefusalCount; ++i)
             sample(fmt::format(",limit=\"{}\"", to_string(static_cast<share::NatRefusal>(i))),
                    nat.refusals[static_cast<std::size_t>(protocol)][i]);
         });
  }

 private:
  template <class Samples>
  void each(std::string_view name, std::string_view help, Samples&& samples) {
    text_.head(name, "counter", help);
    for (const InstanceCounters& instance : counters_) {
      if (!instance.nat) continue;
      for (std::size_t p = 0; p < share::kNatProtocolCount; ++p) {
        const auto protocol = static_cast<share::NatProtocol>(p);
        const std::string labels =
            fmt::format("instance=\"{}\",protocol=\"{}\"", instance.name, to_string(protocol));
        samples([&](const std::string& more, uint64_t value) { text_.sample(name, labels + more, value); },
                *instance.nat, protocol);
      }
    }
  }

  Text& text_;
  std::span<const InstanceCounters> counters_;
};

void workers(Text& text, std::span<const InstanceCounters> counters) {
  constexpr std::string_view kName = "worker_cpu_seconds_total";
  text.head(kName, "counter", "Time that a worker's thread has run on a processor.");
  for (const InstanceCounters& instance : counters)
    for (std::size_t i = 0; i < instance.cpu_times.size(); ++i)
      if (const auto& time = instance.cpu_times[i])
        text.fraction(kName, fmt::format("instance=\"{}\",worker=\"{}\"", instance.name, i),
                      std::chrono::duration<double>(*time).count());
}

void of_instance(Text& text, std::span<const InstanceCounters> counters, std::string_view name,
                 std::string_view help, uint64_t InstanceCounters::* what) {
  text.head(name, "counter", help);
  for (const auto& instance : counters)
    text.sample(name, fmt::format("instance=\"{}\"", instance.name), instance.*what);
}

// Of load balancers: each server of each service.
void servers(Text& text, const control::Status& status) {
  if (std::ranges::all_of(status.instances, [](const auto& i) { return i.services.empty(); })) return;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto&& value) {
    text.head(name, type, help);
    for (const auto& instance : status.instances)
      for (const auto& service : instance.services)
        for (const auto& server : service.servers)
          text.sample(
              name,
              fmt::format("instance=\"{}\",vip=\"{}\",port=\"{}\",protocol=\"{}\",server=\"{}:{}\"",
                          instance.name, service.key.vip.to_string(), service.key.port,
                          to_string(service.key.protocol), server.name.address.to_string(), server.name.port),
              value(server));
  };
  using Server = control::ServerStatus;
  each("server_up", "gauge", "Whether a load balancer's server is up by its health checks.",
       [](const Server& s) { return s.is_up() ? 1u : 0u; });
  each("server_weight", "gauge", "The weight of a load balancer's server.",
       [](const Server& s) { return s.weight; });
  each("server_flows_total", "counter", "Flows that began with a load balancer's server.",
       [](const Server& s) { return s.flows; });
  each("server_checks_total", "counter", "Health checks of a load balancer's server.",
       [](const Server& s) { return s.health ? s.health->checks : 0; });
  each("server_failed_checks_total", "counter", "Health checks of a load balancer's server that failed.",
       [](const Server& s) { return s.health ? s.health->failures : 0; });
}

}  // namespace

std::string prometheus_text(const control::Status& status, std::span<const InstanceCounters> counters) {
  Text text;
  state(text, status);
  NatMetrics(text, status).add();
  OffloadMetrics(text, status).add();
  NatEventMetrics(text, counters).add();
  servers(text, status);
  offload_state(text, status);
  receivers(text, status);
  workers(text, counters);
  by_version(text, counters, "received_packets_total", "Packets from the device, by IP version.",
             &Totals::received);
  translated(text, counters, "translated_packets_total", "Packets translated.", &Totals::Flow::packets);
  translated(text, counters, "translated_octets_total", "Octets of the packets translated, as received.",
             &Totals::Flow::octets);
  dropped(text, counters);
  dropped_by_protocol(text, counters);
  by_version(text, counters, "icmp_errors_sent_total", "ICMP errors originated.", &Totals::icmp_errors_sent);
  by_version(text, counters, "too_big_sent_total",
             "ICMP errors originated about packets that are too big, by IP version.", &Totals::too_big_sent);
  by_direction(text, counters, "too_big_forwarded_total",
               "ICMP messages of others that a packet is too big, which were forwarded.",
               &Totals::too_big_forwarded);
  of_instance(text, counters, "learned_path_mtus_total",
              "Path MTUs of tunnels that were learned from ICMPv6 errors.",
              &InstanceCounters::learned_path_mtus);
  simple(text, counters, "icmp_errors_limited_total", "ICMP errors not sent because of the rate limit.",
         &Totals::icmp_errors_limited);
  simple(text, counters, "segmented_packets_total", "Super-packets split in software.", &Totals::segmented);
  simple(text, counters, "segments_total", "Segments made of super-packets.", &Totals::segments);
  simple(text, counters, "fragments_total", "Fragments made.", &Totals::fragments);
  simple(text, counters, "reassembled_packets_total", "Packets put together from fragments.",
         &Totals::reassembled);
  simple(text, counters, "reassembled_fragments_total", "Fragments of the packets put together.",
         &Totals::reassembled_fragments);
  simple(text, counters, "handed_over_packets_total", "Packets given to the worker that has their session.",
         &Totals::handed_over);
  simple(text, counters, "not_sent_packets_total", "Results that the device did not take.",
         &Totals::not_sent);
  simple(text, counters, "batches_total", "Batches of packets that were read.", &Totals::batches);
  return text.take();
}

}  // namespace yonroku::api
