// What the running program says about itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/nat_view.h"
#include "control/services.h"
#include "control/table_kind.h"
#include "fastpath/offload.h"
#include "natlog/log.h"
#include "observe/totals.h"

namespace yonroku::control {

struct InstanceStatus {
  std::string name;
  std::string mechanism;
  std::string device;
  unsigned workers = 0;
  TableKind table = TableKind::Mappings;
  std::size_t mappings = 0;         // or rules, or softwires
  std::size_t mappings_memory = 0;  // octets
  std::vector<std::string> routes;  // installed by us, as "198.51.100.0/24"
  std::chrono::system_clock::time_point since;
  std::optional<std::string> failure;               // why it no longer works
  std::optional<fastpath::InstanceStatus> offload;  // of those that ask for it
  std::optional<NatStatus> nat;                     // of those with a NAT that answers
  std::vector<ServiceStatus> services;              // of load balancers that answer
};

struct Status {
  std::string version;
  int process_id = 0;
  std::chrono::system_clock::time_point since;
  std::optional<std::chrono::system_clock::time_point> reloaded;
  std::vector<InstanceStatus> instances;
  std::vector<fastpath::InterfaceStatus> offload_interfaces;  // where its programs are
  bool offload_is_exact = false;                              // fastpath::Offload::is_exact()
  std::optional<natlog::LogStatus> log;                       // if there is a section `nat-log`
  std::vector<std::string> warnings;                          // about the host: forwarding off, and the like
};

struct InstanceCounters {
  std::string name;
  observe::Totals totals;
  uint64_t offloaded_packets = 0;                                  // of totals
  uint64_t learned_path_mtus = 0;                                  // so often one was learned
  std::vector<std::optional<std::chrono::nanoseconds>> cpu_times;  // of each worker
  std::optional<share::NatCounts> nat;                             // of those with a NAT that answers
};

}  // namespace yonroku::control
