// SPDX-License-Identifier: Apache-2.0
#include "container_run.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "container_cgroup.h"
#include "container_options.h"
#include "container_root.h"
#include "descriptors.h"

namespace upcall::testing {
namespace {

constexpr int kRemovalDeadlineMs = 10'000;

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

SocketPair make_socket_pair() {
  std::array<int, 2> ends{};
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0,
       "make a pair of sockets");
  return {.ours = UniqueFd{ends[0]}, .theirs = UniqueFd{ends[1]}};
}

UniqueFd listen_at(const std::string& path) {
  UniqueFd socket{must_get(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "make a socket")};
  const auto address = address_of(path);
  must(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
           listen(socket.get(), 128) == 0,
       "listen at " + path);
  return socket;
}

UniqueFd block_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stop, signal);
  must(sigprocmask(SIG_BLOCK, &stop, nullptr) == 0, "block signals");
  return UniqueFd{must_get(signalfd(-1, &stop, SFD_CLOEXEC), "listen for signals")};
}

// Removes what the container leaves on the host, once nobody holds the other end of `lifeline`: so
// also when the maker of the container is killed. The one place where anything is removed.
pid_t start_janitor(SocketPair& lifeline, const std::string& cgroup, const std::string& control) {
  const pid_t pid = must_get(fork(), "start the janitor");
  if (pid != 0) return pid;
  setsid();  // a terminal's Ctrl-C is for the maker
  lifeline.ours.reset();
  char ignored{};
  [[maybe_unused]] const auto end = read(lifeline.theirs.get(), &ignored, 1);
  int status = 0;
  try {
    unlink(control.c_str());
    remove_cgroup(cgroup, kRemovalDeadlineMs);
  } catch (const std::system_error& error) {
    dprintf(STDERR_FILENO, "upcall-container: %s\n", error.what());
    status = 1;
  }
  _exit(status);
}

void drop_privileges(const ContainerOptions& options) {
  for (int capability = 0; options.capabilities && capability < 64; ++capability) {
    if ((*options.capabilities >> static_cast<unsigned>(capability) & 1U) != 0) continue;
    // EINVAL: past the last one that this kernel knows.
    must(prctl(PR_CAPBSET_DROP, capability) == 0 || errno == EINVAL, "drop a capability");
  }
  if (options.no_new_privs) must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set no_new_privs");
  if (options.uid == 0) return;
  must(setresgid(options.uid, options.uid, options.uid) == 0 &&
           setresuid(options.uid, options.uid, options.uid) == 0,
       "become the container's user");
}

// With nothing of its maker's but the two descriptors: no environment, no files, no terminal.
[[noreturn]] void execute_init(int listener, int lifeline) {
  must(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0, "close what its maker had open");
  for (const int kept : {listener, lifeline})
    must(fcntl(kept, F_SETFD, 0) == 0, "keep a descriptor");
  const int nothing = must_get(open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null");
  for (const int standard : {0, 1, 2})
    must(dup2(nothing, standard) == standard, "redirect to /dev/null");
  std::string name = "init";
  std::string path = "PATH=/bin:/sbin:/usr/local/bin";
  std::string listener_text = std::to_string(listener);
  std::string lifeline_text = std::to_string(lifeline);
  const std::array<char*, 5> argv{name.data(), name.data(), listener_text.data(),
                                  lifeline_text.data(), nullptr};
  const std::array<char*, 2> environment{path.data(), nullptr};
  execve("/sbin/init", argv.data(), environment.data());
  must(false, "execute its init");
  std::abort();
}

// In the new namespaces, until it is the container's init.
[[noreturn]] void become_container(const ContainerOptions& options, const HostFiles& from_host,
                                   int listener, const SocketPair& lifeline,
                                   const SocketPair& start) {
  try {
    char mapped{};
    errno = ECANCELED;
    must(read(start.theirs.get(), &mapped, 1) == 1, "wait for the user mappings");
    must(setgroups(0, nullptr) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0,
         "become its root");
    // Only now, or its root would be the cgroup of our maker: clone3() takes that before it moves
    // us.
    must(unshare(CLONE_NEWCGROUP) == 0, "leave the cgroup namespace");
    must(sethostname(options.name.c_str(), options.name.size()) == 0, "set the host name");
    enter_new_root(from_host, options);
    drop_privileges(options);
    execute_init(listener, lifeline.theirs.get());
  } catch (const std::exception& error) {
    dprintf(start.theirs.get(), "%s", error.what());
  }
  _exit(125);
}

struct Started {
  pid_t pid{};  // 0: this is the new process
  UniqueFd pidfd;
};

Started clone_into(const std::string& cgroup, bool user_namespace) {
  const UniqueFd directory{
      must_get(open(cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open " + cgroup)};
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD | CLONE_INTO_CGROUP | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWTIME;
  if (user_namespace) arguments.flags |= CLONE_NEWUSER;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<__u64>(directory.get());
  const auto pid =
      must_get(syscall(SYS_clone3, &arguments, sizeof arguments), "start the container");
  return {.pid = static_cast<pid_t>(pid), .pidfd = UniqueFd{pidfd}};
}

void write_map(pid_t pid, const char* name) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const UniqueFd file{must_get(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open " + path)};
  must(dprintf(file.get(), "0 %u %u\n", kFirstHostId, kHostIds) > 0, "write " + path);
}

// Lets the new process go on, and waits until it is the init that we wanted.
void let_start(const Started& started, SocketPair& start, bool user_namespace) {
  start.theirs.reset();
  if (user_namespace) {
    write_map(started.pid, "uid_map");
    write_map(started.pid, "gid_map");
  }
  must(write(start.ours.get(), "g", 1) == 1, "let the container start");
  std::array<char, 512> complaint{};
  const auto size = read(start.ours.get(), complaint.data(), complaint.size() - 1);
  errno = ECANCELED;
  must(size == 0,
       std::string{"start the container: it "} + complaint.data());  // end of file: exec closed it
}

void wait_for_end(int signals, int pidfd) {
  std::array<pollfd, 2> waited{{{.fd = signals, .events = POLLIN, .revents = 0},
                                {.fd = pidfd, .events = POLLIN, .revents = 0}}};
  while (poll(waited.data(), waited.size(), -1) < 0) {
  }
}

}  // namespace

int run_container(int argc, char** argv) {
  const ContainerOptions options = parse_container_options(argc, argv);
  const UniqueFd signals = block_stop_signals();
  must(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0, "end with our parent");
  const HostFiles from_host = open_host_files(options);
  const UniqueFd listener = listen_at(options.control);
  const std::string cgroup =
      make_cgroup("upcall-test-" + options.name + "-" + std::to_string(getpid()));
  SocketPair lifeline = make_socket_pair();
  const pid_t janitor = start_janitor(lifeline, cgroup, options.control);

  SocketPair start = make_socket_pair();
  int status = 125;
  try {
    const Started started = clone_into(cgroup, options.user_namespace);
    if (started.pid == 0) become_container(options, from_host, listener.get(), lifeline, start);
    let_start(started, start, options.user_namespace);
    dprintf(STDOUT_FILENO, "ready init=%d cgroup=%s\n", started.pid, cgroup.c_str());
    wait_for_end(signals.get(), started.pidfd.get());
    status = 0;
  } catch (const std::system_error& error) {
    dprintf(STDERR_FILENO, "upcall-container: %s\n", error.what());
  }
  lifeline.ours.reset();
  must(waitpid(janitor, nullptr, 0) == janitor, "wait for the janitor");
  return status;
}

}  // namespace upcall::testing
