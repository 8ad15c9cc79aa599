// What one worker keeps for its mechanism: never shared, survives a change of settings.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <vector>

#include "base/instant.h"
#include "base/random_source.h"
#include "carry/translate/identification.h"
#include "mechanism/alg/alg.h"
#include "mechanism/proxy_connections.h"
#include "packet/trace.h"
#include "share/nat/nat.h"
#include "share/nat/session_offload.h"

namespace yonroku::mechanism {

struct WorkerState {
  explicit WorkerState(uint64_t seed, uint16_t index = 0, uint16_t count = 1,
                       std::pmr::memory_resource* for_tables = std::pmr::get_default_resource())
      : worker(index),
        workers(count),
        memory(for_tables),
        random(seed),
        identifications(random, index, count) {}
  uint16_t worker;  // of `workers`
  uint16_t workers;
  std::pmr::memory_resource* memory;
  RandomSource random;
  carry::Identifications identifications;
  std::unique_ptr<share::Nat> nat;                      // of mechanisms that have one
  std::unique_ptr<Alg> alg;                             // where it was on at some time
  std::unique_ptr<ProxyConnections> proxy_connections;  // of slb64, once a service has them
  std::vector<uint64_t> server_flows;                // of slb64: flows begun with each server, by its number
  share::SessionOffload* session_offload = nullptr;  // of the NAT; outlives this
  Instant now;                                       // when the batch under way was received
  Trace* trace = nullptr;                            // set while a packet is explained
};

}  // namespace yonroku::mechanism
