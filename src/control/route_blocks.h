// Finds out from the kernel's routes (rtnetlink(7)) which blocks of destinations are whole, that is, hold no
// route to a part of them (fastpath/route_blocks.h).
//
// A new route splits blocks at once. What routes that are gone had split becomes whole only with the next
// dump of all routes, which is asked for now and then.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

struct nlmsghdr;

namespace yonroku::control {

class RouteBlocks {
 public:
  // `whole`: fastpath::kBlockWords words, which programs read. Nothing is whole yet.
  explicit RouteBlocks(std::span<uint64_t> whole);

  // A message of the kernel's: of a change, or of the dump. Of others than routes' it knows only whether
  // routes end with what they tell.
  void see_change(const nlmsghdr& message);
  void see_dumped(const nlmsghdr& message);
  // Changes have been lost: nothing is whole.
  void forget();

  // Between the two, every route is shown, and changes as they come. `is_complete`: the kernel said that it
  // was all. Blocks are as before when it was not, or when the kernel may have left some out.
  void begin_dump();
  bool end_dump(bool is_complete);
  // Whether another dump would find out more than is known.
  [[nodiscard]] bool is_outdated() const { return is_outdated_; }

  // Whether there are routes for some sources or traffic classes only.
  [[nodiscard]] bool depends_on_more() const { return depends_on_more_; }

 private:
  template <class Visitor>
  static void for_each_split(const nlmsghdr& route, Visitor&& visit);
  void note_more(const nlmsghdr& route);

  std::span<uint64_t> whole_;
  std::vector<uint64_t> split_;  // bits, while a dump goes on
  bool is_outdated_ = true;
  bool depends_on_more_ = false, dumped_depend_on_more_ = false;
  bool is_dump_good_ = false;
};

}  // namespace yonroku::control
