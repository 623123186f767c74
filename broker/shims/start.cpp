// SPDX-License-Identifier: Apache-2.0
// What a C library does between exec and main(), and the functions that the compiler itself calls.
#include <sys/syscall.h>

#include <cstddef>

#include "shims/system_call.h"

int main(int argc, char** argv);  // NOLINT(misc-use-internal-linkage): of main.cpp

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
  auto* out = static_cast<char*>(to);
  const auto* in = static_cast<const char*>(from);
  for (std::size_t i = 0; i < size; ++i) out[i] = in[i];
  return to;
}

void* memset(void* to, int value, std::size_t size) {
  auto* out = static_cast<char*>(to);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(value);
  return to;
}

int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return a[i] - b[i];
  }
  return 0;
}

void* memchr(const void* bytes, int wanted, std::size_t size) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  for (std::size_t i = 0; i < size; ++i) {
    if (at[i] == static_cast<unsigned char>(wanted)) return const_cast<unsigned char*>(at + i);
  }
  return nullptr;
}

std::size_t strlen(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

// `stack` is where the kernel left argc, with argv behind it.
[[noreturn, gnu::used]] void upcall_start(long* stack) {
  const int status = main(static_cast<int>(*stack), reinterpret_cast<char**>(stack + 1));
  for (;;) upcall::shim::system_call(SYS_exit_group, status);
}

}  // extern "C"

#if defined(__x86_64__)
asm(".globl _start\n_start: xor %ebp, %ebp\nmov %rsp, %rdi\nand $-16, %rsp\ncall upcall_start\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start: mov x29, #0\nmov x0, sp\nbl upcall_start\n");
#endif
