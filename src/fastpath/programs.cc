#include "fastpath/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>

#include "fastpath/offload.skel.h"

namespace yonroku::fastpath {
namespace {

std::unexpected<Error> failed(const char* what, int error) {
  return fail("offload", std::string(what) + ": " + std::strerror(error < 0 ? -error : error));
}

uint64_t nanoseconds_now() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// libbpf's messages tell more than its error numbers: kept while programs are loaded.
thread_local std::string* messages = nullptr;
int keep_message(libbpf_print_level level, const char* format, va_list arguments) {
  if (level > LIBBPF_WARN || messages == nullptr) return 0;
  char line[512];
  const int size = std::vsnprintf(line, sizeof line, format, arguments);
  if (messages->size() < 4096) *messages += line;
  return size;
}

// The last lines are those that say why.
std::string last_lines(const std::string& text) {
  std::size_t at = text.size();
  for (int lines = 0; lines < 4 && at != 0 && at != std::string::npos; ++lines) at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

std::size_t in_pages(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}
void* map_memory(const bpf_map* map, std::size_t size) {
  return ::mmap(nullptr, in_pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
}

// Two of eight entries of a bucket are in use at most, on average: one flow in a thousand finds no room.
uint32_t buckets_for(uint32_t most_flows) { return std::bit_ceil(std::max(most_flows, 1u)); }

// Interfaces of other network namespaces may have the same indices.
uint64_t network_namespace() {
  struct stat own{};
  return ::stat("/proc/thread-self/ns/net", &own) == 0 ? own.st_ino : 0;
}

bool is_like(const bpf_map* map, const bpf_map_info& info) {
  return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
         info.value_size == bpf_map__value_size(map) && info.max_entries == bpf_map__max_entries(map) &&
         info.map_flags == bpf_map__map_flags(map);
}

// The programs' own maps, without those of the compiler's.
template <class Visitor>
void for_each_map(bpf_object* object, Visitor&& visitor) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (!bpf_map__is_internal(map)) visitor(map);
  }
}

}  // namespace

CountersView& operator+=(CountersView& sum, const CountersView& other) {
  for (std::size_t direction = 0; direction < std::size(sum.forwarded); ++direction)
    for (std::size_t protocol = 0; protocol < std::size(sum.forwarded[0]); ++protocol) {
      sum.forwarded[direction][protocol].packets += other.forwarded[direction][protocol].packets;
      sum.forwarded[direction][protocol].octets += other.forwarded[direction][protocol].octets;
    }
  for (std::size_t i = 0; i < kMissCount; ++i) sum.misses[i] += other.misses[i];
  return sum;
}

void Programs::Free::operator()(yonroku_offload* object) const { yonroku_offload__destroy(object); }

void Unmap::operator()(void* memory) const { ::munmap(memory, size); }

// Why what is pinned can't be used; empty: it can.
std::string Programs::why_not_recovered(const Pins& pins) const {
  std::string why;
  for_each_map(object_->obj, [&](const bpf_map* map) {
    const std::string name = bpf_map__name(map);
    const io::FileDescriptor pinned(bpf_obj_get(pins.path_of(Pins::name_of_map(name)).c_str()));
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (!pinned.is_open() || bpf_obj_get_info_by_fd(pinned.get(), &info, &size) != 0)
      why = "there is no " + name;
    else if (!is_like(map, info))
      why = name + " has another size";
  });
  if (!why.empty()) return why;
  const io::FileDescriptor pinned(bpf_obj_get(pins.path_of(Pins::name_of_map("control")).c_str()));
  Control control{};
  const uint32_t only = 0;
  if (bpf_map_lookup_elem(pinned.get(), &only, &control) != 0 || control.layout != kLayout)
    return "it is another version's";
  if (control.network != network_namespace()) return "it is of another network namespace";
  return {};
}

// Before they are made.
void Programs::pin_maps(const Pins& pins) {
  const std::vector<std::string> names = pins.names();
  if (!names.empty()) {
    const std::string why = why_not_recovered(pins);
    has_recovered_ = why.empty();
    if (!has_recovered_) {
      spdlog::warn("offload: what is in {} can't be used: {}; it begins anew", pins.folder(), why);
      pins.remove_all();
    }
  }
  for_each_map(object_->obj, [&](bpf_map* map) {
    (void)bpf_map__set_pin_path(map, pins.path_of(Pins::name_of_map(bpf_map__name(map))).c_str());
  });
}

Result<Programs> Programs::load(uint32_t most_flows, const Pins* pins) {
  std::string said;
  messages = &said;
  const libbpf_print_fn_t before = libbpf_set_print(keep_message);
  Programs programs(yonroku_offload__open());
  int error = programs.object_ == nullptr ? errno : 0;
  if (error == 0) {
    (void)bpf_map__set_max_entries(programs.object_->maps.flows, std::max(most_flows, 1u));
    (void)bpf_map__set_max_entries(programs.object_->maps.flow_index, buckets_for(most_flows));
    if (pins != nullptr) programs.pin_maps(*pins);
    error = -yonroku_offload__load(programs.object_.get());
  }
  libbpf_set_print(before);
  messages = nullptr;
  if (error != 0)
    return fail("offload",
                std::string("the kernel refused the programs: ") + std::strerror(error) +
                    (said.empty() ? "" : "\n" + last_lines(said)),
                "needs Linux 6.1 or newer with BPF, and root or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
  // libbpf goes on without type information that the kernel refuses; a defect of ours.
  if (!said.empty()) spdlog::warn("offload: {}", last_lines(said));
  TRY(programs.map_control());
  TRY(programs.map_blocks());
  TRY(programs.map_flows(most_flows));
  TRY(programs.set_up_control());
  return programs;
}

Result<void> Programs::map_control() {
  void* const memory = map_memory(object_->maps.control, sizeof(Control));
  if (memory == MAP_FAILED) return failed("mapping its control map", errno);
  control_ = {static_cast<Control*>(memory), {in_pages(sizeof(Control))}};
  return {};
}

// What an earlier program knew of routes is old.
Result<void> Programs::map_blocks() {
  constexpr std::size_t kSize = kBlockWords * sizeof(uint64_t);
  void* const memory = map_memory(object_->maps.whole_blocks, kSize);
  if (memory == MAP_FAILED) return failed("mapping its blocks of routes", errno);
  whole_blocks_ = {static_cast<uint64_t*>(memory), {in_pages(kSize)}};
  std::atomic_ref<uint64_t>(control_->blocks_until).store(0, std::memory_order_release);
  for (uint64_t& word : whole_blocks()) std::atomic_ref<uint64_t>(word).store(0, std::memory_order_release);
  forget_routes();
  return {};
}

Result<void> Programs::map_flows(uint32_t most_flows) {
  if (most_flows == 0) return {};
  const uint32_t buckets = buckets_for(most_flows);
  void* memory = map_memory(object_->maps.flows, most_flows * sizeof(Flow));
  if (memory == MAP_FAILED) return failed("mapping its flows", errno);
  flows_ = {static_cast<Flow*>(memory), {in_pages(most_flows * sizeof(Flow))}};
  memory = map_memory(object_->maps.flow_index, buckets * sizeof(FlowBucket));
  if (memory == MAP_FAILED) return failed("mapping the flows' index", errno);
  flow_index_ = {static_cast<FlowBucket*>(memory), {in_pages(buckets * sizeof(FlowBucket))}};
  most_flows_ = most_flows;
  buckets_ = buckets;
  return {};
}

// Secrets stay what they were, or flows are not found any more.
Result<void> Programs::set_up_control() {
  control_->processors = static_cast<uint32_t>(libbpf_num_possible_cpus());
  if (has_recovered_) return {};
  uint64_t flow_seed = 0;
  if (::getrandom(&control_->identification_seed, sizeof control_->identification_seed, 0) < 0 ||
      ::getrandom(&flow_seed, sizeof flow_seed, 0) < 0)
    return failed("getrandom", errno);
  control_->kernel_hops = 1;
  control_->flows_until = UINT64_MAX;
  control_->network = network_namespace();
  control_->flow_keys = hash_keys_of(flow_seed);
  std::atomic_ref<uint32_t>(control_->flow_buckets).store(buckets_, std::memory_order_release);
  std::atomic_ref<uint32_t>(control_->layout).store(kLayout, std::memory_order_release);
  return {};
}

FlowTable Programs::flow_table(uint32_t first, uint32_t records) const {
  return {{flows_.get() + first, records}, first, {flow_index_.get(), buckets_}, control_->flow_keys};
}

Result<FlowTable> Programs::add_flow_table(uint32_t records, uint32_t first) {
  const auto is_free = [&](uint32_t begin) {
    return most_flows_ >= records && begin <= most_flows_ - records &&
           std::ranges::none_of(flow_tables_, [&](const auto& table) {
             return begin < table.first + table.second && table.first < begin + records;
           });
  };
  if (!is_free(first)) {
    first = 0;
    for (const auto& [begin, size] : flow_tables_) {
      if (is_free(first)) break;
      first = begin + size;
    }
  }
  if (!is_free(first)) return fail("offload", "no room for " + std::to_string(records) + " flows more");
  flow_tables_.emplace(first, records);
  return flow_table(first, records);
}

uint32_t Programs::end_flows(uint32_t first, uint32_t records) {
  FlowTable table = flow_table(first, records);
  const uint32_t ended = table.used();
  table.recover([](uint32_t, const FlowContent&) { return false; });
  return ended;
}
void Programs::remove_flow_table(uint32_t first_number) {
  const auto found = flow_tables_.find(first_number);
  if (found == flow_tables_.end()) return;
  (void)end_flows(found->first, found->second);
  flow_tables_.erase(found);
}

uint32_t Programs::end_flows_but(const std::function<bool(uint32_t)>& stays) {
  FlowTable table = flow_table(0, most_flows_);
  const uint32_t before = table.used();
  table.recover([&](uint32_t, const FlowContent& content) { return stays(content.instance); });
  return before - table.used();
}
uint32_t Programs::end_flows_without_table() {
  uint32_t ended = 0, first = 0;
  for (const auto& [begin, size] : flow_tables_) {
    ended += end_flows(first, begin - first);
    first = begin + size;
  }
  return ended + end_flows(first, most_flows_ - first);
}

int Programs::tc() const { return bpf_program__fd(object_->progs.yonroku_tc); }
int Programs::tc_without_link() const { return bpf_program__fd(object_->progs.yonroku_tc_without_link); }
int Programs::xdp() const { return bpf_program__fd(object_->progs.yonroku_xdp); }

void Programs::set_kernel_hops(uint32_t hops) noexcept {
  std::atomic_ref<uint32_t>(control_->kernel_hops).store(hops, std::memory_order_relaxed);
}
void Programs::forget_routes() noexcept {
  std::atomic_ref<uint32_t>(control_->generation).fetch_add(1, std::memory_order_release);
}
void Programs::set_exact(bool is_exact) noexcept {
  std::atomic_ref<uint32_t>(control_->is_exact).store(is_exact ? 1 : 0, std::memory_order_release);
  forget_routes();
}
bool Programs::is_exact() const noexcept {
  return std::atomic_ref<uint32_t>(control_->is_exact).load(std::memory_order_relaxed) != 0;
}
void Programs::trust_blocks() noexcept {
  std::atomic_ref<uint64_t>(control_->blocks_until)
      .store(nanoseconds_now() + kBlocksLifetime, std::memory_order_release);
}
void Programs::follow_flows_for(uint64_t nanoseconds) noexcept {
  std::atomic_ref<uint64_t>(control_->flows_until)
      .store(nanoseconds_now() + nanoseconds, std::memory_order_release);
}

Result<void> Programs::set_instance(uint32_t number, const InstanceView& view) {
  if (const int error = bpf_map_update_elem(bpf_map__fd(object_->maps.instances), &number, &view, BPF_ANY);
      error != 0)
    return failed("telling the programs of an instance", error);
  return {};
}

Result<InstanceView> Programs::instance(uint32_t number) const {
  InstanceView view{};
  if (const int error = bpf_map_lookup_elem(bpf_map__fd(object_->maps.instances), &number, &view); error != 0)
    return failed("reading what the programs know of an instance", error);
  return view;
}

Result<void> Programs::set_table(TableNumber number, int slots) {
  if (const int error = bpf_map_update_elem(bpf_map__fd(object_->maps.tables), &number, &slots, BPF_ANY);
      error != 0)
    return failed("telling the programs of a table", error);
  return {};
}
Result<void> Programs::remove_table(TableNumber number) {
  if (const int error = bpf_map_delete_elem(bpf_map__fd(object_->maps.tables), &number);
      error != 0 && error != -ENOENT)
    return failed("removing a table", error);
  return {};
}

Result<void> Programs::set_device(uint32_t interface, const Device& device) {
  if (const int error = bpf_map_update_elem(bpf_map__fd(object_->maps.devices), &interface, &device, BPF_ANY);
      error != 0)
    return failed("telling the programs of an interface", error);
  forget_routes();
  return {};
}
void Programs::remove_device(uint32_t interface) noexcept {
  (void)bpf_map_delete_elem(bpf_map__fd(object_->maps.devices), &interface);
  forget_routes();
}

std::vector<uint32_t> Programs::devices() const {
  const int map = bpf_map__fd(object_->maps.devices);
  std::vector<uint32_t> all;
  uint32_t next = 0;
  while (bpf_map_get_next_key(map, all.empty() ? nullptr : &all.back(), &next) == 0) all.push_back(next);
  return all;
}

uint64_t Programs::last_use_of(const Neighbour& neighbour) const noexcept {
  uint64_t when = 0;
  return bpf_map_lookup_elem(bpf_map__fd(object_->maps.neighbours), &neighbour, &when) == 0 ? when : 0;
}

Result<CountersView> Programs::counters(uint32_t instance, Place place) const {
  const uint32_t number = counters_number(instance, place);
  std::vector<CountersView> of_processor(control_->processors);
  if (const int error =
          bpf_map_lookup_elem(bpf_map__fd(object_->maps.counters), &number, of_processor.data());
      error != 0)
    return failed("reading counters", error);
  CountersView sum{};
  for (const CountersView& each : of_processor) sum += each;
  return sum;
}

void Programs::clear_counters(uint32_t instance) noexcept {
  const std::vector<CountersView> zeros(control_->processors, CountersView{});
  for (const Place place : {Place::Tc, Place::Xdp}) {
    const uint32_t number = counters_number(instance, place);
    (void)bpf_map_update_elem(bpf_map__fd(object_->maps.counters), &number, zeros.data(), BPF_ANY);
  }
}

}  // namespace yonroku::fastpath
