// Frames as a network driver would bring them, for the lab's benchmark of the XDP offload, and a sink that
// counts.
//
//   xdp_feed feed --interface NAME --frames FILE [--attached | --redirect NAME] [--seconds S] [--batch N]
//   xdp_feed sink --interface NAME
//
// `feed` runs an XDP program on live frames (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES): what it
// passes goes up the stack as if received on the interface, what it redirects leaves. A page that returns to
// the pool still holds what the program made of the frame, so each frame is written again first: a program of
// ours copies one of FILE (hexadecimal, one a line, all of one length) at random, and goes on into the
// program that is attached to the interface (--attached), or passes. Both pay the same for that. `sink` drops
// and counts in XDP what arrives until SIGTERM or SIGINT. Each prints one JSON object.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "io/file_descriptor.h"

namespace yonroku {
namespace {

using io::FileDescriptor;

constexpr std::size_t kLargestFrame = 512;
constexpr std::size_t kEthernetHeader = 14;
constexpr int kFramesPerCall = 1 << 18;
using Frame = std::vector<uint8_t>;
using Slot = std::array<uint8_t, kLargestFrame>;  // a frame in the map

[[noreturn]] void die(const std::string& what) {
  fmt::print(stderr, "xdp_feed: {}\n", what);
  std::exit(1);
}

[[noreturn]] void die_with_errno(const std::string& what) { die(what + ": " + std::strerror(errno)); }

FileDescriptor opened(int descriptor, const char* what) {
  if (descriptor < 0) die_with_errno(what);
  return FileDescriptor(descriptor);
}

int index_of(const std::string& interface) {
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0) die("no interface " + interface);
  return static_cast<int>(index);
}

// Instructions

constexpr uint8_t kResult = BPF_REG_0, kFirst = BPF_REG_1, kSecond = BPF_REG_2, kThird = BPF_REG_3,
                  kFourth = BPF_REG_4, kContext = BPF_REG_6, kStack = BPF_REG_10;

constexpr bpf_insn instruction(int code, uint8_t to, uint8_t from, int16_t offset, int32_t immediate) {
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(to & 15), static_cast<uint8_t>(from & 15), offset,
          immediate};
}
constexpr bpf_insn set(uint8_t to, int32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}
constexpr bpf_insn copy(uint8_t to, uint8_t from) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
constexpr bpf_insn add(uint8_t to, int32_t value) {
  return instruction(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value);
}
constexpr bpf_insn mask(uint8_t to, int32_t value) {
  return instruction(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value);
}
constexpr bpf_insn push(uint8_t from) {  // 32 bits, below the top of the stack
  return instruction(BPF_STX | BPF_MEM | BPF_W, kStack, from, -4, 0);
}
constexpr bpf_insn skip_if_null(uint8_t pointer, int16_t instructions) {
  return instruction(BPF_JMP | BPF_JEQ | BPF_K, pointer, 0, instructions, 0);
}
constexpr bpf_insn load_context(uint8_t to, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<int16_t>(offset), 0);
}
constexpr bpf_insn count(uint8_t pointer, uint8_t by) {
  return instruction(BPF_STX | BPF_ATOMIC | BPF_DW, pointer, by, 0, BPF_ADD);
}
constexpr bpf_insn call(int32_t helper) { return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
constexpr bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }
bpf_insn map_low(uint8_t to, const FileDescriptor& map) {
  return instruction(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map.get());
}
constexpr bpf_insn map_high() { return instruction(0, 0, 0, 0, 0); }

// Programs

// How a program says which others it can go on into: the kernel wants the same of both.
struct Kind {
  bpf_attach_type attach_type;
  uint32_t flags;
};
constexpr std::array<Kind, 4> kKinds{{{BPF_XDP, 0},
                                      {BPF_XDP, BPF_F_XDP_HAS_FRAGS},
                                      {bpf_attach_type{}, 0},
                                      {bpf_attach_type{}, BPF_F_XDP_HAS_FRAGS}}};

FileDescriptor load(std::span<const bpf_insn> instructions, Kind kind = kKinds.front()) {
  std::array<char, 16384> log{};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = kind.attach_type, .prog_flags = kind.flags,
              .log_level = 1, .log_size = log.size(), .log_buf = log.data());
  const int program =
      bpf_prog_load(BPF_PROG_TYPE_XDP, "xdp_feed", "GPL", instructions.data(), instructions.size(), &options);
  if (program < 0)
    die(fmt::format("a program of ours was refused: {}\n{}", std::strerror(errno), log.data()));
  return FileDescriptor(program);
}

FileDescriptor create_map(bpf_map_type type, std::size_t value_size, std::size_t entries) {
  return opened(bpf_map_create(type, "xdp_feed", sizeof(uint32_t), static_cast<uint32_t>(value_size),
                               static_cast<uint32_t>(entries), nullptr),
                "a map");
}

// Drops as long as it lives.
FileDescriptor attach(const FileDescriptor& program, int interface) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  return opened(bpf_link_create(program.get(), interface, BPF_XDP, &options), "attaching to the interface");
}

