// tayga.conf: one directive with its arguments on each line, in any case. TAYGA is a stateless translator
// with, on request, a pool of IPv4 addresses that it hands out to IPv6 hosts; that pool is state and has no
// equivalent in SIIT.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "config/import.h"
#include "config/import_builder.h"
#include "config/schema.h"

namespace yonroku::config {
namespace {

constexpr std::array<std::string_view, 17> kDirectives = {
    "tun-device", "ipv4-addr",      "ipv6-addr",       "prefix",
    "map",        "wkpf-strict",    "dynamic-pool",    "data-dir",
    "map-file",   "udp-cksum-mode", "strict-frag-hdr", "offlink-mtu",
    "tun-up",     "tun-ip",         "tun-route",       "log",
    "workers"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

class TaygaImporter {
 public:
  TaygaImporter(std::string_view filename, const ImportOptions& options)
      : builder_("tayga", filename, options), file_(filename), options_(options) {}

  ConfigResult<Imported> run(std::string_view text) {
    for_each_line(text, [&](const std::vector<Word>& words) { read_line(words); });
    if (!map_file_.empty()) read_map_file();
    settle();
    return builder_.finish();
  }

 private:
  [[nodiscard]] Place place(const Word& word) const { return {file_, word.position}; }

  void read_line(const std::vector<Word>& words) {
    const std::string directive = lower(words[0].text);
    if (std::ranges::find(kDirectives, directive) == kDirectives.end()) {
      const std::string_view meant = closest_word(directive, kDirectives);
      return builder_.error(place(words[0]), fmt::format("unknown directive {}", in_quotes(words[0].text)),
                            meant.empty() ? "see tayga.conf(5)" : fmt::format("did you mean {}?", meant));
    }
    const std::size_t arguments = directive == "map" ? 2 : 1;
    if (directive == "log" ? words.size() < 2 : words.size() != arguments + 1)
      return builder_.error(place(words[0]),
                            fmt::format("{} needs {} argument{}, not {}", directive, arguments,
                                        arguments == 1 ? "" : "s", words.size() - 1),
                            "see tayga.conf(5)");
    const bool is_repeatable =
        directive == "map" || directive == "tun-ip" || directive == "tun-route" || directive == "log";
    if (!is_repeatable && !seen_.insert(directive).second)
      return builder_.error(place(words[0]), fmt::format("a second {}", directive),
                            "keep the one that is in use");
    if (directive == "map")
      return builder_.map(words[1].text, place(words[1]), words[2].text, place(words[2]));
    if (directive == "log")
      return builder_.note(place(words[0]),
                           "log: yonroku counts every drop by reason instead (`yonroku show counters`)");
    read_setting(directive, words[1]);
  }

  void read_setting(const std::string& directive, const Word& value) {
    const Place at = place(value);
    if (directive == "tun-device")
      copy("device", parse_device_name(value.text), at);
    else if (directive == "ipv4-addr")
      read_ipv4_address(value);
    else if (directive == "ipv6-addr")
      read_address("translator-ipv6", parse_ipv6_address(value.text), at);
    else if (directive == "prefix")
      read_prefix(value);
    else if (directive == "wkpf-strict")
      is_strict_ = value.text != "no";
    else if (directive == "udp-cksum-mode")
      read_checksum_mode(value);
    else if (directive == "offlink-mtu")
      read_offlink_mtu(value);
    else if (directive == "workers")
      read_workers(value);
    else if (directive == "tun-route")
      read_route(value);
    else if (directive == "dynamic-pool")
      dynamic_pool_ = value;
    else if (directive == "map-file")
      map_file_ = value.text, map_file_place_ = at;
    else if (directive == "data-dir")
      builder_.note(at, fmt::format("data-dir {}: yonroku keeps no state on disk", value.text));
    else if (directive == "strict-frag-hdr")
      builder_.note(at,
                    "strict-frag-hdr: a Fragment Header is never added to packets that are not fragments "
                    "(RFC 7915 4.1, RFC 8021)");
    else if (directive == "tun-up")
      builder_.note(at, "tun-up: yonroku always raises its device");
    else if (directive == "tun-ip")
      builder_.note(at, fmt::format("tun-ip {}: yonroku puts no such address on its device; add it with "
                                    "ip-address(8) if it is needed",
                                    value.text));
  }

  void copy(std::string_view key, Value<std::string> value, const Place& at) {
    if (value)
      builder_.set(std::string(key), ImportBuilder::yaml_text(*value));
    else
      builder_.error(at, std::move(value).error());
  }

  template <class Address>
  void read_address(std::string_view key, Value<Address> address, const Place& at) {
    if (!address) return builder_.error(at, std::move(address).error());
    if (is_illegal_source(*address))
      return builder_.error(at, fmt::format("{} cannot be a source address", address->to_string()),
                            "use an address of this router");
    builder_.set(std::string(key), ImportBuilder::yaml_text(address->to_string()));
  }

  void read_ipv4_address(const Word& value) {
    read_address("translator-ipv4", parse_ipv4_address(value.text), place(value));
    builder_.note(
        place(value),
        fmt::format(
            "ipv4-addr {}: yonroku sends its ICMPv4 errors from there, but does not answer pings to it",
            value.text));
  }

  void read_prefix(const Word& value) {
    auto prefix = parse_pref64(value.text);
    if (!prefix) return builder_.error(place(value), std::move(prefix).error());
    builder_.set("pref64", ImportBuilder::yaml_text(prefix->prefix().to_string()));
  }

  void read_checksum_mode(const Word& value) {
    const std::string mode = lower(value.text);
    if (mode == "drop" || mode == "calc") {
      builder_.set("udp-zero-checksum", mode == "drop" ? "drop" : "compute");
    } else if (mode == "fwd") {
      builder_.set("udp-zero-checksum", "compute");
      builder_.note(place(value),
                    "udp-cksum-mode fwd: IPv6 does not allow UDP without a checksum here (RFC 8200 8.1), so "
                    "it is computed");
    } else {
      builder_.error(place(value), fmt::format("udp-cksum-mode {} is not known", in_quotes(value.text)),
                     "tayga knows drop, calc and fwd");
    }
  }

  void read_offlink_mtu(const Word& value) {
    const auto mtu = parse_integer(value.text, 1280, 65535);
    if (!mtu) return builder_.error(place(value), mtu.error());
    if (*mtu > 1500) builder_.set("ipv6-mtu", std::to_string(*mtu));
    builder_.set("lowest-ipv6-mtu", std::to_string(*mtu));
  }

  void read_workers(const Word& value) {
    const auto workers = parse_integer(value.text, -1, 256);
    if (!workers) return builder_.error(place(value), workers.error());
    if (*workers > 0)
      builder_.set("workers", std::to_string(*workers));
    else
      builder_.note(
          place(value),
          fmt::format("workers {}: one worker is used; set workers to the number of cores", value.text));
  }

  void read_route(const Word& value) {
    if (value.text.find(':') != std::string_view::npos) {
      if (auto prefix = parse_ipv6_prefix(value.text))
        ipv6_routes_.push_back(ImportBuilder::yaml_text(prefix->to_string()));
      else
        builder_.error(place(value), std::move(prefix).error());
    } else {
      if (auto prefix = parse_ipv4_prefix(value.text))
        ipv4_routes_.push_back(ImportBuilder::yaml_text(prefix->to_string()));
      else
        builder_.error(place(value), std::move(prefix).error());
    }
  }

  void read_map_file() {
    if (!options_.read_file)
      return builder_.error(map_file_place_,
                            fmt::format("map-file {} cannot be read here", in_quotes(map_file_)),
                            "put its lines into this file");
    const auto text = options_.read_file(map_file_);
    if (!text)
      return builder_.error(map_file_place_,
                            fmt::format("map-file {}: {}", in_quotes(map_file_), text.error().what),
                            text.error().fix);
    for_each_line(*text, [&](const std::vector<Word>& words) {
      const auto at = [&](std::size_t i) { return Place{map_file_, words[i].position}; };
      if (lower(words[0].text) != "map" || words.size() != 3)
        return builder_.error(at(0), fmt::format("{} is not a map line", in_quotes(words[0].text)),
                              "a map-file has lines such as: map 192.0.2.1 2001:db8::1");
      builder_.map(words[1].text, at(1), words[2].text, at(2));
    });
  }

  void settle() {
    // Defaults that differ from ours.
    if (!seen_.contains("udp-cksum-mode")) builder_.set("udp-zero-checksum", "drop", "the default of tayga");
    if (!is_strict_) builder_.set("well-known-prefix-non-global", "translate");
    const auto list = [](const std::vector<std::string>& items) {
      return fmt::format("[{}]", fmt::join(items, ", "));
    };
    if (!ipv4_routes_.empty()) builder_.set("ipv4-routes", list(ipv4_routes_));
    if (!ipv6_routes_.empty()) builder_.set("ipv6-routes", list(ipv6_routes_));
    if (ipv4_routes_.empty() && ipv6_routes_.empty())
      builder_.note(builder_.at({}),
                    "yonroku adds the routes to its device itself; remove them from your scripts, or set "
                    "\"routes: manual\"");
    if (dynamic_pool_.text.empty()) return;
    if (!builder_.has_mappings())
      return builder_.error(
          place(dynamic_pool_),
          fmt::format("dynamic-pool {} is stateful: tayga hands its addresses out to IPv6 hosts as they come",
                      dynamic_pool_.text),
          "SIIT has no equivalent; write a \"map\" line for each host and remove dynamic-pool, or use a "
          "NAT64");
    builder_.note(place(dynamic_pool_), fmt::format("dynamic-pool {} is stateful and has no equivalent in "
                                                    "SIIT: IPv6 hosts without a map line are not translated",
                                                    dynamic_pool_.text));
  }

  ImportBuilder builder_;
  std::string file_;
  const ImportOptions& options_;
  std::set<std::string> seen_;
  bool is_strict_ = true;
  Word dynamic_pool_;
  std::string map_file_;
  Place map_file_place_;
  std::vector<std::string> ipv4_routes_;
  std::vector<std::string> ipv6_routes_;
};

}  // namespace

ConfigResult<Imported> import_tayga(std::string_view text, std::string_view filename,
                                    const ImportOptions& options) {
  return TaygaImporter(filename, options).run(text);
}

}  // namespace yonroku::config
