// SPDX-License-Identifier: Apache-2.0
// What connects to the shim's socket and speaks, over the real socket: what is no call of the
// kernel's is a loss that is told, and never a call.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/semaphore.h"
#include "fuzz.h"
#include "sources/shim_socket.h"

namespace {

using namespace upcall;

constexpr sockaddr_un kAnyName{.sun_family = AF_UNIX};  // without one, the kernel chooses it

UniqueFd make_socket() { return UniqueFd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)}; }

class Broker {
 public:
  Broker() {
    auto listener = make_socket();
    const auto* any = reinterpret_cast<const sockaddr*>(&kAnyName);
    fuzz::must(::bind(listener.get(), any, sizeof kAnyName.sun_family) == 0);
    fuzz::must(::listen(listener.get(), 1) == 0);
    fuzz::must(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name_), &name_size_) ==
               0);
    socket_ = std::make_unique<sources::ShimSocket>(
        io_, std::move(listener), active_,
        [this](const sources::CoreDumpArrival&) { ++core_dumps_; },
        [this](const sources::KeyRequestArrival& arrival) { key_ = arrival.call; },
        [this](const std::string&) { ++lost_; });
    start_loop(io_, socket_->run());
  }

  // What it took the message for: a key request, or else a loss.
  std::optional<wire::ShimKeyRequest> hear(const std::uint8_t* data, std::size_t size) {
    key_.reset();
    lost_ = 0;
    const auto shim = make_socket();
    const auto* name = reinterpret_cast<const sockaddr*>(&name_);
    fuzz::must(::connect(shim.get(), name, name_size_) == 0);
    fuzz::must(::send(shim.get(), data, size, 0) == static_cast<ssize_t>(size));
    while (lost_ == 0 && !key_) io_.run_one();
    fuzz::must(core_dumps_ == 0);  // one comes with descriptors
    fuzz::must((lost_ == 1) != key_.has_value());
    return key_;
  }

 private:
  asio::io_context io_{1};
  Semaphore active_{io_, 1};
  std::unique_ptr<sources::ShimSocket> socket_;
  sockaddr_un name_{};
  socklen_t name_size_{sizeof name_};
  std::optional<wire::ShimKeyRequest> key_;
  int core_dumps_{0};
  int lost_{0};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLongest = 65536;
  if (size == 0 || size > kLongest) return 0;
  static Broker broker;
  const auto key = broker.hear(data, size);
  wire::ShimKeyRequest said;
  const bool whole = size == sizeof said;
  if (whole) std::memcpy(&said, data, sizeof said);
  const bool right = whole && said.version == wire::kShimVersion &&
                     said.kind == wire::ShimKind::key_request && said.key > 0;
  fuzz::must(key.has_value() == right);
  if (key) fuzz::must(std::memcmp(&*key, &said, sizeof said) == 0);
  return 0;
}
