#include "io/steering.h"

#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace yonroku::io {
namespace {

// Registers: r0 what was loaded last and the result, r6 the packet (LD_ABS wants it there), r7 the flow's
// hash.
enum : uint8_t { kR0 = BPF_REG_0, kR1 = BPF_REG_1, kR6 = BPF_REG_6, kR7 = BPF_REG_7 };

constexpr bpf_insn load(uint8_t size, int32_t offset) {
  return {.code = static_cast<uint8_t>(BPF_LD | BPF_ABS | size),
          .dst_reg = 0,
          .src_reg = 0,
          .off = 0,
          .imm = offset};
}
constexpr bpf_insn with_constant(uint8_t operation, uint8_t to, int32_t constant) {
  return {.code = static_cast<uint8_t>(BPF_ALU64 | BPF_K | operation),
          .dst_reg = static_cast<uint8_t>(to & 0xf),
          .src_reg = 0,
          .off = 0,
          .imm = constant};
}
constexpr bpf_insn with_register(uint8_t operation, uint8_t to, uint8_t from) {
  return {.code = static_cast<uint8_t>(BPF_ALU64 | BPF_X | operation),
          .dst_reg = static_cast<uint8_t>(to & 0xf),
          .src_reg = static_cast<uint8_t>(from & 0xf),
          .off = 0,
          .imm = 0};
}
constexpr bpf_insn jump(uint8_t condition, int32_t constant, int16_t over) {
  return {.code = static_cast<uint8_t>(BPF_JMP | BPF_K | condition),
          .dst_reg = kR0,
          .src_reg = 0,
          .off = over,
          .imm = constant};
}
constexpr bpf_insn kAdd = with_register(BPF_XOR, kR7, kR0);

// A load behind the packet's end leaves the program with 0, which is a queue like any other.
constexpr auto kProgram = std::to_array<bpf_insn>({
    with_register(BPF_MOV, kR6, kR1),
    load(BPF_B, 0),
    jump(BPF_JGE, 0x60, 4),
    // IPv4: both addresses.
    load(BPF_W, 12),
    with_register(BPF_MOV, kR7, kR0),
    load(BPF_W, 16),
    jump(BPF_JA, 0, 17),
    // IPv6: the source, and what differs most in the destination.
    load(BPF_W, 8),
    with_register(BPF_MOV, kR7, kR0),
    load(BPF_W, 12),
    kAdd,
    load(BPF_W, 16),
    kAdd,
    load(BPF_W, 20),
    kAdd,
    load(BPF_W, 32),
    kAdd,
    load(BPF_B, 6),
    jump(BPF_JNE, 4, 4),
    // IPv4 in IPv6: the inner addresses too.
    load(BPF_W, 52),
    kAdd,
    load(BPF_W, 56),
    kAdd,
    load(BPF_W, 36),
    kAdd,
    with_constant(BPF_MUL, kR7, 0x2c1b3c6d),
    with_constant(BPF_RSH, kR7, 12),
    with_constant(BPF_LSH, kR7, 1),
    with_constant(BPF_AND, kR7, 0x7ffffffe),
    with_register(BPF_MOV, kR0, kR7),
    {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
});

}  // namespace

Steering Steering::load() noexcept {
  constexpr char kLicense[] = "Apache-2.0";
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = reinterpret_cast<uint64_t>(kProgram.data());
  attributes.insn_cnt = static_cast<uint32_t>(kProgram.size());
  attributes.license = reinterpret_cast<uint64_t>(kLicense);
  return Steering(
      FileDescriptor(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes))));
}

bool Steering::attach(int queue) const noexcept {
  int program = program_.get();
  return is_loaded() && ::ioctl(queue, TUNSETSTEERINGEBPF, &program) == 0;
}

}  // namespace yonroku::io
