// SPDX-License-Identifier: Apache-2.0
#include "launcher/service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "launcher/guard.h"

namespace upcall::launcher {
namespace {

// What epoll says became ready; below these, the index of a run's status socket.
constexpr std::uint64_t kBroker = 1'000;
constexpr std::uint64_t kSupervisor = 1'001;
constexpr std::uint64_t kSignals = 1'002;

// A bounded batch, so that a storm of requests cannot delay the ends of handlers.
constexpr int kBatch = 16;
constexpr int kEvents = 32;
constexpr std::size_t kRunFds = 4;

UniqueFd checked(UniqueFd fd, const char* doing) {
  if (!fd) or_throw<Ok>(from_errno(doing));
  return fd;
}

UniqueFd watch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGTERM);
  return checked(UniqueFd{::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)}, "watch for signals");
}

void make_non_blocking(int fd) {
  if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
    or_throw<Ok>(from_errno("set up a socket"));
  }
}

template <class T>
std::optional<T> head_of(std::span<const std::byte> datagram) {
  if (datagram.size() < sizeof(T)) return {};
  T value;
  std::memcpy(&value, datagram.data(), sizeof value);
  return value;
}

// A descriptor of anything else could be a way out of the container for who inherits it, and a file
// or pipe can be opened once more by /proc/PID/fd.
bool are_sockets(const wire::Received& received) {
  return std::all_of(received.fds.begin(), received.fds.begin() + received.fd_count,
                     [](const UniqueFd& fd) {
                       int domain = 0;
                       socklen_t size = sizeof domain;
                       return ::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
                              domain == AF_UNIX;
                     });
}

bool would_block(const Error& error) {
  return error.code == std::errc::resource_unavailable_try_again;
}

}  // namespace

Service::Service(Own own, std::vector<Row> rows, Records records, Sockets sockets)
    : own_{std::move(own)},
      rows_{std::move(rows)},
      records_{std::move(records)},
      sockets_{std::move(sockets)},
      epoll_{checked(UniqueFd{::epoll_create1(EPOLL_CLOEXEC)}, "make an epoll")},
      signals_{watch_signals()},
      outbox_{sockets_.broker.get()},
      runs_{epoll_.get(), outbox_},
      buffer_(wire::kMaxLauncherRequest) {
  make_non_blocking(sockets_.broker.get());
  make_non_blocking(sockets_.supervisor.get());
  watch(sockets_.broker.get(), kBroker);
  watch(sockets_.supervisor.get(), kSupervisor);
  watch(signals_.get(), kSignals);
}

void Service::watch(int fd, std::uint64_t what) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = what}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    or_throw<Ok>(from_errno("watch a socket"));
}

void Service::run() {
  auto supervisor = Peer::alive;
  auto broker = Peer::alive;
  // Without its broker, only the guard is left of it: until the supervisor has put things back, or
  // is gone.
  while (supervisor == Peer::alive && (broker == Peer::alive || has_to_guard()) && !stopping_) {
    std::array<epoll_event, kEvents> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEvents, next_timeout());
    if (count < 0 && errno != EINTR) or_throw<Ok>(from_errno("wait for events"));
    for (const auto& event :
         std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)))) {
      switch (event.data.u64) {
        case kBroker:
          broker = on_broker();
          if (broker == Peer::gone) leave_broker();
          break;
        case kSupervisor:
          supervisor = on_supervisor();
          break;
        case kSignals:
          on_signals();
          break;
        default:
          runs_.on_status(event.data.u64);
      }
    }
    runs_.on_time(Clock::now());
  }
  shut_down(supervisor);
}

// A broker that is gone stays readable for ever.
void Service::leave_broker() {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, sockets_.broker.get(), nullptr);
  runs_.kill_all();
}

int Service::next_timeout() const {
  const auto deadline = runs_.next_deadline();
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
  constexpr std::int64_t kMost = 60'000;
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kMost));
}

void Service::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTERM) stopping_ = true;
  }
  runs_.on_children();
}

Service::Peer Service::on_broker() {
  outbox_.flush();
  for (int i = 0; i < kBatch && outbox_.empty(); ++i) {
    auto received = wire::receive_message(sockets_.broker.get(), buffer_);
    if (!received) return would_block(received.error()) ? Peer::alive : Peer::gone;
    if (received->size == 0) return Peer::gone;
    const auto datagram = std::span{buffer_}.first(received->size);
    take(datagram, *std::move(received));
  }
  epoll_event event{.events = outbox_.empty() ? EPOLLIN : EPOLLOUT, .data = {.u64 = kBroker}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, sockets_.broker.get(), &event);
  return Peer::alive;
}

Service::Peer Service::on_supervisor() {
  wire::GuardRecord record;
  const auto received = wire::receive_message(sockets_.supervisor.get(),
                                              std::as_writable_bytes(std::span{&record, 1}));
  if (!received) return would_block(received.error()) ? Peer::alive : Peer::gone;
  if (received->size == 0) return Peer::gone;
  if (received->size == sizeof record && check_record(record)) guard_ = record;
  return Peer::alive;
}