FileDescriptor load_counting_drop(const FileDescriptor& counter) {
  return load(std::array{set(kSecond, 0), push(kSecond), copy(kSecond, kStack), add(kSecond, -4),
                         map_low(kFirst, counter), map_high(), call(BPF_FUNC_map_lookup_elem),
                         skip_if_null(kResult, 2), set(kFirst, 1), count(kResult, kFirst),
                         set(kResult, XDP_DROP), leave()});
}

// What a feeder does with a frame that it has written.
using Rest = std::vector<bpf_insn>;

Rest pass() { return {set(kResult, XDP_PASS), leave()}; }

Rest redirect_to(int interface) {
  return {set(kFirst, interface), set(kSecond, 0), call(BPF_FUNC_redirect), leave()};
}

Rest go_on_into(const FileDescriptor& programs) {
  return {copy(kFirst, kContext),   map_low(kSecond, programs), map_high(), set(kThird, 0),
          call(BPF_FUNC_tail_call), set(kResult, XDP_ABORTED),  leave()};
}

// Copies in words that begin where those of the IP header do, and not by xdp_store_bytes: what the
// processor's string instructions have just written cannot be read until it is in the cache, and a program
// reads it at once. Frames of a driver lie there.
void copy_frame(std::vector<bpf_insn>& program, std::size_t length) {
  const auto move = [&](int size, std::size_t at) {
    program.push_back(instruction(BPF_LDX | BPF_MEM | size, kFourth, kResult, static_cast<int16_t>(at), 0));
    program.push_back(instruction(BPF_STX | BPF_MEM | size, kSecond, kFourth, static_cast<int16_t>(at), 0));
  };
  move(BPF_DW, 0);
  move(BPF_W, 8);
  move(BPF_H, 12);
  std::size_t at = kEthernetHeader;
  for (; at + 8 <= length; at += 8) move(BPF_DW, at);
  for (; at < length; ++at) move(BPF_B, at);
}

// Writes a random frame of `frames`, a power of two of them.
FileDescriptor load_feeder(const FileDescriptor& frames, std::size_t number, std::size_t length,
                           const Rest& rest, Kind kind = kKinds.front()) {
  std::vector<bpf_insn> program{copy(kContext, kFirst),
                                call(BPF_FUNC_get_prandom_u32),
                                mask(kResult, static_cast<int32_t>(number - 1)),
                                push(kResult),
                                copy(kSecond, kStack),
                                add(kSecond, -4),
                                map_low(kFirst, frames),
                                map_high(),
                                call(BPF_FUNC_map_lookup_elem),
                                skip_if_null(kResult, 1),
                                instruction(BPF_JMP | BPF_JA, 0, 0, 2, 0),
                                set(kResult, XDP_ABORTED),
                                leave(),
                                load_context(kSecond, offsetof(xdp_md, data)),
                                load_context(kThird, offsetof(xdp_md, data_end)),
                                copy(kFourth, kSecond),
                                add(kFourth, static_cast<int32_t>(length)),
                                instruction(BPF_JMP | BPF_JLE | BPF_X, kFourth, kThird, 2, 0),
                                set(kResult, XDP_ABORTED),
                                leave()};
  copy_frame(program, length);
  std::ranges::copy(rest, std::back_inserter(program));
  return load(program, kind);
}

// Frames

Frame parse_frame(const std::string& line) {
  Frame frame(line.size() / 2);
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const char* digits = line.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, frame[i], 16).ptr != digits + 2) die("not hexadecimal: " + line);
  }
  return frame;
}

std::vector<Frame> read_frames(const std::string& path) {
  std::ifstream file(path);
  std::vector<Frame> frames;
  for (std::string line; std::getline(file, line);) frames.push_back(parse_frame(line));
  if (!std::has_single_bit(frames.size())) die(path + ": the number of frames must be a power of two");
  for (const Frame& frame : frames) {
    if (frame.size() != frames.front().size()) die(path + ": all frames must have one length");
    if (frame.size() < kEthernetHeader || frame.size() > kLargestFrame)
      die(path + ": frames have 14 to 512 octets");
  }
  return frames;
}

FileDescriptor frame_map(const std::vector<Frame>& frames) {
  FileDescriptor map = create_map(BPF_MAP_TYPE_ARRAY, sizeof(Slot), frames.size());
  for (uint32_t i = 0; i < frames.size(); ++i) {
    Slot slot{};
    std::ranges::copy(frames[i], slot.begin());
    if (bpf_map_update_elem(map.get(), &i, slot.data(), BPF_ANY) != 0) die_with_errno("writing a frame");
  }
  return map;
}

// What is run: our program, what it goes on into, and what keeps the interface able to receive.
struct Feeder {
  FileDescriptor frames;
  FileDescriptor next;
  FileDescriptor program;
  FileDescriptor link;
};

