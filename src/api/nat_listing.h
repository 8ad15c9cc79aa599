// A table of a NAT as JSON, piece by piece: bindings, sessions, subscribers or ports (docs/api.md). Millions
// of entries are never held at once, and no worker is asked often enough to be slowed down
// (docs/decisions/0016-questions-between-batches.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/busiest.h"
#include "control/nat_view.h"

namespace yonroku::api {

// Between two looks of some 50 microseconds, so that a worker spends little of its time on them.
inline constexpr std::chrono::microseconds kPauseBetweenLooks{200};

struct NatRequest {
  control::NatQuery query;
  control::NatPlace from;
  std::optional<uint64_t> limit;  // entries at most
  std::size_t busiest = 10;       // of ports: how many subscribers
  bool is_sorted = false;         // of subscribers: `limit` of them, the busiest by query.order first
  bool is_followed = false;       // what happens from now on, instead of what there is
};

// What a request's parameters ask for. Errors name the parameter.
[[nodiscard]] Result<NatRequest> parse_nat_request(control::NatTable table,
                                                   const std::multimap<std::string, std::string>& parameters);

void append_json(std::string& text, const share::BindingView& binding);
void append_json(std::string& text, const share::SessionView& session);
void append_json(std::string& text, const share::SubscriberView& subscriber);
void append_json(std::string& text, const share::PoolAddressView& address);
// `time` is when it happened, in milliseconds since 1970.
void append_json(std::string& text, const share::NatEvent& event, int64_t time);

class NatListing {
 public:
  using Look = std::function<Result<control::NatPiece>(const control::NatQuery& query,
                                                       const control::NatPlace& from, std::size_t most)>;
  enum class Pause : uint8_t { BetweenLooks, Never };  // never: tests

  NatListing(const NatRequest& request, Look look, Pause pause = Pause::BetweenLooks);

  // Some more of it; may be empty before has_ended(). An error ends it: as the first piece it is the answer;
  // later, what was sent is completed with it.
  [[nodiscard]] Result<std::string> next_piece();
  [[nodiscard]] std::string end_with(const Error& error);
  [[nodiscard]] bool has_ended() const { return phase_ == Phase::Ended; }

 private:
  Result<control::NatPiece> look(const control::NatQuery& query, std::size_t most);
  template <class Views>
  void append(std::string& text, const Views& views);
  void append_with_ranges(std::string& text, const control::NatPiece& piece);
  enum class Phase : uint8_t { Table, Busiest, Ended };
  Result<std::string> next_of_table();
  Result<std::string> next_of_busiest();
  std::string head();

  NatRequest request_;
  Look look_;
  Pause pause_;
  std::optional<control::NatPlace> next_;
  Phase phase_;
  control::Busiest busiest_;
  uint64_t count_ = 0;
  bool has_begun_ = false;
  bool has_looked_ = false;
};

}  // namespace yonroku::api