// A broker that sends what is no request has a fault that no reply can tell it of: it is passed
// over.
void Service::take(std::span<const std::byte> datagram, wire::Received received) {
  const auto header = head_of<wire::LauncherHeader>(datagram);
  if (!header || header->version != wire::kLauncherVersion) return;
  switch (header->type) {
    case wire::LauncherType::capture:
      if (const auto request = head_of<wire::CaptureRequest>(datagram))
        take_capture(*request, std::move(received));
      return;
    case wire::LauncherType::run:
      if (const auto request = head_of<wire::RunRequest>(datagram))
        take_run(*request, datagram.subspan(sizeof *request), received);
      return;
    case wire::LauncherType::kill:
      runs_.kill(header->id);
      return;
    case wire::LauncherType::release:
      if (const auto request = head_of<wire::ReleaseRequest>(datagram)) take_release(*request);
      return;
    case wire::LauncherType::open_directory:
      if (const auto request = head_of<wire::DirectoryRequest>(datagram)) take_directory(*request);
      return;
    case wire::LauncherType::open_record:
      if (const auto request = head_of<wire::RecordRequest>(datagram)) take_record(*request);
      return;
    case wire::LauncherType::introduce_init:
      if (const auto request = head_of<wire::InitRequest>(datagram)) take_introduction(*request);
      return;
    case wire::LauncherType::inspect:
      if (const auto request = head_of<wire::InspectRequest>(datagram))
        take_inspect(*request, std::move(received));
      return;
    case wire::LauncherType::helped:
      if (const auto request = head_of<wire::HelpedRequest>(datagram))
        take_helped(*request, std::move(received));
      return;
    case wire::LauncherType::number_network:
      if (const auto request = head_of<wire::NetworkRequest>(datagram)) take_network(*request);
      return;
    case wire::LauncherType::key_landing:
      take_key_landing(header->id);
      return;
    case wire::LauncherType::key_capture:
      if (const auto request = head_of<wire::KeyCaptureRequest>(datagram))
        take_key_capture(*request, received);
      return;
    case wire::LauncherType::key_abandon:
      if (const auto request = head_of<wire::KeyAbandonRequest>(datagram))
        static_cast<void>(landings_.take(request->keyring));
      return;
    default:
      return;
  }
}

const Capture* Service::capture_of(const wire::RunRequest& request) const {
  if (request.capture == wire::kNoCapture)
    return is_for_nobody(rows_[request.row]) ? &nobody_ : nullptr;
  if (request.capture >= captures_.size() || !captures_[request.capture]) return nullptr;
  return &*captures_[request.capture];
}

void Service::take_run(const wire::RunRequest& request, std::span<const std::byte> environment,
                       const wire::Received& received) {
  Runs::Request run{.id = request.header.id, .arrived = Clock::now()};
  const bool sound = request.row < rows_.size() && capture_of(request) != nullptr &&
                     received.fd_count == kRunFds &&
                     environment.size() == request.environment_bytes;
  if (!sound) return runs_.give_up(run, ConfineStep::request, EINVAL);
  run.timeout = rows_[request.row].handler.timeout;
  start(run, request, {reinterpret_cast<const char*>(environment.data()), environment.size()},
        received);
}

void Service::start(const Runs::Request& run, const wire::RunRequest& request,
                    std::string_view environment, const wire::Received& received) {
  const Row& row = rows_[request.row];
  const Capture& capture = *capture_of(request);
  if (!are_sockets(received)) return runs_.give_up(run, ConfineStep::request, ENOTSOCK);
  if (!may_run(row, capture)) return runs_.refuse(run, capture.failed_rules);
  if (!may_run_unfiltered(row, capture)) return runs_.refuse(run, wire::filters_unknown);
  auto variables = parse_environment(environment);
  if (!variables) return runs_.give_up(run, ConfineStep::request, EINVAL);
  if (!may_say(*variables, row, capture)) return runs_.refuse(run, capture.failed_rules);
  std::array<int, kRunFds> fds{};
  std::transform(received.fds.begin(), received.fds.begin() + kRunFds, fds.begin(),
                 [](const UniqueFd& fd) { return fd.get(); });
  const Plan plan{own_, row, capture, *std::move(variables), fds};
  runs_.start(run, plan.confinement(), plan.cgroup());
}

void Service::take_directory(const wire::DirectoryRequest& request) {
  auto opened = records_.open_directory(request.directory);
  if (!opened) return answer_opened(request.header.id, opened.error().code.value(), {});
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(opened->entries));
  fds.push_back(std::move(opened->changes));
  answer_opened(request.header.id, 0, std::move(fds));
}

void Service::take_record(const wire::RecordRequest& request) {
  const std::string_view name{request.name.data(),
                              ::strnlen(request.name.data(), request.name.size())};
  auto opened = records_.open_record(request.directory, request.file, name);
  if (!opened) return answer_opened(request.header.id, opened.error().code.value(), {});
  std::vector<UniqueFd> fds;
  fds.push_back(*std::move(opened));
  answer_opened(request.header.id, 0, std::move(fds));
}

void Service::take_introduction(const wire::InitRequest& request) {
  const auto added = inits_.add(own_, records_, request);
  wire::InitIntroduced reply{.error = added ? 0 : added.error().code.value()};
  reply.header.id = request.header.id;
  outbox_.put(wire::bytes_of(reply));
}

void Service::answer_opened(std::uint64_t id, int error, std::vector<UniqueFd> fds) {
  wire::Opened reply{.error = error};
  reply.header.id = id;
  outbox_.put(wire::bytes_of(reply), std::move(fds));
}

void Service::shut_down(Peer supervisor) {
  runs_.kill_all();
  if (supervisor == Peer::alive) return;  // it restores itself
  const auto restored = restore(guard_);
  const auto untraced = remove_trace(guard_, sockets_.broker.get());
  if (!restored) or_throw<Ok>(restored.error());
  if (!untraced) or_throw<Ok>(untraced.error());
}

}  // namespace upcall::launcher
