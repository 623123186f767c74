// SPDX-License-Identifier: Apache-2.0
// System calls without a C library, whose start-up would cost a dumping process half a millisecond.
// Each returns what the kernel returns: a value, or a negated errno.
#pragma once

#include <cstdint>

namespace upcall::shim {

inline long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                        long f = 0) {
// What asm changes may not be const.
// NOLINTBEGIN(misc-const-correctness)
#if defined(__x86_64__)
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#else
#error "system_call() is not written for this architecture"
#endif
  // NOLINTEND(misc-const-correctness)
}

inline long address_of(const void* object) { return reinterpret_cast<long>(object); }

}  // namespace upcall::shim
