// The part of yonroku show that is about NATs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/socket_options.h"

namespace yonroku::app {

struct NatOptions {
  std::string subscriber;
  std::string inside;
  std::string outside;
  std::string remote;
  std::string protocol;
  std::string sort;
  std::optional<uint64_t> limit;
  bool is_followed = false;
};

// bindings, sessions, subscribers and ports below `show`.
void add_show_nat_commands(CLI::App& show, const std::shared_ptr<SocketOptions>& where);

}  // namespace yonroku::app
