#include "natlog/store/settings_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace yonroku::natlog {
namespace {

using share::NatProtocol;

constexpr NatProtocol kProtocols[share::kNatProtocolCount] = {NatProtocol::Udp, NatProtocol::Tcp,
                                                              NatProtocol::Icmp};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

template <class Value>
bool read_value(std::string_view text, Value& out) {
  const auto value = Value::parse(text);
  if (value) out = *value;
  return value.has_value();
}

template <class Prefix>
bool read_prefixes(std::span<const std::string_view> words, std::vector<Prefix>& out) {
  return std::ranges::all_of(words,
                             [&](std::string_view word) { return read_value(word, out.emplace_back()); });
}

bool read_protocol(std::string_view text, NatProtocol& out) {
  const auto* const found =
      std::ranges::find_if(kProtocols, [&](NatProtocol p) { return share::to_string(p) == text; });
  if (found == std::end(kProtocols)) return false;
  out = *found;
  return true;
}

bool read_mechanism(std::string_view text, config::Mechanism& out) {
  for (std::size_t i = 0; i < config::kMechanismCount; ++i) {
    out = static_cast<config::Mechanism>(i);
    if (config::to_string(out) == text) return true;
  }
  return false;
}

constexpr std::string_view kAllocations[] = {"dynamic", "blocks", "deterministic"};

bool read_allocation(std::string_view text, share::PortAllocation& out) {
  const auto* const found = std::ranges::find(kAllocations, text);
  if (found == std::end(kAllocations)) return false;
  out = static_cast<share::PortAllocation>(found - std::begin(kAllocations));
  return true;
}

// "pool 1024 65535 192.0.2.0/24", "port-set OFFSET LENGTH PSID ADDRESS..."
bool read_pool(std::span<const std::string_view> words, share::NatPool& pool) {
  return words.size() > 3 && read_number(words[1], pool.first_port) &&
         read_number(words[2], pool.last_port) && pool.first_port >= 1 && pool.last_port >= pool.first_port &&
         read_prefixes(words.subspan(3), pool.addresses);
}

bool read_port_set_pool(std::span<const std::string_view> words, share::NatPool& pool) {
  share::PortParameters parameters;
  uint16_t psid = 0;
  if (words.size() <= 4 || !read_number(words[1], parameters.psid_offset) ||
      !read_number(words[2], parameters.psid_length) || !read_number(words[3], psid))
    return false;
  const auto set = share::PortSet::create(parameters, psid);
  if (!set) return false;
  pool.port_set = *set;
  return read_prefixes(words.subspan(4), pool.addresses);
}

bool read_static(std::span<const std::string_view> words, share::StaticBinding& binding) {
  return words.size() == 7 && read_protocol(words[1], binding.protocol) &&
         read_value(words[2], binding.inside) && read_value(words[3], binding.inside_ipv4) &&
         read_number(words[4], binding.inside_port) && read_value(words[5], binding.outside) &&
         read_number(words[6], binding.outside_port);
}

bool read_pref64(std::string_view text, std::optional<share::Pref64>& out) {
  const auto prefix = Ipv6Prefix::parse(text);
  if (prefix) out = share::Pref64::create(*prefix);
  return out.has_value();
}

bool read_line(std::span<const std::string_view> words, config::InstanceSettings& settings) {
  share::NatSettings& nat = settings.nat;
  if (words[0] == "pool") return read_pool(words, nat.pools.emplace_back());
  if (words[0] == "port-set") return read_port_set_pool(words, nat.pools.emplace_back());
  if (words[0] == "subscribers") return read_prefixes(words.subspan(1), nat.subscribers);
  if (words[0] == "static-binding") return read_static(words, nat.static_bindings.emplace_back());
  if (words.size() != 2) return false;
  if (words[0] == "pref64") return read_pref64(words[1], settings.pref64);
  if (words[0] == "mechanism") return read_mechanism(words[1], settings.mechanism);
  if (words[0] == "allocation") return read_allocation(words[1], nat.allocation);
  if (words[0] == "block-size") return read_number(words[1], nat.block_size) && nat.block_size >= 1;
  if (words[0] == "subscriber-prefix-length")
    return read_number(words[1], nat.subscriber_prefix_length) && nat.subscriber_prefix_length <= 128;
  if (words[0] != "when-exhausted") return false;
  nat.when_exhausted =
      words[1] == "refuse" ? share::WhenExhausted::Refuse : share::WhenExhausted::ReuseByDestination;
  return true;
}

template <class Prefix>
void append(std::string& text, const std::vector<Prefix>& prefixes) {
  for (const Prefix& prefix : prefixes) text += " " + prefix.to_string();
  text += "\n";
}

}  // namespace

std::string write_settings(const config::InstanceSettings& settings) {
  std::string text = fmt::format("mechanism {}\n", config::to_string(settings.mechanism));
  if (settings.mechanism == config::Mechanism::Siit && settings.pref64)
    text += fmt::format("pref64 {}\n", settings.pref64->prefix().to_string());
  if (!config::has_nat(settings.mechanism)) return text;
  const share::NatSettings& nat = settings.nat;
  text += fmt::format("allocation {}\nblock-size {}\nsubscriber-prefix-length {}\nwhen-exhausted {}\n",
                      kAllocations[static_cast<std::size_t>(nat.allocation)], nat.block_size,
                      nat.subscriber_prefix_length,
                      nat.when_exhausted == share::WhenExhausted::Refuse ? "refuse" : "reuse-by-destination");
  for (const share::NatPool& pool : nat.pools) {
    text += pool.port_set ? fmt::format("port-set {} {} {}", pool.port_set->parameters().psid_offset,
                                        pool.port_set->parameters().psid_length, pool.port_set->psid())
                          : fmt::format("pool {} {}", pool.first_port, pool.last_port);
    append(text, pool.addresses);
  }
  if (!nat.subscribers.empty()) {
    text += "subscribers";
    append(text, nat.subscribers);
  }
  for (const share::StaticBinding& binding : nat.static_bindings)
    text += fmt::format("static-binding {} {} {} {} {} {}\n", share::to_string(binding.protocol),
                        binding.inside.to_string(), binding.inside_ipv4.to_string(), binding.inside_port,
                        binding.outside.to_string(), binding.outside_port);
  return text;
}

std::optional<config::InstanceSettings> read_settings(std::string_view text) {
  config::InstanceSettings settings;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto words = words_of(text.substr(0, end));
    if (!words.empty() && !read_line(words, settings)) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return settings;
}

}  // namespace yonroku::natlog
