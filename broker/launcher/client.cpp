// SPDX-License-Identifier: Apache-2.0
#include "launcher/client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
namespace upcall::launcher {
namespace {

using boost::system::error_code;

// A bounded batch, so that a storm of replies cannot starve the sources.
constexpr int kBatch = 64;

template <class T>
T head_of(std::span<const std::byte> datagram) {
  if (datagram.size() < sizeof(T)) throw std::runtime_error{"the launcher sent a short datagram"};
  T value;
  std::memcpy(&value, datagram.data(), sizeof value);
  return value;
}

// The texts that follow a struct in a datagram, one after the other.
class Texts {
 public:
  explicit Texts(std::span<const std::byte> bytes)
      : rest_{reinterpret_cast<const char*>(bytes.data()), bytes.size()} {}
  [[nodiscard]] std::string take(std::uint32_t length) {
    if (length > rest_.size()) throw std::runtime_error{"the launcher sent too short a datagram"};
    std::string text{rest_.substr(0, length)};
    rest_.remove_prefix(length);
    return text;
  }

 private:
  std::string_view rest_;
};

Captured read_captured(const wire::CaptureReply& reply, Texts& texts) {
  Captured captured{.reply = reply};
  captured.texts.exe = texts.take(reply.exe_length);
  captured.texts.host_name = texts.take(reply.host_name_length);
  captured.texts.tag = texts.take(reply.tag_length);
  return captured;
}

Error capture_failed(const wire::CaptureReply& reply) {
  return from_errno("capture the process (step " + std::to_string(reply.step) + ")", reply.error);
}

}  // namespace

template <class Answer>
struct Client::Pending {
  explicit Pending(asio::io_context& io) : changed{io, asio::steady_timer::time_point::max()} {}
  void answer(Answer given) {
    answered = std::move(given);
    changed.cancel();
  }
  asio::steady_timer changed;
  std::optional<Answer> answered;
};

asio::awaitable<wire::RunEnded> Run::ended() {
  error_code ec;
  while (!ended_) co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  co_return *ended_;
}

Client::Client(asio::io_context& io, UniqueFd socket)
    : io_{io}, socket_{io, socket.release()}, buffer_(wire::kMaxLauncherReply) {
  socket_.non_blocking(true);
}

asio::awaitable<void> Client::run() {
  for (;;) {
    error_code ec;
    co_await socket_.async_wait(asio::posix::descriptor_base::wait_read,
                                asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) throw boost::system::system_error{ec, "wait for the launcher"};
    drain();
  }
}

void Client::drain() {
  for (int i = 0; i < kBatch; ++i) {
    auto received = wire::receive_message(socket_.native_handle(), buffer_);
    if (!received) {
      if (received.error().code == std::errc::resource_unavailable_try_again) return;
      throw std::system_error{received.error().code, "cannot hear the launcher"};
    }
    if (received->size == 0) throw std::runtime_error{"the launcher is gone"};
    const auto datagram = std::span{buffer_}.first(received->size);
    take(datagram, *std::move(received));
  }
}

void Client::take(std::span<const std::byte> datagram, wire::Received received) {
  switch (head_of<wire::LauncherHeader>(datagram).type) {
    case wire::LauncherType::captured:
      return take_captured(datagram);
    case wire::LauncherType::key_captured:
      return take_key_captured(datagram);
    case wire::LauncherType::key_landed:
      return take_answer(landings_, datagram);
    case wire::LauncherType::network_numbered:
      return take_network(datagram, std::move(received));
    case wire::LauncherType::init_introduced:
      return take_answer(introductions_, datagram);
    case wire::LauncherType::opened:
      return take_opened(datagram, std::move(received));
    default:
      return take_run(datagram);
  }
}

template <class Answer>
void Client::take_answer(PendingById<Answer>& waiting, std::span<const std::byte> datagram) {
  const auto reply = head_of<Answer>(datagram);
  const auto pending = waiting.extract(reply.header.id);
  if (!pending.empty()) pending.mapped()->answer(reply);
}

void Client::take_captured(std::span<const std::byte> datagram) {
  const auto pending = captures_.extract(head_of<wire::LauncherHeader>(datagram).id);
  if (pending.empty()) return;
  const auto reply = head_of<wire::CaptureReply>(datagram);
  Texts texts{datagram.subspan(sizeof reply)};
  pending.mapped()->answer(read_captured(reply, texts));
}

void Client::take_key_captured(std::span<const std::byte> datagram) {
  const auto pending = captures_.extract(head_of<wire::LauncherHeader>(datagram).id);
  if (pending.empty()) return;
  CapturedKey key{.reply = head_of<wire::KeyCaptured>(datagram)};
  Texts texts{datagram.subspan(sizeof key.reply)};
  auto captured = read_captured(key.reply.capture, texts);
  key.type = texts.take(key.reply.type_length);
  key.description = texts.take(key.reply.description_length);
  key.destination = texts.take(key.reply.destination_length);
  key.callout = texts.take(key.reply.callout_length);
  captured.key = std::move(key);
  pending.mapped()->answer(std::move(captured));
}

void Client::take_network(std::span<const std::byte> datagram, wire::Received received) {
  const auto reply = head_of<wire::NetworkNumbered>(datagram);
  const auto pending = networks_.extract(reply.header.id);
  if (pending.empty()) return;
  if (reply.error == 0 && received.fd_count != 1)
    throw std::runtime_error{"the launcher sent a network without its sysfs"};
  pending.mapped()->answer(
      {.error = reply.error,
       .network = {.number = reply.number, .sysfs = std::move(received.fds.front())}});
}

void Client::take_opened(std::span<const std::byte> datagram, wire::Received received) {
  const auto reply = head_of<wire::Opened>(datagram);
  const auto pending = openings_.extract(reply.header.id);
  if (pending.empty()) return;
  OpenedFds opened{.error = reply.error};
  for (std::size_t i = 0; i < received.fd_count; ++i)
    opened.fds.push_back(std::move(received.fds.at(i)));
  pending.mapped()->answer(std::move(opened));
}

void Client::take_run(std::span<const std::byte> datagram) {
  const auto header = head_of<wire::LauncherHeader>(datagram);
  const auto run = runs_.find(header.id);
  if (run == runs_.end()) return;
  if (header.type == wire::LauncherType::run_started) {
    run->second->pid_ = head_of<wire::RunStarted>(datagram).pid;
  } else if (header.type == wire::LauncherType::run_ended) {
    run->second->ended_ = head_of<wire::RunEnded>(datagram);
    run->second->changed_.cancel();
    runs_.erase(run);
  }
}

template <class Answer>
asio::awaitable<Result<Answer>> Client::ask(PendingById<Answer>& waiting, std::uint64_t id,
                                            std::span<const std::byte> request,
                                            std::span<const int> fds,
                                            const std::function<void()>* meanwhile) {
  const auto pending = std::make_shared<Pending<Answer>>(io_);
  waiting.emplace(id, pending);
  if (const auto sent = co_await send(request, fds); !sent) {
    waiting.erase(id);
    co_return sent.error();
  }
  if (meanwhile != nullptr) (*meanwhile)();
  error_code ec;
  while (!pending->answered) {
    co_await pending->changed.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  co_return *std::move(pending->answered);
}

asio::awaitable<Result<Captured>> Client::capture(int pidfd, pid_t tid, int dumpable,
                                                  const std::function<void()>& meanwhile) {
  const auto id = next_id_++;
  const wire::CaptureRequest request{
      .header = {.type = wire::LauncherType::capture, .id = id}, .tid = tid, .dumpable = dumpable};
  const std::array fds{pidfd};
  co_return co_await obtain_capture(id, wire::bytes_of(request), fds, &meanwhile);
}

asio::awaitable<Result<Captured>> Client::inspect(int pidfd) {
  const auto id = next_id_++;
  const wire::InspectRequest request{.header = {.type = wire::LauncherType::inspect, .id = id}};
  const std::array fds{pidfd};
  co_return co_await obtain_capture(id, wire::bytes_of(request), fds);
}

asio::awaitable<Result<Captured>> Client::capture_uninvolved(int pidfd) {
  const auto id = next_id_++;
  const wire::InspectRequest request{.header = {.type = wire::LauncherType::inspect, .id = id},
                                     .hold = 1};
  const std::array fds{pidfd};
  co_return co_await obtain_capture(id, wire::bytes_of(request), fds);
}

asio::awaitable<Result<Captured>> Client::capture_helped(int pidfd, pid_t tid, int helper,
                                                         bool hold) {
  const auto id = next_id_++;
  const wire::HelpedRequest request{
      .header = {.type = wire::LauncherType::helped, .id = id}, .tid = tid, .hold = hold ? 1U : 0U};
  const std::array fds{pidfd, helper};
  co_return co_await obtain_capture(id, wire::bytes_of(request), fds);
}

asio::awaitable<Result<Captured>> Client::obtain_capture(std::uint64_t id,
                                                         std::span<const std::byte> request,
                                                         std::span<const int> fds,
                                                         const std::function<void()>* meanwhile) {
  auto captured = co_await ask(captures_, id, request, fds, meanwhile);
  if (captured && captured->reply.error != 0) co_return capture_failed(captured->reply);
  co_return captured;
}

asio::awaitable<Result<std::int32_t>> Client::open_landing() {
  const auto id = next_id_++;
  const wire::KeyLandingRequest request{
      .header = {.type = wire::LauncherType::key_landing, .id = id}};
  const std::span<const int> no_fds;
  const auto landed = co_await ask(landings_, id, wire::bytes_of(request), no_fds);
  if (!landed) co_return landed.error();
  if (landed->error != 0) co_return from_errno("have the launcher make a landing", landed->error);
  co_return landed->keyring;
}

asio::awaitable<Result<HeardNetwork>> Client::hear_network(std::uint32_t capture) {
  const auto id = next_id_++;
  const wire::NetworkRequest request{
      .header = {.type = wire::LauncherType::number_network, .id = id}, .capture = capture};
  const std::span<const int> no_fds;
  auto answer = co_await ask(networks_, id, wire::bytes_of(request), no_fds);
  if (!answer) co_return answer.error();
  if (answer->error != 0) co_return from_errno("have the launcher hear a network", answer->error);
  co_return std::move(answer->network);
}

asio::awaitable<Result<Captured>> Client::capture_requester(std::int32_t landing, int shim) {
  const auto id = next_id_++;
  const wire::KeyCaptureRequest request{
      .header = {.type = wire::LauncherType::key_capture, .id = id}, .keyring = landing};
  const std::array fds{shim};
  co_return co_await obtain_capture(id, wire::bytes_of(request), fds);
}

asio::awaitable<void> Client::abandon(std::int32_t landing) {
  const wire::KeyAbandonRequest request{.header = {.type = wire::LauncherType::key_abandon},
                                        .keyring = landing};
  const std::span<const int> no_fds;
  (void)co_await send(wire::bytes_of(request), no_fds);
}

asio::awaitable<Result<std::vector<UniqueFd>>> Client::obtain(std::uint64_t id,
                                                              std::span<const std::byte> request,
                                                              std::size_t count) {
  const std::span<const int> no_fds;
  auto opened = co_await ask(openings_, id, request, no_fds);
  if (!opened) co_return opened.error();
  if (opened->error != 0) co_return from_errno("have the launcher open it", opened->error);
  if (opened->fds.size() != count)
    throw std::runtime_error{"the launcher sent the wrong number of descriptors"};
  co_return std::move(opened->fds);
}

asio::awaitable<Result<OpenedDirectory>> Client::open_directory(std::uint32_t directory) {
  const auto id = next_id_++;
  const wire::DirectoryRequest request{
      .header = {.type = wire::LauncherType::open_directory, .id = id}, .directory = directory};
  auto fds = co_await obtain(id, wire::bytes_of(request), 2);
  if (!fds) co_return fds.error();
  co_return OpenedDirectory{.entries = std::move((*fds)[0]), .changes = std::move((*fds)[1])};
}

asio::awaitable<Result<UniqueFd>> Client::open_record(std::uint32_t directory, std::uint32_t file,
                                                      const std::string& entry) {
  const auto id = next_id_++;
  wire::RecordRequest request{.header = {.type = wire::LauncherType::open_record, .id = id},
                              .directory = directory,
                              .file = file};
  if (entry.size() >= request.name.size()) co_return from_errno("name a record", ENAMETOOLONG);
  std::ranges::copy(entry, request.name.begin());
  auto fds = co_await obtain(id, wire::bytes_of(request), 1);
  if (!fds) co_return fds.error();
  co_return std::move((*fds)[0]);
}

asio::awaitable<Result<Ok>> Client::introduce(wire::InitRequest request, const std::string& entry) {
  request.header.id = next_id_++;
  if (entry.size() >= request.name.size()) co_return from_errno("name a record", ENAMETOOLONG);
  std::ranges::copy(entry, request.name.begin());
  const std::span<const int> no_fds;
  const auto introduced =
      co_await ask(introductions_, request.header.id, wire::bytes_of(request), no_fds);
  if (!introduced) co_return introduced.error();
  if (introduced->error != 0)
    co_return from_errno("have the launcher believe it who its init is", introduced->error);
  co_return Ok{};
}

asio::awaitable<Result<std::shared_ptr<Run>>> Client::start(
    std::uint32_t capture, std::uint32_t row, std::span<const std::string> environment,
    std::span<const int> fds) {
  std::string block;
  for (const auto& variable : environment) block.append(variable).push_back('\0');
  if (block.size() > wire::kMaxEnvironmentBytes) {
    co_return from_errno("describe the event to its handler", E2BIG);
  }
  const auto id = next_id_++;
  const wire::RunRequest request{.header = {.type = wire::LauncherType::run, .id = id},
                                 .capture = capture,
                                 .row = row,
                                 .environment_bytes = static_cast<std::uint32_t>(block.size())};
  std::vector<std::byte> datagram(sizeof request + block.size());
  std::memcpy(datagram.data(), &request, sizeof request);
  std::memcpy(datagram.data() + sizeof request, block.data(), block.size());
  auto run = std::make_shared<Run>(io_, id);
  runs_.emplace(id, run);
  if (const auto sent = co_await send(datagram, fds); !sent) {
    runs_.erase(id);
    co_return sent.error();
  }
  co_return run;
}

asio::awaitable<void> Client::kill(const Run& run) {
  const wire::KillRequest request{.header = {.type = wire::LauncherType::kill, .id = run.id_}};
  const std::span<const int> no_fds;
  (void)co_await send(wire::bytes_of(request), no_fds);
}

asio::awaitable<void> Client::release(std::uint32_t capture) {
  const wire::ReleaseRequest request{.header = {.type = wire::LauncherType::release},
                                     .capture = capture};
  // A launcher that cannot be told is a launcher that is gone, and run() finds that out.
  const std::span<const int> no_fds;
  (void)co_await send(wire::bytes_of(request), no_fds);
}

asio::awaitable<Result<Ok>> Client::send(std::span<const std::byte> bytes,
                                         std::span<const int> fds) {
  for (;;) {
    auto sent = wire::send_message(socket_.native_handle(), bytes, fds);
    if (sent || sent.error().code != std::errc::resource_unavailable_try_again) co_return sent;
    error_code ec;
    co_await socket_.async_wait(asio::posix::descriptor_base::wait_write,
                                asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return from_errno("wait for room in the launcher's socket", ec.value());
  }
}

}  // namespace upcall::launcher
