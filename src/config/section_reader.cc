#include "config/section_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unordered_map>

#include "base/check.h"

namespace yonroku::config {
namespace {

std::string_view scope_words(Scope scope, std::optional<Mechanism> mechanism) {
  switch (scope) {
    case Scope::Top: return "the file";
    case Scope::Control: return "control";
    case Scope::Log: return "log";
    case Scope::NatLog: return "nat-log";
    case Scope::Mapping: return "a mapping";
    case Scope::Rule: return "a rule";
    case Scope::Softwire: return "a softwire";
    case Scope::Pool: return "a pool";
    case Scope::StaticBinding: return "a static binding";
    case Scope::Service: return "a service";
    case Scope::Server: return "a server";
    case Scope::SyslogServer: return "a syslog server";
    case Scope::IpfixCollector: return "an IPFIX collector";
    case Scope::KafkaCluster: return "a Kafka cluster";
    case Scope::Health: return "health";
    case Scope::Instance: break;
  }
  if (!mechanism) return "an instance";
  switch (*mechanism) {
    case Mechanism::Siit: return "a siit instance";
    case Mechanism::Clat: return "a clat instance";
    case Mechanism::MapEBr: return "a map-e-br instance";
    case Mechanism::LwAftr: return "a lwaftr instance";
    case Mechanism::FourOverSix: return "a 4over6 instance";
    case Mechanism::Ipip: return "an ipip instance";
    case Mechanism::DsLiteB4: return "a ds-lite-b4 instance";
    case Mechanism::MapTBr: return "a map-t-br instance";
    case Mechanism::Nat64: return "a nat64 instance";
    case Mechanism::DsLiteAftr: return "a ds-lite-aftr instance";
    case Mechanism::MapECe: return "a map-e-ce instance";
    case Mechanism::MapTCe: return "a map-t-ce instance";
    case Mechanism::LwB4: return "a lwb4 instance";
    case Mechanism::Slb64: return "a slb64 instance";
  }
  return "an instance";
}

std::string expected_words(const KeySpec& spec) {
  switch (spec.type) {
    case ValueType::Section:
    case ValueType::Instances:
    case ValueType::Mappings:
    case ValueType::Rules:
    case ValueType::Softwires:
    case ValueType::Pools:
    case ValueType::StaticBindings:
    case ValueType::Services:
    case ValueType::Servers:
    case ValueType::SyslogServers:
    case ValueType::IpfixCollectors:
    case ValueType::KafkaClusters: return "a mapping";
    case ValueType::Name: return "a name";
    case ValueType::Device: return "a device name";
    case ValueType::User: return "a user name";
    case ValueType::Path: return "a path";
    case ValueType::UrlPath: return "the path of a URL";
    case ValueType::LoopbackEndpoint: return "an address and port of this host itself";
    case ValueType::Host: return "an address or a host name";
    case ValueType::HostPort: return "an address or a host name, with a port behind a colon";
    case ValueType::Topic: return "the name of a topic";
    case ValueType::Text: return "a text";
    case ValueType::Integer: return fmt::format("a number from {} to {}", spec.minimum, spec.maximum);
    case ValueType::Boolean: return "true or false";
    case ValueType::Choice: return fmt::format("one of {}", fmt::join(spec.values, ", "));
    case ValueType::ChoiceOrInteger:
      return fmt::format("{}, or a number from {} to {}", fmt::join(spec.values, " or "), spec.minimum,
                         spec.maximum);
    case ValueType::Ipv4Address: return "an IPv4 address";
    case ValueType::Ipv6Address: return "an IPv6 address";
    case ValueType::Ipv4Prefix: return "an IPv4 prefix";
    case ValueType::Ipv6Prefix: return "an IPv6 prefix";
    case ValueType::Pref64: return "an IPv6 prefix of length 32, 40, 48, 56, 64 or 96";
    case ValueType::PortRange: return "a port range such as 1024-65535";
  }
  return "a value";
}

std::string list_words(const KeySpec& spec) {
  switch (spec.type) {
    case ValueType::Instances: return "a list of instances, each starting with \"- name: ...\"";
    case ValueType::Mappings: return "a list of mappings such as - {ipv4: 192.0.2.1, ipv6: '2001:db8::1'}";
    case ValueType::Rules:
      return "a list of rules such as - {ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: "
             "16}";
    case ValueType::Softwires:
      return "a list of softwires such as - {b4-address: '2001:db8::1', ipv4: 192.0.2.1}";
    case ValueType::Pools: return "a list of pools such as - {addresses: 192.0.2.0/24}";
    case ValueType::StaticBindings:
      return "a list of static bindings such as - {protocol: tcp, inside: '2001:db8::1', inside-port: 80, "
             "outside: 192.0.2.1, outside-port: 80}";
    case ValueType::Services:
      return "a list of services such as - {vip: '2001:db8::80', port: 80, servers: [{address: 192.0.2.10}]}";
    case ValueType::Servers: return "a list of servers such as - {address: 192.0.2.10}";
    case ValueType::SyslogServers: return "a list of servers such as - {server: logs.example.net}";
    case ValueType::IpfixCollectors: return "a list of collectors such as - {server: flows.example.net}";
    case ValueType::KafkaClusters: return "a list of clusters such as - {brokers: [kafka.example.net]}";
    case ValueType::HostPort: return "a list such as [kafka.example.net, 'kafka2.example.net:9093']";
    case ValueType::Ipv6Address: return "a list such as ['2001:db8::1']";
    case ValueType::Ipv4Prefix: return "a list such as [192.0.2.0/24]";
    case ValueType::Ipv6Prefix: return "a list such as ['2001:db8::/32']";
    default: return "a list such as [eam.csv]";
  }
}

}  // namespace

SectionReader::SectionReader(const Node& section, Scope scope, std::optional<Mechanism> mechanism,
                             Findings& findings)
    : section_(section), scope_(scope), mechanism_(mechanism), findings_(findings) {
  if (section.kind != Node::Kind::Mapping) {
    // A list of sections has its own words for this: see sections().
    if (scope == Scope::Top || scope == Scope::Control || scope == Scope::Log || scope == Scope::Health)
      findings.error(
          section,
          fmt::format("{} must be a mapping, not {}",
                      scope == Scope::Top ? "a configuration" : scope_words(scope, {}), section.kind_words()),
          scope == Scope::Top ? "start with \"instances:\"" : "write \"key: value\" lines below it");
    return;
  }
  check_keys();
  check_required();
}

void SectionReader::check_keys() {
  std::vector<std::string_view> known;
  for (const KeySpec& spec : schema())
    if (spec.scope == scope_ && (!mechanism_ || spec.belongs_to(*mechanism_))) known.push_back(spec.name);

  std::unordered_map<std::string_view, const Node*> seen;
  for (std::size_t i = 0; i + 1 < section_.children.size(); i += 2) {
    const Node& key = *section_.children[i];
    if (key.kind != Node::Kind::Scalar) {
      findings_.error(key, fmt::format("{} where a key is needed", key.kind_words()), "write \"key: value\"");
      continue;
    }
    const auto [first, is_new] = seen.try_emplace(key.text, &key);
    if (!is_new) {
      findings_.error(key,
                      fmt::format("{} is given twice, first in line {}", in_quotes(key.text),
                                  first->second->position.line),
                      "keep one of them");
      continue;
    }
    check_unknown(key, known);
  }
}

void SectionReader::check_unknown(const Node& key, std::span<const std::string_view> known) {
  const KeySpec* spec = find_key(scope_, key.text);
  if (spec && (!mechanism_ || spec->belongs_to(*mechanism_))) return;
  if (spec) {
    const auto mine = static_cast<std::size_t>(*mechanism_);
    std::size_t owner = 0;
    while (owner + 1 < kMechanismCount && !spec->mechanisms[owner]) ++owner;
    const std::string_view instead = spec->instead[mine];
    findings_.error(key,
                    fmt::format("\"{}\" belongs to {}, not to {}", key.text,
                                to_string(static_cast<Mechanism>(owner)), to_string(*mechanism_)),
                    instead.empty() ? std::string("remove it")
                                    : fmt::format("{} has {} for this", to_string(*mechanism_), instead));
    return;
  }
  std::string fix;
  const std::string_view meant = closest_word(key.text, known);
  for (const KeySpec& other : schema()) {
    if (other.name != key.text || !meant.empty()) continue;
    const char* place = other.scope == Scope::Top        ? "at the top of the file"
                        : other.scope == Scope::Control  ? "below \"control:\""
                        : other.scope == Scope::Log      ? "below \"log:\""
                        : other.scope == Scope::Instance ? "inside of an instance"
                                                         : nullptr;
    fix = place ? fmt::format("it belongs {}", place)
                : fmt::format("it belongs inside of {}", scope_words(other.scope, {}));
    break;
  }
  if (fix.empty()) {
    fix = meant.empty()
              ? fmt::format("see yonroku.yaml(5) for the keys of {}", scope_words(scope_, mechanism_))
              : fmt::format("did you mean \"{}\"?", meant);
  }
  findings_.error(key,
                  fmt::format("unknown key {} in {}", in_quotes(key.text), scope_words(scope_, mechanism_)),
                  std::move(fix));
}

void SectionReader::check_required() {
  for (const KeySpec& spec : schema()) {
    if (spec.scope != scope_ || !spec.is_required_by(mechanism_) || has(spec.name)) continue;
    findings_.error(section_, fmt::format("{} has no \"{}\"", scope_words(scope_, mechanism_), spec.name),
                    fmt::format("add \"{}:\" with {}", spec.name,
                                spec.is_list ? list_words(spec) : expected_words(spec)));
  }
}

const Node& SectionReader::place_of(std::string_view key) const {
  const Node* node = section_.find(key);
  return node ? *node : section_;
}

bool SectionReader::expect_scalar(const Node& node, const KeySpec& spec) {
  if (node.kind == Node::Kind::Scalar) return true;
  const bool is_colon_trouble = node.kind == Node::Kind::Mapping && node.children.size() == 2 &&
                                node.children[0]->kind == Node::Kind::Scalar &&
                                Ipv6Address::parse(node.children[0]->text + ':').has_value();
  findings_.error(
      node, fmt::format("{} must be {}, not {}", spec.name, expected_words(spec), node.kind_words()),
      is_colon_trouble
          ? fmt::format("an address that ends in a colon must stand in quotes: '{}:'", node.children[0]->text)
      : node.kind == Node::Kind::Null ? "write a value behind the colon, or remove the line"
                                      : "write a single value");
  return false;
}

std::optional<SectionReader::Found> SectionReader::find(std::string_view key) {
  const KeySpec* spec = find_key(scope_, key);
  YONROKU_CHECK(spec != nullptr);
  if (mechanism_ && !spec->belongs_to(*mechanism_)) {
    // Reported already if it is there; its default still fills the field.
    const auto& other =
        std::ranges::find_if(spec->defaults, [](const auto& text) { return text.has_value(); });
    if (other == spec->defaults.end()) return std::nullopt;
    return Found{spec, nullptr, **other};
  }
  const Node* node = section_.find(key);
  if (node && !spec->is_list && spec->type != ValueType::Section && !expect_scalar(*node, *spec))
    node = nullptr;
  if (node) return Found{spec, node, {}};
  const auto& fallback = spec->defaults[static_cast<std::size_t>(mechanism_.value_or(Mechanism::Siit))];
  if (!fallback) return std::nullopt;
  return Found{spec, nullptr, *fallback};
}

template <class T>
std::optional<T> SectionReader::value(std::string_view key, Value<T> (*parse)(std::string_view)) {
  const auto found = find(key);
  if (!found) return std::nullopt;
  Value<T> parsed = parse(found->text());
  if (parsed) return *std::move(parsed);
  YONROKU_CHECK(found->node != nullptr);  // a default of schema.yaml must be valid
  findings_.error(*found->node, key, std::move(parsed).error());
  return std::nullopt;
}

const Node* SectionReader::find_list(std::string_view key) {
  const auto found = find(key);
  if (!found || !found->node) return nullptr;
  if (found->node->kind == Node::Kind::Sequence) return found->node;
  if (found->spec->takes_single && found->node->kind == Node::Kind::Scalar) return found->node;
  if (found->node->kind == Node::Kind::Null)
    findings_.error(*found->node, fmt::format("{} has no value", key),
                    fmt::format("write {}, or remove the line", list_words(*found->spec)));
  else
    findings_.error(*found->node,
                    fmt::format("{} must be {}a list, not {}", key,
                                found->spec->takes_single ? expected_words(*found->spec) + " or " : "",
                                found->node->kind_words()),
                    fmt::format("write {}", list_words(*found->spec)));
  return nullptr;
}

template <class T>
std::optional<std::vector<T>> SectionReader::values(std::string_view key,
                                                    Value<T> (*parse)(std::string_view)) {
  const Node* list = find_list(key);
  if (!list) {
    const auto found = find_key(scope_, key);
    return found->defaults[static_cast<std::size_t>(mechanism_.value_or(Mechanism::Siit))]
               ? std::optional(std::vector<T>{})
               : std::nullopt;
  }
  const KeySpec& spec = *find_key(scope_, key);
  const std::vector<const Node*> single = {list};
  std::vector<T> result;
  result.reserve(list->children.size());
  for (const Node* item : list->kind == Node::Kind::Scalar ? single : list->children) {
    if (!expect_scalar(*item, spec)) continue;
    Value<T> parsed = parse(item->text);
    if (parsed)
      result.push_back(*std::move(parsed));
    else
      findings_.error(*item, key, std::move(parsed).error());
  }
  return result;
}

int64_t SectionReader::integer(std::string_view key) {
  const auto found = find(key);
  if (!found) return 0;
  const Value<int64_t> parsed = parse_integer(found->text(), found->spec->minimum, found->spec->maximum);
  if (parsed) return *parsed;
  findings_.error(*found->node, key, parsed.error());
  return found->spec->minimum;
}

bool SectionReader::boolean(std::string_view key) { return value<bool>(key, parse_boolean).value_or(false); }

std::optional<std::size_t> SectionReader::choice_of(const KeySpec& spec, std::string_view text,
                                                    const Node* node) {
  const auto at = std::ranges::find(spec.values, text);
  if (at != spec.values.end()) return static_cast<std::size_t>(at - spec.values.begin());
  const std::string_view meant = closest_word(text, spec.values);
  findings_.error(*node, fmt::format("{}: {} is not {}", spec.name, in_quotes(text), expected_words(spec)),
                  meant.empty() ? "choose one of these" : fmt::format("did you mean \"{}\"?", meant));
  return std::nullopt;
}

std::size_t SectionReader::choice_index(std::string_view key) {
  const auto found = find(key);
  if (!found) return 0;
  return choice_of(*found->spec, found->text(), found->node).value_or(0);
}

std::vector<bool> SectionReader::choices(std::string_view key) {
  const KeySpec& spec = *find_key(scope_, key);
  std::vector<bool> result(spec.values.size());
  const Node* list = find_list(key);
  if (!list) return result;
  for (const Node* item : list->children) {
    if (!expect_scalar(*item, spec)) continue;
    if (const auto at = choice_of(spec, item->text, item)) result[*at] = true;
  }
  return result;
}

ChoiceOrInteger SectionReader::choice_or_integer(std::string_view key) {
  const auto found = find(key);
  if (!found) return {0, 0};
  const auto at = std::ranges::find(found->spec->values, found->text());
  if (at != found->spec->values.end()) return {static_cast<std::size_t>(at - found->spec->values.begin()), 0};
  const std::string_view text = found->text();
  const bool is_number = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  const Value<int64_t> parsed = parse_integer(text, found->spec->minimum, found->spec->maximum);
  if (parsed) return {std::nullopt, *parsed};
  findings_.error(
      *found->node,
      fmt::format("{}: {}", key, is_number ? parsed.error().what : in_quotes(text) + " is not known here"),
      "write " + expected_words(*found->spec));
  return {0, 0};
}

std::optional<std::string> SectionReader::text(std::string_view key) {
  const KeySpec* spec = find_key(scope_, key);
  YONROKU_CHECK(spec != nullptr);
  switch (spec->type) {
    case ValueType::Name: return value<std::string>(key, parse_instance_name);
    case ValueType::Device: return value<std::string>(key, parse_device_name);
    case ValueType::User: return value<std::string>(key, parse_user_name);
    case ValueType::UrlPath: return value<std::string>(key, parse_url_path);
    case ValueType::LoopbackEndpoint: return value<std::string>(key, parse_loopback_endpoint);
    case ValueType::Host: return value<std::string>(key, parse_host);
    case ValueType::Topic: return value<std::string>(key, parse_topic);
    case ValueType::Text: return value<std::string>(key, parse_text);
    default: return value<std::string>(key, parse_path);
  }
}

std::optional<Ipv4Address> SectionReader::ipv4_address(std::string_view key) {
  return value<Ipv4Address>(key, parse_ipv4_address);
}
std::optional<Ipv6Address> SectionReader::ipv6_address(std::string_view key) {
  return value<Ipv6Address>(key, parse_ipv6_address);
}
std::optional<Ipv4Prefix> SectionReader::ipv4_prefix(std::string_view key) {
  return value<Ipv4Prefix>(key, parse_ipv4_prefix);
}
std::optional<Ipv6Prefix> SectionReader::ipv6_prefix(std::string_view key) {
  return value<Ipv6Prefix>(key, parse_ipv6_prefix);
}
std::optional<share::Pref64> SectionReader::pref64(std::string_view key) {
  return value<share::Pref64>(key, parse_pref64);
}
std::optional<PortRange> SectionReader::port_range(std::string_view key) {
  return value<PortRange>(key, parse_port_range);
}
std::optional<std::vector<Ipv4Prefix>> SectionReader::ipv4_prefixes(std::string_view key) {
  return values<Ipv4Prefix>(key, parse_ipv4_prefix);
}
std::optional<std::vector<Ipv6Prefix>> SectionReader::ipv6_prefixes(std::string_view key) {
  return values<Ipv6Prefix>(key, parse_ipv6_prefix);
}
std::optional<std::vector<Ipv6Address>> SectionReader::ipv6_addresses(std::string_view key) {
  return values<Ipv6Address>(key, parse_ipv6_address);
}
std::vector<std::string> SectionReader::paths(std::string_view key) {
  return values<std::string>(key, parse_path).value_or(std::vector<std::string>{});
}

std::vector<std::string> SectionReader::hosts_and_ports(std::string_view key) {
  return values<std::string>(key, parse_host_and_port).value_or(std::vector<std::string>{});
}

std::vector<std::string> SectionReader::devices(std::string_view key) {
  return values<std::string>(key, parse_device_name).value_or(std::vector<std::string>{});
}

std::vector<const Node*> SectionReader::sections(std::string_view key) {
  std::vector<const Node*> result;
  const Node* list = find_list(key);
  if (!list) return result;
  const KeySpec& spec = *find_key(scope_, key);
  for (const Node* item : list->children) {
    if (item->kind == Node::Kind::Mapping)
      result.push_back(item);
    else
      findings_.error(*item,
                      fmt::format("{}: {} where {} is needed", key, item->kind_words(),
                                  spec.type == ValueType::Instances ? "an instance" : "a mapping"),
                      "write " + list_words(spec));
  }
  return result;
}

const Node* SectionReader::section(std::string_view key) {
  const auto found = find(key);
  return found ? found->node : nullptr;
}

}  // namespace yonroku::config
