// Packets that other workers received and this one must process, since their state is here. Bounded; whoever
// waits for work is woken through a descriptor.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "io/file_descriptor.h"
#include "packet/packet.h"

namespace yonroku::engine {

class Inbox {
 public:
  static constexpr std::size_t kMost = 512;  // packets

  Inbox() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  // Copies the packet, with room for `headroom` octets in front. False: the inbox is full. Any thread.
  bool put(const Packet& packet, std::size_t headroom) {
    Parcel parcel;
    parcel.octets.resize(headroom + packet.size());
    parcel.offload = packet.offload;
    parcel.headroom = headroom;
    const auto bytes = packet.bytes();
    std::copy(bytes.begin(), bytes.end(), parcel.octets.begin() + static_cast<std::ptrdiff_t>(headroom));
    bool was_empty = false;
    {
      const std::scoped_lock lock(mutex_);
      if (parcels_.size() >= kMost) return false;
      was_empty = parcels_.empty();
      parcels_.push_back(std::move(parcel));
    }
    constexpr uint64_t kOne = 1;
    if (was_empty) (void)!::write(event_.get(), &kOne, sizeof kOne);
    return true;
  }

  // Calls process(Packet&) for each packet, in order; returns how many there were. The owner's thread.
  template <class Process>
  std::size_t empty(Process&& process) {
    {
      const std::scoped_lock lock(mutex_);
      if (parcels_.empty()) return 0;
      std::swap(parcels_, taken_);
    }
    uint64_t count = 0;
    (void)!::read(event_.get(), &count, sizeof count);
    for (Parcel& parcel : taken_) {
      Packet packet(parcel.octets, parcel.headroom, parcel.octets.size() - parcel.headroom);
      packet.offload = parcel.offload;
      process(packet);
    }
    const std::size_t taken = taken_.size();
    taken_.clear();
    return taken;
  }

  // Waits for a packet here or at `fd`, so long at most; null: for ever. Returns early when a signal comes.
  void wait(int fd, const timespec* limit) const {
    pollfd polled[] = {{fd, POLLIN, 0}, {event_.get(), POLLIN, 0}};
    ::ppoll(polled, 2, limit, nullptr);
  }

 private:
  struct Parcel {
    std::vector<std::byte> octets;
    Offload offload;
    std::size_t headroom = 0;
  };
  io::FileDescriptor event_;
  std::mutex mutex_;
  std::vector<Parcel> parcels_;
  std::vector<Parcel> taken_;
};

}  // namespace yonroku::engine
