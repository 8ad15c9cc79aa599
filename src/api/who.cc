#include "api/who.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/map_domain.h"
#include "share/nat/deterministic.h"

namespace yonroku::api {
namespace {

using natlog::Gap;
using natlog::Interval;
using natlog::kOpen;
using natlog::Milliseconds;
using natlog::PastEntry;
using natlog::PastSource;
using natlog::TimeSpan;
using How = WhoAnswer::How;

constexpr std::string_view kOnlyIfThere = "if there was such a host: the prefix has one for every address";
constexpr Milliseconds kNear = 600'000;             // a gap that is told with an answer
constexpr Milliseconds kLookBack = 7 * 86'400'000;  // and when nobody is known

std::optional<Milliseconds> end_of(Milliseconds time) {
  return time == kOpen ? std::nullopt : std::optional(time);
}

std::string ports_text(uint16_t first, uint16_t last) {
  return first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
}

WhoAnswer answer_in(const PastSource& source, How how, Ipv4Address outside) {
  WhoAnswer answer;
  answer.instance = source.settings.name;
  answer.mechanism = source.settings.mechanism;
  answer.how = how;
  answer.outside = outside.to_string();
  return answer;
}

std::string subscriber_text(const share::InsideEndpoint& inside, const PastSource& source) {
  if (inside.ipv6 == Ipv6Address()) return inside.ipv4.to_string();
  return Ipv6Prefix::holding(inside.ipv6, source.settings.nat.subscriber_prefix_length).to_string();
}

// The IPv4 address where a subscriber has some behind its IPv6 address.
std::string inside_text(const share::InsideEndpoint& inside) {
  return inside.ipv4 == Ipv4Address() ? inside.ipv6.to_string() : inside.ipv4.to_string();
}

void set_inside(WhoAnswer& answer, const Interval& interval, const PastSource& source) {
  answer.subscriber = subscriber_text(interval.inside, source);
  if (interval.kind == Interval::Kind::Block) {
    // A block says the host only where each is a subscriber of its own.
    if (source.number != 0 && source.settings.nat.subscriber_prefix_length == 128 &&
        interval.inside.ipv6 != Ipv6Address() && source.settings.mechanism != config::Mechanism::DsLiteAftr)
      answer.inside = interval.inside.ipv6.to_string();
    return;
  }
  answer.inside = inside_text(interval.inside);
  answer.inside_port = interval.inside.port;
  answer.protocol = interval.protocol;
}

// The entries of one instance, which are one table.
using Tables = std::map<std::string, std::vector<PastEntry>>;

Tables by_instance(std::vector<PastEntry> entries) {
  Tables tables;
  for (PastEntry& entry : entries) tables[entry.source->settings.name].push_back(std::move(entry));
  return tables;
}

std::set<Milliseconds> moments_of(const std::vector<PastEntry>& entries, const TimeSpan& span) {
  std::set<Milliseconds> moments{span.from};
  for (const PastEntry& entry : entries)
    if (entry.in_force.from > span.from && entry.in_force.from <= span.until)
      moments.insert(entry.in_force.from);
  return moments;
}

void set_force(WhoAnswer& answer, const PastEntry& entry) {
  answer.from = entry.in_force.from;
  answer.until = end_of(entry.in_force.until);
}

WhoAnswer answer_of(const PastEntry& entry, const share::EamMapping& mapping, Ipv4Address address,
                    const std::string& ports) {
  WhoAnswer answer = answer_in(*entry.source, How::Mapping, address);
  const unsigned shift = mapping.ipv6.suffix_length() - mapping.ipv4.suffix_length();
  const Ipv6Prefix subscriber = Ipv6Prefix::holding(mapping.to_ipv6(address), 128 - shift);
  answer.subscriber = subscriber.to_string();
  if (subscriber.length() == 128) answer.inside = subscriber.address().to_string();
  answer.outside_ports = ports;
  set_force(answer, entry);
  return answer;
}

// The run of ports that the asked one is in, or the first.
void set_ports(WhoAnswer& answer, const share::PortSet& ports, std::optional<uint16_t> port) {
  share::PortSet::Range shown = ports.range(0);
  for (std::size_t i = 0; port && i < ports.range_count(); ++i)
    if (ports.range(i).first <= *port && *port <= ports.range(i).last) shown = ports.range(i);
  answer.outside_ports = ports_text(shown.first, shown.last);
  if (ports.parameters().is_shared())
    answer.notes.push_back(fmt::format("PSID 0x{:x} of {} bits, {} such ranges of ports", ports.psid(),
                                       ports.parameters().psid_length, ports.range_count()));
}

WhoAnswer answer_of(const PastEntry& entry, const MapCustomer& customer, std::optional<uint16_t> port) {
  const bool is_softwire = customer.rule.is_single_address();
  WhoAnswer answer = answer_in(*entry.source, is_softwire ? How::Softwire : How::Rule, customer.host.address);
  answer.outside =
      customer.ipv4().length() == 32 ? customer.host.address.to_string() : customer.ipv4().to_string();
  answer.subscriber = customer.end_user_prefix().to_string();
  answer.inside = customer.map_address().to_string();
  set_ports(answer, customer.ports(), port);
  set_force(answer, entry);
  return answer;
}

bool is_same(const WhoAnswer& a, const WhoAnswer& b) {
  return a.instance == b.instance && a.how == b.how && a.subscriber == b.subscriber && a.from == b.from &&
         a.outside == b.outside && a.outside_ports == b.outside_ports && a.protocol == b.protocol;
}

void add(WhoResult& result, WhoAnswer answer) {
  if (std::ranges::none_of(result.answers, [&](const WhoAnswer& other) { return is_same(answer, other); }))
    result.answers.push_back(std::move(answer));
}

bool is_in_force(const PastEntry& entry, Milliseconds moment) {
  return entry.in_force.from <= moment && moment <= entry.in_force.until;
}

// Longer prefixes come first.
const PastEntry* mapping_at(const std::vector<PastEntry>& entries, Milliseconds moment) {
  for (const PastEntry& entry : entries)
    if (std::holds_alternative<share::EamMapping>(entry.what) && is_in_force(entry, moment)) return &entry;
  return nullptr;
}

Result<void> add_rule_at(const std::vector<PastEntry>& entries, Milliseconds moment,
                         const WhoQuestion& question, WhoResult& result) {
  std::vector<share::MapRule> rules;
  std::vector<const PastEntry*> owners;
  for (const PastEntry& entry : entries) {
    const auto* const rule = std::get_if<share::MapRule>(&entry.what);
    // Of one that replaced another at that moment, both were in force.
    if (rule == nullptr || !is_in_force(entry, moment) || entry.in_force.until == moment) continue;
    // The way from a customer's end to the border: all of the Internet, and nobody's address.
    if (rule->ipv4().length() == 0) continue;
    rules.push_back(*rule);
    owners.push_back(&entry);
  }
  // One B4 may have several softwires, so nothing is looked up by IPv6 address.
  const auto domain = MapDomain::create(
      std::move(rules), [&](std::size_t i) { return "the log of " + owners[i]->source->settings.name; },
      MapDomain::Index::Ipv4Only);
  if (!domain)
    return fail(domain.error().where, domain.error().what,
                "two rules of that time say something else about one address; the catalogue has both");
  const auto customer = domain->owner(question.address, question.port);
  if (customer) add(result, answer_of(*owners[customer->rule_number - 1], *customer, question.port));
  return {};
}

// RFC 6888 REQ-12 advises against it, so destinations are rarely logged.
void note_remote(WhoResult& result, const std::optional<natlog::Remote>& remote) {
  if (!remote) return;
  const std::string note = fmt::format("whether it was to {} is not known: the destination was not logged",
                                       remote->address.to_string());
  for (WhoAnswer& answer : result.answers)
    if (!answer.is_remote_known) answer.notes.push_back(note);
}

void set_settings_force(WhoAnswer& answer, const TimeSpan& in_force) {
  answer.from = in_force.from;
  answer.until = end_of(in_force.until);
}

WhoAnswer answer_of(const share::StaticBinding& made, const PastSource& source) {
  const share::InsideEndpoint inside{made.inside, made.inside_ipv4, made.inside_port};
  WhoAnswer answer = answer_in(source, How::Binding, made.outside);
  answer.subscriber = subscriber_text(inside, source);
  answer.inside = inside_text(inside);
  answer.inside_port = made.inside_port;
  answer.protocol = made.protocol;
  answer.outside_ports = std::to_string(made.outside_port);
  answer.notes.emplace_back("a static binding of the configuration");
  return answer;
}

// The IPv4 addresses that are embedded in those of `inside`; nullopt when it is not in the prefix, or
// is the whole of it.
std::optional<Ipv4Prefix> embedded_in(const share::Pref64& pref64, const Ipv6Prefix& inside) {
  const unsigned length = pref64.prefix().length();
  const auto address = pref64.extract(inside.address());
  if (!address || inside.length() <= length) return std::nullopt;
  // RFC 6052 §2.2: octet 8 is no part of the address, except in a /96.
  const unsigned behind_64 = std::max(inside.length(), 64u) - 64;
  const unsigned bits = inside.length() - length - (length == 96 ? 0 : std::min(behind_64, 8u));
  if (bits == 0) return std::nullopt;
  return Ipv4Prefix::holding(*address, std::min(bits, 32u));
}

bool is_open_loss(const Gap& gap, const Interval& interval) {
  return gap.lost.has_value() && gap.from >= interval.begin;
}

}  // namespace

std::string_view to_string(How how) {
  switch (how) {
    case How::PortBlock: return "port-block";
    case How::Binding: return "binding";
    case How::Session: return "session";
    case How::Deterministic: return "deterministic";
    case How::Rule: return "rule";
    case How::Softwire: return "softwire";
    case How::Mapping: return "mapping";
    case How::Prefix: return "prefix";
  }
  return "";
}

Result<Who> Who::open(const std::string& folder) { return Who(TRY(natlog::History::open(folder))); }

Result<WhoResult> Who::ask(const WhoQuestion& question) {
  const TimeSpan span{question.time - question.skew, question.time + question.skew};
  WhoResult result;
  for (const auto& holder :
       TRY(history_.holders({question.address, question.port}, question.protocol, span, question.remote)))
    result.answers.push_back(TRY(answer_of(holder)));
  add_static(question, span, result);
  add_deterministic(question, span, result);
  TRY(add_tables(question, span, result));
  TRY(add_prefixes(question, span, result));
  note_remote(result, question.remote);
  for (WhoAnswer& answer : result.answers)
    if (question.skew != 0 &&
        ((answer.from && *answer.from > question.time) || (answer.until && *answer.until < question.time)))
      answer.notes.emplace_back("only if the time asked for is wrong by some seconds");
  TRY(add_gaps(span, result));
  return result;
}

Result<WhoAnswer> Who::answer_of(const natlog::Holder& holder) {
  const auto& [interval, source] = holder;
  constexpr How kHow[natlog::kIntervalKinds] = {How::PortBlock, How::Binding, How::Session};
  WhoAnswer answer =
      answer_in(*source, kHow[static_cast<std::size_t>(interval.kind)], interval.outside.address);
  set_inside(answer, interval, *source);
  answer.outside_ports = ports_text(interval.outside.port, interval.last_port);
  if (interval.is_begin_known)
    answer.from = interval.begin;
  else
    answer.notes.emplace_back("its beginning was not logged");
  answer.until = end_of(interval.until);
  if (source->number == 0)
    answer.notes.emplace_back(
        "of which instance, and how long the subscriber's prefix is, is not known: the log's catalogue was "
        "damaged");
  if (interval.is_recovered)
    answer.notes.emplace_back(
        "it began before that was logged, or the offload kept it while the program did not run");
  answer.is_remote_known = interval.is_remote_known();
  if (answer.is_remote_known)
    answer.notes.push_back(
        fmt::format("to {}:{}", interval.remote.address.to_string(), interval.remote.port));
  if (answer.until) return answer;
  uint64_t lost = 0;
  bool is_counted = true, is_complete = true;
  for (const Gap& gap : TRY(history_.gaps({interval.begin, kOpen}))) {
    if (!is_open_loss(gap, interval)) continue;
    is_complete = false;
    is_counted = is_counted && *gap.lost != 0;  // what was lost with a damaged file nobody has counted
    lost += *gap.lost;
  }
  if (!is_complete)
    answer.notes.push_back(fmt::format("{} events were lost since, and its end may be one of them",
                                       is_counted ? std::to_string(lost) : "some"));
  return answer;
}

// --- computed ---

const share::PortPool& Who::pool_of(const PastSource& source) {
  auto& pool = pools_[source.number];
  if (pool == nullptr) pool = std::make_unique<share::PortPool>(source.settings.nat, 0, 1);
  return *pool;
}

// A reload or restart without a change in between ends nothing.
TimeSpan Who::same_settings(const PastSource& source) const {
  std::vector<const PastSource*> of_instance;
  for (const auto& other : history_.sources())
    if (other->settings.name == source.settings.name) of_instance.push_back(other.get());
  const auto has_same = [&](const PastSource* other) {
    return other->settings.nat == source.settings.nat && other->settings.pref64 == source.settings.pref64;
  };
  const auto here = std::ranges::find(of_instance, source.number, &PastSource::number);
  const auto next = std::find_if_not(here, of_instance.end(), has_same);
  const auto before = std::find_if_not(std::reverse_iterator(here), of_instance.rend(), has_same);
  return {(*before.base())->in_force.from, (*std::prev(next))->in_force.until};
}

void Who::add_deterministic(const WhoQuestion& question, const TimeSpan& span, WhoResult& result) {
  for (const auto& source : history_.sources()) {
    const share::NatSettings& nat = source->settings.nat;
    if (nat.allocation != share::PortAllocation::Deterministic || !source->in_force.overlaps(span)) continue;
    const share::PortPool& pool = pool_of(*source);
    const auto place = pool.place_of(question.address, question.port);
    if (!place) continue;
    const auto subscriber = share::deterministic_subscriber(nat, pool, *place);
    if (!subscriber) continue;
    WhoAnswer answer = answer_in(*source, How::Deterministic, question.address);
    answer.subscriber = subscriber->to_string();
    if (subscriber->length() == 128) answer.inside = subscriber->address().to_string();
    const uint32_t first = place->slot / nat.block_size * nat.block_size;
    answer.outside_ports = ports_text(pool.port_of({place->address, first}),
                                      pool.port_of({place->address, first + nat.block_size - 1}));
    set_settings_force(answer, same_settings(*source));
    add(result, std::move(answer));
  }
}

void Who::add_static(const WhoQuestion& question, const TimeSpan& span, WhoResult& result) const {
  for (const auto& source : history_.sources()) {
    if (!source->in_force.overlaps(span)) continue;
    for (const share::StaticBinding& made : source->settings.nat.static_bindings) {
      if (made.outside != question.address || made.outside_port != question.port ||
          (question.protocol && *question.protocol != made.protocol))
        continue;
      WhoAnswer answer = api::answer_of(made, *source);
      set_settings_force(answer, same_settings(*source));
      add(result, std::move(answer));
    }
  }
}

Result<void> Who::add_tables(const WhoQuestion& question, const TimeSpan& span, WhoResult& result) {
  for (const auto& [instance, entries] : by_instance(TRY(history_.entries_at(question.address, span)))) {
    for (const Milliseconds moment : moments_of(entries, span)) {
      if (const PastEntry* const entry = mapping_at(entries, moment)) {
        WhoAnswer answer = api::answer_of(*entry, std::get<share::EamMapping>(entry->what), question.address,
                                          std::to_string(question.port));
        answer.inside_port = question.port;
        add(result, std::move(answer));
      }
      TRY(add_rule_at(entries, moment, question, result));
    }
  }
  return {};
}

bool Who::is_in_pool(Ipv4Address address, const TimeSpan& span) const {
  const auto contains = [&](const Ipv4Prefix& prefix) { return prefix.contains(address); };
  return std::ranges::any_of(history_.sources(), [&](const auto& source) {
    return source->in_force.overlaps(span) &&
           std::ranges::any_of(source->settings.nat.pools, [&](const share::NatPool& pool) {
             return std::ranges::any_of(pool.addresses, contains);
           });
  });
}

// A prefix has a host for every address: it is asked for addresses that nothing else has.
Result<void> Who::add_prefixes(const WhoQuestion& question, const TimeSpan& span, WhoResult& result) {
  if (!result.answers.empty() || is_in_pool(question.address, span)) return {};
  if (!TRY(history_.entries_at(question.address, span)).empty()) return {};
  for (const auto& source : history_.sources()) {
    if (!source->settings.pref64 || !source->in_force.overlaps(span)) continue;
    WhoAnswer answer = answer_in(*source, How::Prefix, question.address);
    const Ipv6Address host = source->settings.pref64->embed(question.address);
    answer.subscriber = Ipv6Prefix::holding(host, 128).to_string();
    answer.inside = host.to_string();
    answer.inside_port = question.port;
    answer.outside_ports = std::to_string(question.port);
    set_settings_force(answer, same_settings(*source));
    answer.notes.emplace_back(kOnlyIfThere);
    add(result, std::move(answer));
  }
  return {};
}

// --- the other way round ---

void Who::add_static_of(const Ipv6Prefix& subscriber, const TimeSpan& span, std::size_t most,
                        WhoResult& result) const {
  for (const auto& source : history_.sources()) {
    if (!source->in_force.overlaps(span)) continue;
    for (const share::StaticBinding& made : source->settings.nat.static_bindings) {
      if (result.answers.size() >= most) return;
      if (!natlog::is_in(subscriber, {made.inside, made.inside_ipv4, made.inside_port})) continue;
      WhoAnswer answer = api::answer_of(made, *source);
      set_settings_force(answer, same_settings(*source));
      add(result, std::move(answer));
    }
  }
}

void Who::add_deterministic_of(const Ipv6Prefix& subscriber, const TimeSpan& span, std::size_t most,
                               WhoResult& result) {
  std::set<std::pair<std::string, Milliseconds>> told;  // settings, which several sources may have
  for (const auto& source : history_.sources()) {
    const share::NatSettings& nat = source->settings.nat;
    if (nat.allocation != share::PortAllocation::Deterministic || !source->in_force.overlaps(span)) continue;
    const TimeSpan in_force = same_settings(*source);
    if (result.answers.size() >= most || !told.emplace(source->settings.name, in_force.from).second) continue;
    const share::PortPool& pool = pool_of(*source);
    for (const auto& [owner, place] :
         share::deterministic_blocks(nat, pool, subscriber, most - result.answers.size())) {
      WhoAnswer answer = answer_in(*source, How::Deterministic, pool.address(place.address));
      answer.subscriber = owner.to_string();
      answer.outside_ports =
          ports_text(pool.port_of(place), pool.port_of({place.address, place.slot + nat.block_size - 1}));
      set_settings_force(answer, in_force);
      result.answers.push_back(std::move(answer));
    }
  }
}

void Who::add_prefixes_of(const Ipv6Prefix& subscriber, const TimeSpan& span,
                          const std::vector<PastEntry>& entries, WhoResult& result) const {
  for (const auto& source : history_.sources()) {
    if (!source->settings.pref64 || !source->in_force.overlaps(span)) continue;
    const auto outside = embedded_in(*source->settings.pref64, subscriber);
    // RFC 7757 §3.3: a mapping goes before the prefix.
    const bool is_mapped = std::ranges::any_of(entries, [&](const PastEntry& entry) {
      const auto* const mapping = std::get_if<share::EamMapping>(&entry.what);
      return mapping != nullptr && entry.source->settings.name == source->settings.name &&
             mapping->ipv6.contains(subscriber);
    });
    if (!outside || is_mapped) continue;
    WhoAnswer answer = answer_in(*source, How::Prefix, outside->address());
    if (outside->length() < 32) answer.outside = outside->to_string();
    answer.subscriber = subscriber.to_string();
    if (subscriber.length() == 128) answer.inside = subscriber.address().to_string();
    answer.outside_ports = "0-65535";
    set_settings_force(answer, same_settings(*source));
    answer.notes.emplace_back(kOnlyIfThere);
    add(result, std::move(answer));
  }
}

Result<void> Who::add_tables_of(const Ipv6Prefix& subscriber, const TimeSpan& span, std::size_t most,
                                WhoResult& result) {
  const auto entries = TRY(history_.entries_of(subscriber, span));
  add_prefixes_of(subscriber, span, entries, result);
  for (const PastEntry& entry : entries) {
    if (result.answers.size() >= most) break;
    if (const auto* const mapping = std::get_if<share::EamMapping>(&entry.what)) {
      const bool is_one = mapping->ipv6.contains(subscriber);
      const Ipv4Address address = is_one ? mapping->to_ipv4(subscriber.address()) : mapping->ipv4.address();
      result.answers.push_back(api::answer_of(entry, *mapping, address, "0-65535"));
      continue;
    }
    const auto& rule = std::get<share::MapRule>(entry.what);
    const bool is_one = rule.ipv6().contains(subscriber);
    if (is_one && subscriber.length() < rule.end_user_prefix_length() && !rule.is_single_address()) continue;
    MapCustomer customer;
    customer.rule = rule;
    customer.host = rule.customer_of(is_one ? subscriber.address() : rule.ipv6().address());
    result.answers.push_back(api::answer_of(entry, customer, std::nullopt));
  }
  return {};
}

// One more than is wanted, to see whether there are more.
Result<WhoResult> Who::used_by(const Ipv6Prefix& subscriber, const TimeSpan& span, std::size_t most,
                               const std::optional<natlog::Remote>& remote) {
  WhoResult result;
  const natlog::Used used = TRY(history_.used_by(subscriber, span, most, remote));
  for (const auto& holder : used.holders) result.answers.push_back(TRY(answer_of(holder)));
  add_static_of(subscriber, span, most + 1, result);
  add_deterministic_of(subscriber, span, most + 1, result);
  TRY(add_tables_of(subscriber, span, most + 1, result));
  result.is_cut = used.is_cut || result.answers.size() > most;
  if (result.answers.size() > most) result.answers.resize(most);
  note_remote(result, remote);
  TRY(add_gaps(span, result));
  return result;
}

// Gaps near the time; when nobody is known also those before, in which a beginning may have been lost.
Result<void> Who::add_gaps(const TimeSpan& span, WhoResult& result) {
  constexpr std::size_t kMostGaps = 20;
  const Milliseconds before = result.answers.empty() ? kLookBack : kNear;
  const Milliseconds after = span.until > kOpen - kNear ? kOpen : span.until + kNear;
  result.gaps = TRY(history_.gaps({span.from - before, after}));
  if (result.gaps.size() > kMostGaps)
    result.gaps.erase(result.gaps.begin(), result.gaps.end() - static_cast<std::ptrdiff_t>(kMostGaps));
  const auto begin = history_.begin();
  if (!begin || span.from < *begin) result.log_begin = begin.value_or(span.until);
  return {};
}

}  // namespace yonroku::api
