// SPDX-License-Identifier: Apache-2.0
// The launcher's one loop: requests of the broker, ends of handlers, deadlines, and the deaths of
// the two programs beside it.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "launcher/capture.h"
#include "launcher/inits.h"
#include "launcher/networks.h"
#include "launcher/outbox.h"
#include "launcher/own.h"
#include "launcher/plan.h"
#include "launcher/records.h"
#include "launcher/runs.h"
#include "wire/seqpacket.h"
#include "wire/supervisor.h"

namespace upcall::launcher {

struct Sockets {
  UniqueFd broker;
  UniqueFd supervisor;
  std::optional<Networks> networks;  // where rules ask for containers' own devices
};

class Service {
 public:
  Service(Own own, std::vector<Row> rows, Records records, Sockets sockets);

  // Until the broker or the supervisor is gone, or SIGTERM. No handler outlives it.
  void run();

 private:
  enum class Peer { alive, gone };

  void watch(int fd, std::uint64_t what);
  [[nodiscard]] bool has_to_guard() const {
    return guard_.ours.front() != '\0' || guard_.traces != 0 ||
           std::ranges::any_of(guard_.helpers,
                               [](const auto& one) { return one.ours.front() != '\0'; });
  }
  void leave_broker();
  [[nodiscard]] int next_timeout() const;
  void on_signals();
  [[nodiscard]] Peer on_broker();
  [[nodiscard]] Peer on_supervisor();
  void take(std::span<const std::byte> datagram, wire::Received received);
  void take_capture(const wire::CaptureRequest& request, wire::Received received);
  void take_inspect(const wire::InspectRequest& request, wire::Received received);
  template <class Make>
  void hold(std::uint64_t id, Make make);
  void refuse_capture(std::uint64_t id);
  void take_helped(const wire::HelpedRequest& request, wire::Received received);
  void take_network(const wire::NetworkRequest& request);
  void take_release(const wire::ReleaseRequest& request);
  [[nodiscard]] Result<Networks::Heard> hear_network(std::uint32_t capture);
  void answer_captured(std::uint64_t id, const Result<Capture>& captured, CaptureStep step,
                       std::uint32_t number);
  void take_key_landing(std::uint64_t id);
  void take_key_capture(const wire::KeyCaptureRequest& request, const wire::Received& received);
  [[nodiscard]] Result<Capture> capture_requester(const wire::KeyCaptureRequest& request,
                                                  const wire::Received& received,
                                                  CaptureStep& step);
  // The number that a new capture may have; nothing when all are taken.
  [[nodiscard]] std::optional<std::uint32_t> free_capture() const;
  // What the request names, if its row may run on that; nullptr else.
  [[nodiscard]] const Capture* capture_of(const wire::RunRequest& request) const;
  void take_run(const wire::RunRequest& request, std::span<const std::byte> environment,
                const wire::Received& received);
  void start(const Runs::Request& run, const wire::RunRequest& request,
             std::string_view environment, const wire::Received& received);
  void take_directory(const wire::DirectoryRequest& request);
  void take_record(const wire::RecordRequest& request);
  void take_introduction(const wire::InitRequest& request);
  void answer_opened(std::uint64_t id, int error, std::vector<UniqueFd> fds);
  void shut_down(Peer supervisor);

  Own own_;
  std::vector<Row> rows_;
  Records records_;
  Inits inits_;
  Sockets sockets_;
  UniqueFd epoll_;
  UniqueFd signals_;
  Outbox outbox_;
  Runs runs_;
  std::array<std::optional<Capture>, wire::kMaxCaptures> captures_;
  Landings landings_;
  const Capture nobody_{};  // whose uevents are
  std::vector<std::byte> buffer_;
  wire::GuardRecord guard_;
  bool stopping_{};
};

}  // namespace upcall::launcher
