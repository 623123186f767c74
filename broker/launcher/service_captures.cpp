// SPDX-License-Identifier: Apache-2.0
// The requests that are answered with a capture.
#include <algorithm>
#include <cstring>

#include "launcher/service.h"

namespace upcall::launcher {
namespace {

template <class T>
std::vector<std::byte> datagram_of(const T& head, std::string_view texts) {
  std::vector<std::byte> datagram(sizeof head + texts.size());
  std::memcpy(datagram.data(), &head, sizeof head);
  std::memcpy(datagram.data() + sizeof head, texts.data(), texts.size());
  return datagram;
}

}  // namespace

std::optional<std::uint32_t> Service::free_capture() const {
  const auto* const free = std::ranges::find_if(captures_, [](const auto& one) { return !one; });
  if (free == captures_.end()) return {};
  return static_cast<std::uint32_t>(free - captures_.begin());
}

// What `make` gives, if there is a number for it.
template <class Make>
void Service::hold(std::uint64_t id, Make make) {
  const auto number = free_capture();
  Capturing capturing{own_, inits_};
  auto captured =
      number ? make(capturing) : Result<Capture>{from_errno("hold one more capture", EAGAIN)};
  answer_captured(id, captured, capturing.step(), number.value_or(wire::kNoCapture));
  if (captured) captures_.at(*number) = *std::move(captured);
}

void Service::refuse_capture(std::uint64_t id) {
  answer_captured(id, from_errno("understand a request", EINVAL), CaptureStep::request,
                  wire::kNoCapture);
}

void Service::take_capture(const wire::CaptureRequest& request, wire::Received received) {
  if (received.fd_count != 1) {
    refuse_capture(request.header.id);
    return;
  }
  hold(request.header.id, [&](Capturing& capturing) {
    return capturing.capture(std::move(received.fds[0]), request);
  });
}

void Service::take_inspect(const wire::InspectRequest& request, wire::Received received) {
  const auto id = request.header.id;
  auto& pidfd = received.fds[0];
  if (received.fd_count != 1) {
    refuse_capture(id);
  } else if (request.hold != 0) {
    hold(id, [&](Capturing& capturing) { return capturing.capture_uninvolved(std::move(pidfd)); });
  } else {
    Capturing capturing{own_, inits_};
    const auto inspected = capturing.inspect(std::move(pidfd));
    answer_captured(id, inspected, capturing.step(), wire::kNoCapture);
  }
}

void Service::take_helped(const wire::HelpedRequest& request, wire::Received received) {
  Capturing capturing{own_, inits_};
  auto captured = Result<Capture>{from_errno("understand a request", EINVAL)};
  if (received.fd_count == 2) {
    captured =
        capturing.capture_helped(std::move(received.fds[0]), received.fds[1].get(), request.tid);
  }
  const bool hold = captured && request.hold != 0 && captured->waits_for_helper;
  const auto number = hold ? free_capture() : std::nullopt;
  answer_captured(request.header.id, captured, capturing.step(), number.value_or(wire::kNoCapture));
  if (number) captures_.at(*number) = *std::move(captured);
}

void Service::take_release(const wire::ReleaseRequest& request) {
  if (request.capture < captures_.size()) captures_[request.capture].reset();
}

void Service::take_network(const wire::NetworkRequest& request) {
  auto heard = hear_network(request.capture);
  wire::NetworkNumbered reply{.error = heard ? 0 : heard.error().code.value(),
                              .number = heard ? heard->number : 0};
  reply.header.id = request.header.id;
  std::vector<UniqueFd> fds;
  if (heard) fds.push_back(std::move(heard->sysfs));
  outbox_.put(wire::bytes_of(reply), std::move(fds));
}

Result<Networks::Heard> Service::hear_network(std::uint32_t capture) {
  const char* doing = "number the network of a container";
  if (!sockets_.networks || capture >= captures_.size()) return from_errno(doing, EINVAL);
  const auto& held = captures_[capture];
  if (!held || !held->uninvolved) return from_errno(doing, EINVAL);
  const auto& namespaces = held->container->init.namespaces;
  if (namespaces.id(kernel::Namespace::net) == own_.namespaces.id(kernel::Namespace::net))
    return from_errno(doing, ENOTSUP);
  return sockets_.networks->hear(own_, namespaces.fd(kernel::Namespace::net));
}

void Service::answer_captured(std::uint64_t id, const Result<Capture>& captured, CaptureStep step,
                              std::uint32_t number) {
  wire::CaptureReply reply{.capture = number};
  std::string texts;
  if (captured) {
    reply = reply_for(*captured, own_);
    reply.capture = number;
    texts = captured->exe + captured->host_name + captured->tag;
  } else {
    reply.error = captured.error().code.value();
    reply.step = static_cast<std::uint32_t>(step);
  }
  reply.header.id = id;
  outbox_.put(datagram_of(reply, texts));
}

void Service::take_key_landing(std::uint64_t id) {
  const auto keyring = landings_.add();
  wire::KeyLanded reply{.error = keyring ? 0 : keyring.error().code.value(),
                        .keyring = keyring ? *keyring : 0};
  reply.header.id = id;
  outbox_.put(wire::bytes_of(reply));
}

Result<Capture> Service::capture_requester(const wire::KeyCaptureRequest& request,
                                           const wire::Received& received, CaptureStep& step) {
  auto landing = landings_.take_landed(request.keyring);
  if (!landing || received.fd_count != 1) return from_errno("capture a requester", EINVAL);
  Capturing capturing{own_, inits_};
  auto capture = capturing.capture_requester(*std::move(landing), received.fds[0].get());
  step = capturing.step();
  return capture;
}

void Service::take_key_capture(const wire::KeyCaptureRequest& request,
                               const wire::Received& received) {
  auto step = CaptureStep::request;
  auto capture = capture_requester(request, received, step);
  const auto number = free_capture();
  wire::KeyCaptured reply;
  std::string texts;
  if (capture && number) {
    reply = key_reply_for(*capture, own_);
    reply.capture.capture = *number;
    const auto& key = *capture->key;
    texts = capture->exe + capture->host_name + capture->tag + key.described.type +
            key.described.description + key.destination + key.callout;
    captures_.at(*number) = *std::move(capture);
  } else {
    reply.capture.error = capture ? EAGAIN : capture.error().code.value();
    reply.capture.step = static_cast<std::uint32_t>(step);
  }
  reply.capture.header.id = request.header.id;
  outbox_.put(datagram_of(reply, texts));
}

}  // namespace upcall::launcher
