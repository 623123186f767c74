// SPDX-License-Identifier: Apache-2.0
// Requests keys, in a session keyring of its own that holds a secret, and says what it got:
//
//   upcall-requester [--count=N | --repeat=N] TYPE DESCRIPTION CALLOUT
//
//   errno=0 us=1480 key=123 payload=...
//
// one line for each of N processes that ask at once, each for DESCRIPTION and its number; or for
// each of N requests of one process, which forgets all its keys in between.
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "base/text.h"

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

int request_again(const Wanted& wanted, int times) {
  for (int i = 0; i < times; ++i) {
    request({wanted.type, wanted.description + std::to_string(i), wanted.callout});
    if (::syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_SESSION_KEYRING) != 0) return 1;
  }
  return 0;
}

// Of an option such as "--count=", which it takes off; 0 without it.
int take_number(std::span<char*>& words, std::string_view option) {
  if (words.empty() || !std::string_view{words[0]}.starts_with(option)) return 0;
  const auto number = upcall::parse_integer<int>(words[0] + option.size());
  words = words.subspan(1);
  return number.value_or(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::span<char*> words{argv + 1, static_cast<std::size_t>(argc) - 1};
  const int count = take_number(words, "--count=");
  const int times = take_number(words, "--repeat=");
  if (words.size() != 3) return 2;
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) {
    std::perror("upcall-requester: cannot join a session keyring");
    return 1;
  }
  // For handlers to look for.
  if (::syscall(SYS_add_key, "user", "upcall-secret", "mine", 4, KEY_SPEC_SESSION_KEYRING) < 0) {
    std::perror("upcall-requester: cannot add a key");
    return 1;
  }
  const Wanted wanted{words[0], words[1], words[2]};
  if (count > 0) return request_many(wanted, count);
  if (times > 0) return request_again(wanted, times);
  request(wanted);
  return 0;
}
