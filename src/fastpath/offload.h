// The offload of one daemon: which instances it serves, at which interfaces, and how well.
//
// Not thread-safe: its owner orders the calls.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "fastpath/attachment.h"
#include "fastpath/instance_view.h"
#include "fastpath/interface.h"
#include "fastpath/pins.h"
#include "fastpath/programs.h"
#include "fastpath/session_offload.h"
#include "fastpath/table_memory.h"

namespace yonroku::fastpath {

enum class Mode : uint8_t { Off, Tc, Xdp, Auto };

// What an instance asks for.
struct Wish {
  Mode mode = Mode::Off;
  std::vector<std::string> interfaces;  // empty: every one that can
};

struct InterfaceStatus {
  std::string name;
  bool has_tc = false;
  bool has_xdp = false;
  std::string why;  // this, and not more
};

// Flows of a NAT's sessions.
struct FlowsStatus {
  uint64_t capacity = 0;
  FlowOffload::Recovered at_start;  // of those that an earlier program had left
};

struct InstanceStatus {
  std::string name;
  std::optional<std::string> refusal;  // why it is not served
  std::array<CountersView, kPlaces> counters{};
  std::vector<std::string> interfaces;  // where its packets are seen
  std::optional<FlowsStatus> flows;     // of NATs, from who has the sessions
};

class Offload {
 public:
  // What an earlier program has left: nothing without `folder`.
  struct State {
    std::optional<std::string> folder;    // of a BPF file system
    std::vector<std::string> with_flows;  // instances whose flows may go on; others begin anew
  };

  // Loads the programs, with room for so many flows of NATs: before privileges are given up. With a folder,
  // what this one leaves there goes on without it, and so does what an earlier one has left.
  static Result<std::unique_ptr<Offload>> create(uint32_t most_flows, const State& state = {});
  // Ends what a program has left there.
  static Result<void> forget(const std::string& folder);
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  // For the tables of instances that are to be served.
  [[nodiscard]] TableMemory& table_memory() { return table_memory_; }

  // An instance that is there from now on, and its TUN device. Its number, until remove(); an error when
  // there are too many.
  Result<uint32_t> add(const std::string& name, const std::string& device, const Wish& wish);
  void remove(uint32_t instance);
  void set_wish(uint32_t instance, const Wish& wish);
  // Room for flows of one worker of the instance's NAT, at most `records` of them, or what is left; nothing
  // when there is none. Until remove().
  std::unique_ptr<FlowOffload> flows_for(uint32_t instance, FlowKind kind, uint32_t records);
  // What the programs do for it from now on; asked again after every change of its tables or settings.
  void serve(uint32_t instance, const ServedOrNot& served);

  // All instances of the start have been added, and programs attached: what is left of earlier ones beside
  // that ends. `user` is who adds what comes later.
  void have_started(uid_t user);
  // The end of the program is near: what remove() would end goes on, if there is a folder for it.
  void leave() noexcept;
  [[nodiscard]] bool is_leaving() const { return is_leaving_; }

  // Attaches the programs where they are wished for and not yet there, and detaches them where they no longer
  // are. `present` are all interfaces.
  void attach(std::span<const Interface> present);
  // Routes, neighbours or addresses have changed.
  // Programs::last_use_of(); from any thread.
  [[nodiscard]] uint64_t last_use_of(const Neighbour& neighbour) const noexcept {
    return programs_.last_use_of(neighbour);
  }
  void forget_routes() noexcept { programs_.forget_routes(); }
  // Routing depends on more than destinations: the kernel is asked about every packet, and none is taken for
  // one of a flow.
  void set_exact(bool is_exact) noexcept { programs_.set_exact(is_exact); }
  [[nodiscard]] bool is_exact() const noexcept { return programs_.is_exact(); }
  // As Programs has them.
  [[nodiscard]] std::span<uint64_t> whole_blocks() const { return programs_.whole_blocks(); }
  // To be called again and again, or flows are the engine's again after half a minute, unless they are
  // to outlive the program.
  void trust_blocks() noexcept;

  [[nodiscard]] CountersView counters(uint32_t instance) const;  // both places
  [[nodiscard]] std::vector<InterfaceStatus> interfaces() const;
  [[nodiscard]] InstanceStatus status(uint32_t instance) const;

 private:
  struct Instance {
    std::string name;
    uint32_t device = 0;
    Wish wish;
    std::optional<InstanceView> view;
    std::string refusal;
    std::vector<uint32_t> flow_tables;  // by their first number
  };
  struct Attached {
    Interface interface;
    std::optional<Attachment> tc;
    std::optional<Attachment> xdp;
    std::string why;
  };
  struct Earlier {
    uint32_t number;
    uint32_t first_flow;
  };
  Offload(std::optional<Pins> pins, Programs programs)
      : pins_(std::move(pins)), programs_(std::move(programs)) {}
  Result<void> recover(const std::vector<std::string>& with_flows);
  [[nodiscard]] uint32_t number_for(const std::string& name) const;
  [[nodiscard]] const Pins* pins() const { return pins_ ? &*pins_ : nullptr; }
  [[nodiscard]] uint32_t places_of(const Instance& instance) const;
  void tell_of(uint32_t number, const Instance& instance);
  void attach_to(const Interface& interface, bool wants_tc, bool wants_xdp, bool chooses);
  [[nodiscard]] bool is_ours(uint32_t interface) const;

  TableMemory table_memory_;
  std::optional<Pins> pins_;
  Programs programs_;
  bool is_leaving_ = false;
  std::map<std::string, Earlier> earlier_;  // instances of an earlier program with flows that go on, by name
  std::map<uint32_t, Instance> instances_;  // by number
  std::map<uint32_t, Attached> attached_;   // by interface index
};

}  // namespace yonroku::fastpath
