// SPDX-License-Identifier: Apache-2.0
// Requests keys, in a session keyring of its own that holds a secret, and says what it got:
//
//   upcall-requester [--count=N] TYPE DESCRIPTION CALLOUT
//
//   errno=0 us=1480 key=123 payload=...
//
// one line for each of N processes that ask at once, each for DESCRIPTION and its number.
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct Wanted {
  const char* type;
  std::string description;
  const char* callout;
};

std::string read_payload(long key) {
  std::string payload(65536, '\0');
  const long size = ::syscall(SYS_keyctl, KEYCTL_READ, key, payload.data(), payload.size());
  payload.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return payload;
}

void request(const Wanted& wanted) {
  const auto start = std::chrono::steady_clock::now();
  const long key = ::syscall(SYS_request_key, wanted.type, wanted.description.c_str(),
                             wanted.callout, KEY_SPEC_SESSION_KEYRING);
  const int error = key < 0 ? errno : 0;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - start);
  std::string line = "errno=" + std::to_string(error) + " us=" + std::to_string(took.count());
  if (key >= 0) line += " key=" + std::to_string(key) + " payload=" + read_payload(key);
  line += '\n';
  // At once, so that the lines of many do not mix.
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(1);
}

int request_many(const Wanted& wanted, int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child < 0) return 1;
    if (child > 0) continue;
    request({wanted.type, wanted.description + std::to_string(i), wanted.callout});
    ::_exit(0);
  }
  while (::wait(nullptr) > 0) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kCount = "--count=";
  int count = 0;
  if (argc > 1 && std::string_view{argv[1]}.starts_with(kCount)) {
    count = std::atoi(argv[1] + kCount.size());
    --argc;
    ++argv;
  }
  if (argc != 4) return 2;
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) {
    std::perror("upcall-requester: cannot join a session keyring");
    return 1;
  }
  // For handlers to look for.
  if (::syscall(SYS_add_key, "user", "upcall-secret", "mine", 4, KEY_SPEC_SESSION_KEYRING) < 0) {
    std::perror("upcall-requester: cannot add a key");
    return 1;
  }
  const Wanted wanted{argv[1], argv[2], argv[3]};
  if (count > 0) return request_many(wanted, count);
  request(wanted);
  return 0;
}
