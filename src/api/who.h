// Who had an address and port at some time: from the log for what NATs give out, and computed from settings
// and tables that were in force then for what follows from them (RFC 7422 §2, RFC 7597 §5, RFC 7596 §5,
// RFC 7757 §3.3, RFC 6052 §2.2).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "natlog/store/history.h"
#include "share/nat/port_pool.h"

namespace yonroku::api {

struct WhoQuestion {
  Ipv4Address address;
  uint16_t port = 0;  // or ICMP identifier
  std::optional<share::NatProtocol> protocol;
  natlog::Milliseconds time = 0;
  natlog::Milliseconds skew = 0;           // how wrong the time may be, either way
  std::optional<natlog::Remote> remote{};  // only who talked to it, as far as that is known
};

struct WhoAnswer {
  enum class How : uint8_t { PortBlock, Binding, Session, Deterministic, Rule, Softwire, Mapping, Prefix };
  std::string instance;
  config::Mechanism mechanism{};
  std::string subscriber;             // an IPv6 prefix; in a NAT of IPv4 alone, an address
  std::optional<std::string> inside;  // the address, where it is known
  std::optional<uint16_t> inside_port;
  std::string outside;
  std::string outside_ports;  // "2000-2511"
  std::optional<share::NatProtocol> protocol;
  std::optional<natlog::Milliseconds> from, until;  // nullopt: unknown; goes on
  How how{};
  bool is_remote_known = false;  // to whom it was; then a note says it
  std::vector<std::string> notes;
};
[[nodiscard]] std::string_view to_string(WhoAnswer::How how);

struct WhoResult {
  std::vector<WhoAnswer> answers;
  std::vector<natlog::Gap> gaps;                  // that may hide somebody
  std::optional<natlog::Milliseconds> log_begin;  // when the question is about a time before
  bool is_cut = false;                            // there are more answers
};

class Who {
 public:
  [[nodiscard]] static Result<Who> open(const std::string& folder);
  [[nodiscard]] Result<WhoResult> ask(const WhoQuestion& question);
  // What those in the prefix used in the span; of the inside IPv4 address A, ::A/128. `remote` as in
  // questions.
  [[nodiscard]] Result<WhoResult> used_by(const Ipv6Prefix& subscriber, const natlog::TimeSpan& span,
                                          std::size_t most,
                                          const std::optional<natlog::Remote>& remote = std::nullopt);

 private:
  explicit Who(natlog::History history) : history_(std::move(history)) {}
  void add_deterministic(const WhoQuestion& question, const natlog::TimeSpan& span, WhoResult& result);
  void add_static(const WhoQuestion& question, const natlog::TimeSpan& span, WhoResult& result) const;
  [[nodiscard]] Result<void> add_tables(const WhoQuestion& question, const natlog::TimeSpan& span,
                                        WhoResult& result);
  [[nodiscard]] bool is_in_pool(Ipv4Address address, const natlog::TimeSpan& span) const;
  [[nodiscard]] Result<void> add_prefixes(const WhoQuestion& question, const natlog::TimeSpan& span,
                                          WhoResult& result);
  void add_prefixes_of(const Ipv6Prefix& subscriber, const natlog::TimeSpan& span,
                       const std::vector<natlog::PastEntry>& entries, WhoResult& result) const;
  void add_static_of(const Ipv6Prefix& subscriber, const natlog::TimeSpan& span, std::size_t most,
                     WhoResult& result) const;
  void add_deterministic_of(const Ipv6Prefix& subscriber, const natlog::TimeSpan& span, std::size_t most,
                            WhoResult& result);
  [[nodiscard]] Result<void> add_tables_of(const Ipv6Prefix& subscriber, const natlog::TimeSpan& span,
                                           std::size_t most, WhoResult& result);
  [[nodiscard]] Result<void> add_gaps(const natlog::TimeSpan& span, WhoResult& result);
  [[nodiscard]] Result<WhoAnswer> answer_of(const natlog::Holder& holder);
  const share::PortPool& pool_of(const natlog::PastSource& source);
  [[nodiscard]] natlog::TimeSpan same_settings(const natlog::PastSource& source) const;

  natlog::History history_;
  std::map<int64_t, std::unique_ptr<share::PortPool>> pools_;  // by source
};

}  // namespace yonroku::api
