// SPDX-License-Identifier: Apache-2.0
// The broker's end of the launcher's socket: requests out, replies awaited. One object for the
// process; its coroutines live on the broker's one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/asio.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/capture_texts.h"
#include "wire/launcher.h"
#include "wire/seqpacket.h"

namespace upcall::launcher {

// What the launcher read of a key under construction.
struct CapturedKey {
  wire::KeyCaptured reply;
  std::string type;
  std::string description;
  std::string destination;
  std::string callout;
};

struct Captured {
  wire::CaptureReply reply;
  wire::CaptureTexts texts;
  std::optional<CapturedKey> key;
};

struct OpenedDirectory {
  UniqueFd entries;  // their names, each ended by NUL
  UniqueFd changes;  // inotify(7)
};

// The network of a container whose devices are heard.
struct HeardNetwork {
  std::uint32_t number{};  // beside its uevents: kernel/network_collector.h
  UniqueFd sysfs;          // that shows its devices; mounted nowhere
};

// The launcher's words on one run, as they come in.
class Run {
 public:
  Run(asio::io_context& io, std::uint64_t id)
      : id_{id}, changed_{io, asio::steady_timer::time_point::max()} {}
  // Waits for the end. Runs always end: the launcher enforces the row's time.
  [[nodiscard]] asio::awaitable<wire::RunEnded> ended();
  [[nodiscard]] std::optional<pid_t> pid() const { return pid_; }

 private:
  friend class Client;
  std::uint64_t id_;
  asio::steady_timer changed_;
  std::optional<pid_t> pid_;
  std::optional<wire::RunEnded> ended_;
};

class Client {
 public:
  Client(asio::io_context& io, UniqueFd socket);

  // Reads replies until the launcher is gone, which it then throws: the broker cannot live without
  // it.
  [[nodiscard]] asio::awaitable<void> run();

  // Waits for the launcher's answer, and does something else in between. `pidfd` is borrowed until
  // it returns.
  [[nodiscard]] asio::awaitable<Result<Captured>> capture(int pidfd, pid_t tid, int dumpable,
                                                          const std::function<void()>& meanwhile);

  // The same of a process that does not dump; there is no capture to release.
  [[nodiscard]] asio::awaitable<Result<Captured>> inspect(int pidfd);
  // To tell its container of what it has not caused; to be released.
  [[nodiscard]] asio::awaitable<Result<Captured>> capture_uninvolved(int pidfd);
  // Who had `helper` started: the thread `tid` of the process behind `pidfd`. With `hold` there is
  // a capture to release, unless its number is kNoCapture.
  [[nodiscard]] asio::awaitable<Result<Captured>> capture_helped(int pidfd, pid_t tid, int helper,
                                                                 bool hold);
  // A keyring that root may link an authority to; every one ends in capture_requester() or
  // abandon().
  [[nodiscard]] asio::awaitable<Result<std::int32_t>> open_landing();
  // `shim` is borrowed until it returns.
  [[nodiscard]] asio::awaitable<Result<Captured>> capture_requester(std::int32_t landing, int shim);
  [[nodiscard]] asio::awaitable<void> abandon(std::int32_t landing);

  // That of the container of a capture_uninvolved(). ENOTSUP for one that is in the host's.
  [[nodiscard]] asio::awaitable<Result<HeardNetwork>> hear_network(std::uint32_t capture);

  // Of the table of state directories (wire/state_directories.h), and of one record in one of them.
  [[nodiscard]] asio::awaitable<Result<OpenedDirectory>> open_directory(std::uint32_t directory);
  [[nodiscard]] asio::awaitable<Result<UniqueFd>> open_record(std::uint32_t directory,
                                                              std::uint32_t file,
                                                              const std::string& entry);
  // Has it take this process for the init of a container that shares its PID namespace, if that
  // record says so: EPERM where it does not.
  [[nodiscard]] asio::awaitable<Result<Ok>> introduce(wire::InitRequest request,
                                                      const std::string& entry);

  // Descriptors {stdin, stdout, stderr, event} are borrowed until it returns. The run goes on by
  // itself.
  [[nodiscard]] asio::awaitable<Result<std::shared_ptr<Run>>> start(
      std::uint32_t capture, std::uint32_t row, std::span<const std::string> environment,
      std::span<const int> fds);
  // Its end is still to come. Harmless after that.
  [[nodiscard]] asio::awaitable<void> kill(const Run& run);
  [[nodiscard]] asio::awaitable<void> release(std::uint32_t capture);

 private:
  template <class Answer>
  struct Pending;
  struct OpenedFds {
    int error{};
    std::vector<UniqueFd> fds;
  };
  struct NetworkAnswer {
    int error{};
    HeardNetwork network;
  };
  template <class Answer>
  using PendingById = std::map<std::uint64_t, std::shared_ptr<Pending<Answer>>>;

  void drain();
  void take(std::span<const std::byte> datagram, wire::Received received);
  // An answer that is nothing but a struct.
  template <class Answer>
  static void take_answer(PendingById<Answer>& waiting, std::span<const std::byte> datagram);
  void take_captured(std::span<const std::byte> datagram);
  void take_key_captured(std::span<const std::byte> datagram);
  void take_network(std::span<const std::byte> datagram, wire::Received received);
  void take_opened(std::span<const std::byte> datagram, wire::Received received);
  void take_run(std::span<const std::byte> datagram);
  // Sends a request, whose header's id is `id`, and waits for its answer.
  template <class Answer>
  [[nodiscard]] asio::awaitable<Result<Answer>> ask(
      PendingById<Answer>& waiting, std::uint64_t id, std::span<const std::byte> request,
      std::span<const int> fds, const std::function<void()>* meanwhile = nullptr);
  [[nodiscard]] asio::awaitable<Result<Captured>> obtain_capture(
      std::uint64_t id, std::span<const std::byte> request, std::span<const int> fds,
      const std::function<void()>* meanwhile = nullptr);
  // All the descriptors of the answer, `count` of them.
  [[nodiscard]] asio::awaitable<Result<std::vector<UniqueFd>>> obtain(
      std::uint64_t id, std::span<const std::byte> request, std::size_t count);
  [[nodiscard]] asio::awaitable<Result<Ok>> send(std::span<const std::byte> bytes,
                                                 std::span<const int> fds);

  asio::io_context& io_;
  asio::posix::stream_descriptor socket_;
  std::vector<std::byte> buffer_;
  std::uint64_t next_id_{1};
  PendingById<Captured> captures_;
  PendingById<wire::KeyLanded> landings_;
  PendingById<NetworkAnswer> networks_;
  PendingById<wire::InitIntroduced> introductions_;
  PendingById<OpenedFds> openings_;
  std::map<std::uint64_t, std::shared_ptr<Run>> runs_;
};

}  // namespace upcall::launcher
