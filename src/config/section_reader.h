// Reads the keys of one YAML mapping as schema.yaml describes them: types, ranges and defaults come from
// there.
//
// The constructor reports what needs no value: unknown keys, keys given twice, keys of another mechanism,
// required keys that are missing. Each getter reports what is wrong with its own value and then returns a
// harmless one, so that the caller goes on and every error of the file is found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/findings.h"
#include "config/schema.h"
#include "config/values.h"

namespace yonroku::config {

struct ChoiceOrInteger {
  std::optional<std::size_t> choice;  // index in the key's `values`
  int64_t integer = 0;
};

class SectionReader {
 public:
  // `mechanism` is nullopt outside of instances and for an instance without a valid one.
  SectionReader(const Node& section, Scope scope, std::optional<Mechanism> mechanism, Findings& findings);

  // The node of the key's value, or of the whole section when the key is not there.
  [[nodiscard]] const Node& place_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return section_.find(key) != nullptr; }

  [[nodiscard]] int64_t integer(std::string_view key);
  [[nodiscard]] bool boolean(std::string_view key);
  template <class Enumeration>
  [[nodiscard]] Enumeration choice(std::string_view key) {
    return static_cast<Enumeration>(choice_index(key));
  }
  // Which of the key's choices are in a list, in their own order.
  [[nodiscard]] std::vector<bool> choices(std::string_view key);
  [[nodiscard]] ChoiceOrInteger choice_or_integer(std::string_view key);
  [[nodiscard]] std::optional<std::string> text(
      std::string_view key);  // name, device, user, path, host, topic, text
  [[nodiscard]] std::optional<Ipv4Address> ipv4_address(std::string_view key);
  [[nodiscard]] std::optional<Ipv6Address> ipv6_address(std::string_view key);
  [[nodiscard]] std::optional<Ipv4Prefix> ipv4_prefix(std::string_view key);
  [[nodiscard]] std::optional<Ipv6Prefix> ipv6_prefix(std::string_view key);
  [[nodiscard]] std::optional<share::Pref64> pref64(std::string_view key);
  [[nodiscard]] std::optional<PortRange> port_range(std::string_view key);
  // nullopt when the key is not there and has no default.
  [[nodiscard]] std::optional<std::vector<Ipv4Prefix>> ipv4_prefixes(std::string_view key);
  [[nodiscard]] std::optional<std::vector<Ipv6Prefix>> ipv6_prefixes(std::string_view key);
  [[nodiscard]] std::optional<std::vector<Ipv6Address>> ipv6_addresses(std::string_view key);
  // Empty when the key is not there.
  [[nodiscard]] std::vector<std::string> paths(std::string_view key);
  [[nodiscard]] std::vector<std::string> hosts_and_ports(std::string_view key);
  [[nodiscard]] std::vector<std::string> devices(std::string_view key);
  // The items of a list of sections; empty when the key is not there or not a list.
  [[nodiscard]] std::vector<const Node*> sections(std::string_view key);
  // The section below the key; nullptr when it is not there.
  [[nodiscard]] const Node* section(std::string_view key);

 private:
  struct Found {
    const KeySpec* spec;
    const Node* node;           // nullptr: the default applies
    std::string_view fallback;  // the default's text
    [[nodiscard]] std::string_view text() const { return node ? std::string_view(node->text) : fallback; }
  };
  // nullopt when there is neither a value nor a default. A value of the wrong kind is reported and counts as
  // missing.
  std::optional<Found> find(std::string_view key);
  const Node* find_list(std::string_view key);
  std::size_t choice_index(std::string_view key);
  // nullopt when it is none, which is reported.
  std::optional<std::size_t> choice_of(const KeySpec& spec, std::string_view text, const Node* node);
  template <class T>
  std::optional<T> value(std::string_view key, Value<T> (*parse)(std::string_view));
  template <class T>
  std::optional<std::vector<T>> values(std::string_view key, Value<T> (*parse)(std::string_view));
  bool expect_scalar(const Node& node, const KeySpec& spec);

  void check_keys();
  void check_unknown(const Node& key, std::span<const std::string_view> known);
  void check_required();

  const Node& section_;
  Scope scope_;
  std::optional<Mechanism> mechanism_;
  Findings& findings_;
};

}  // namespace yonroku::config
