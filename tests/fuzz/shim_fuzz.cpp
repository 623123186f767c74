// SPDX-License-Identifier: Apache-2.0
// What connects to the shim's socket and speaks, over the real socket: what is no call of the
// kernel's is a loss that is told, and never a call.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
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

struct Heard {
  int count{0};  // of requests and losses
  std::optional<wire::ShimKeyRequest> key;
  std::optional<std::string> module_name;
  std::optional<event::HelperRequest> helper;
};

class Broker {
 public:
  Broker() {
    auto listener = make_socket();
    fuzz::must(listener.get() >= 0);
    const auto* any = reinterpret_cast<const sockaddr*>(&kAnyName);
    fuzz::must(::bind(listener.get(), any, sizeof kAnyName.sun_family) == 0);
    fuzz::must(::listen(listener.get(), 1) == 0);
    fuzz::must(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name_), &name_size_) ==
               0);
    socket_ = std::make_unique<sources::ShimSocket>(
        io_, std::move(listener), active_,
        sources::ShimSinks{// One comes with descriptors, and these messages have none.
                           .core_dumps = [](const sources::CoreDumpArrival&) { fuzz::must(false); },
                           .key_requests =
                               [this](const sources::KeyRequestArrival& one) {
                                 ++heard_.count;
                                 heard_.key = one.call;
                               },
                           .helpers = [this](const sources::HelperArrival& one) { note(one); }},
        [this](const std::string&) { ++heard_.count; });
    start_loop(io_, socket_->run());
  }

  // What it took the message for: a request, or else a loss.
  Heard hear(const std::uint8_t* data, std::size_t size) {
    heard_ = {};
    const auto shim = make_socket();
    const auto* name = reinterpret_cast<const sockaddr*>(&name_);
    fuzz::must(::connect(shim.get(), name, name_size_) == 0);
    fuzz::must(::send(shim.get(), data, size, 0) == static_cast<ssize_t>(size));
    while (heard_.count == 0) io_.run_one();
    fuzz::must(heard_.count == 1);
    return heard_;
  }

 private:
  void note(const sources::HelperArrival& arrival) {
    ++heard_.count;
    if (const auto* module = std::get_if<event::ModuleRequest>(&arrival.asked))
      heard_.module_name = module->alias;
    if (const auto* helper = std::get_if<event::HelperRequest>(&arrival.asked))
      heard_.helper = *helper;
  }

  asio::io_context io_{1};
  Semaphore active_{io_, 1};
  std::unique_ptr<sources::ShimSocket> socket_;
  sockaddr_un name_{};
  socklen_t name_size_{sizeof name_};
  Heard heard_;
};

// The message as the kind that it says it is; nothing where it is not exactly one.
template <class Message>
std::optional<Message> read_as(wire::ShimKind kind, const std::uint8_t* data, std::size_t size) {
  Message said;
  if (size != sizeof said) return {};
  std::memcpy(&said, data, sizeof said);
  if (said.version != wire::kShimVersion || said.kind != kind) return {};
  return said;
}

// Its texts as the shim would write them; nothing where they are none that it could have written.
std::optional<std::string> helper_texts(const std::uint8_t* data, std::size_t size) {
  wire::ShimHelperRequest head;
  if (size < sizeof head || size > wire::kMaxHelperRequest) return {};
  std::memcpy(&head, data, sizeof head);
  const bool right = head.version == wire::kShimVersion &&
                     head.kind == wire::ShimKind::helper_request &&
                     head.texts_bytes == size - sizeof head;
  std::string texts{reinterpret_cast<const char*>(data) + sizeof head, size - sizeof head};
  const auto count = static_cast<std::size_t>(std::ranges::count(texts, '\0'));
  if (!right || !texts.ends_with('\0') || count > wire::kMaxHelperArguments + 1) return {};
  return texts;
}

std::string joined(const event::HelperRequest& request) {
  std::string texts = request.path + '\0';
  for (const auto& argument : request.arguments) texts += argument + '\0';
  return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLongest = 65536;
  if (size == 0 || size > kLongest) return 0;
  static Broker broker;
  const auto heard = broker.hear(data, size);
  const auto key = read_as<wire::ShimKeyRequest>(wire::ShimKind::key_request, data, size);
  fuzz::must(heard.key.has_value() == (key && key->key > 0));
  if (heard.key) fuzz::must(std::memcmp(&*heard.key, &*key, sizeof *key) == 0);
  const auto module = read_as<wire::ShimModuleRequest>(wire::ShimKind::module_request, data, size);
  const bool ends =
      module && ::strnlen(module->name.data(), module->name.size()) < module->name.size();
  fuzz::must(heard.module_name.has_value() == ends);
  if (heard.module_name) fuzz::must(*heard.module_name == module->name.data());
  const auto texts = helper_texts(data, size);
  fuzz::must(heard.helper.has_value() == texts.has_value());
  if (heard.helper) fuzz::must(joined(*heard.helper) == *texts);
  return 0;
}
