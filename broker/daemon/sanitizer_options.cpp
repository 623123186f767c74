// SPDX-License-Identifier: Apache-2.0
// Compiled into sanitized builds only (CMakeLists.txt says why).

extern "C" const char* __asan_default_options();  // NOLINT: the name is AddressSanitizer's
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }  // NOLINT: as above