// Which kind of program the attached one is can't be asked, only tried.
Feeder feeder_into_program(const std::vector<Frame>& frames, uint32_t program_id) {
  Feeder feeder{.frames = frame_map(frames), .next = {}, .program = {}, .link = {}};
  const FileDescriptor attached =
      opened(bpf_prog_get_fd_by_id(program_id), "the program that is attached to the interface");
  for (const Kind kind : kKinds) {
    feeder.next = create_map(BPF_MAP_TYPE_PROG_ARRAY, sizeof(uint32_t), 1);
    feeder.program =
        load_feeder(feeder.frames, frames.size(), frames.front().size(), go_on_into(feeder.next), kind);
    const uint32_t first = 0;
    const int descriptor = attached.get();
    if (bpf_map_update_elem(feeder.next.get(), &first, &descriptor, BPF_ANY) == 0) return feeder;
  }
  die_with_errno("going on into the attached program");
}

// A receive queue takes live frames only while a program is attached to its interface: one that passes.
Feeder feeder_alone(const std::vector<Frame>& frames, int interface, const Rest& rest) {
  Feeder feeder{
      .frames = frame_map(frames), .next = {}, .program = {}, .link = attach(load(pass()), interface)};
  feeder.program = load_feeder(feeder.frames, frames.size(), frames.front().size(), rest);
  return feeder;
}

// Commands

struct Options {
  std::string interface;
  std::string frames;
  std::string redirect;
  bool attached = false;
  double seconds = 1;
  uint32_t batch = 64;
};

uint32_t attached_program(int interface) {
  uint32_t id = 0;
  if (bpf_xdp_query_id(interface, 0, &id) != 0) die("the interface does not say what is attached to it");
  return id;
}

// One call of the kernel: so many frames of the feeder, as if received on the interface.
void run_once(const Feeder& feeder, const Frame& frame, int interface, uint32_t batch) {
  xdp_md context{};
  context.data_end = static_cast<uint32_t>(frame.size());
  context.ingress_ifindex = static_cast<uint32_t>(interface);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<uint32_t>(frame.size()), .ctx_in = &context,
              .ctx_size_in = sizeof context, .repeat = kFramesPerCall, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
              .batch_size = batch);
  if (bpf_prog_test_run_opts(feeder.program.get(), &options) != 0) die_with_errno("running the program");
}

void feed(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const int interface = index_of(options.interface);
  const uint32_t program_id = attached_program(interface);
  if (options.attached != (program_id != 0))
    die(options.interface + (options.attached ? " has no XDP program" : " has an XDP program already"));
  const std::vector<Frame> frames = read_frames(options.frames);
  const Feeder feeder =
      options.attached
          ? feeder_into_program(frames, program_id)
          : feeder_alone(frames, interface,
                         options.redirect.empty() ? pass() : redirect_to(index_of(options.redirect)));

  const auto start = Clock::now();
  std::chrono::duration<double> elapsed{};
  uint64_t sent = 0;
  while (elapsed.count() < options.seconds) {
    run_once(feeder, frames.front(), interface, options.batch);
    sent += kFramesPerCall;
    elapsed = Clock::now() - start;
  }
  fmt::print("{{\"sent\": {}, \"seconds\": {:.6f}, \"flows\": {}, \"octets\": {}, \"program\": {}}}\n", sent,
             elapsed.count(), frames.size(), frames.front().size(), program_id);
}

void sink(const Options& options) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);

  const FileDescriptor counter = create_map(BPF_MAP_TYPE_ARRAY, sizeof(uint64_t), 1);
  const FileDescriptor link = attach(load_counting_drop(counter), index_of(options.interface));
  fmt::print(stderr, "listening\n");
  int signal = 0;
  sigwait(&ends, &signal);

  const uint32_t first = 0;
  uint64_t received = 0;
  if (bpf_map_lookup_elem(counter.get(), &first, &received) != 0) die_with_errno("reading the counter");
  fmt::print("{{\"received\": {}}}\n", received);
}

int run(int argument_count, char** arguments) {
  Options options;
  CLI::App app("Feeds frames to an interface as its driver would, and counts them elsewhere", "xdp_feed");
  app.require_subcommand(1);
  CLI::App* feed_command = app.add_subcommand("feed", "run the interface's XDP program on frames of a file");
  feed_command->add_option("--interface", options.interface)->required();
  feed_command->add_option("--frames", options.frames)->required()->check(CLI::ExistingFile);
  CLI::Option* attached = feed_command->add_flag("--attached", options.attached,
                                                 "through the program that is attached to the interface");
  feed_command->add_option("--redirect", options.redirect, "to another interface, unseen")
      ->excludes(attached);
  feed_command->add_option("--seconds", options.seconds)->check(CLI::PositiveNumber);
  feed_command->add_option("--batch", options.batch)->check(CLI::Range(1, 256));
  feed_command->callback([&] { feed(options); });
  CLI::App* sink_command = app.add_subcommand("sink", "count and drop what arrives");
  sink_command->add_option("--interface", options.interface)->required();
  sink_command->callback([&] { sink(options); });
  CLI11_PARSE(app, argument_count, arguments);
  return 0;
}

}  // namespace
}  // namespace yonroku

int main(int argument_count, char** arguments) { return yonroku::run(argument_count, arguments); }
