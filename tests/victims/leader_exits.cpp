// SPDX-License-Identifier: Apache-2.0
// The main thread ends, then a worker crashes: what the kernel names is a zombie without memory,
// executable or namespaces, and all of those must be taken from the crashing thread.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "crash_here.h"

namespace {

bool leader_is_zombie() {
  std::ifstream file{"/proc/self/task/" + std::to_string(getpid()) + "/stat"};
  const std::string stat{std::istreambuf_iterator<char>{file}, {}};
  const auto name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat.at(name_end + 2) == 'Z';
}

void* crash_after_leader(void* leader) {
  // The join ends when the leader's memory is released, a moment before the kernel calls it a
  // zombie.
  pthread_join(*static_cast<pthread_t*>(leader), nullptr);
  while (!leader_is_zombie()) sched_yield();
  victims::crash_here();
}

}  // namespace

int main() {
  static pthread_t leader = pthread_self();
  pthread_t worker{};
  if (pthread_create(&worker, nullptr, crash_after_leader, &leader) != 0) return 2;
  pthread_exit(nullptr);
}
