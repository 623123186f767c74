// SPDX-License-Identifier: Apache-2.0
#include "control/answers.h"

#include "kernel/proc.h"
#include "origin/resolve.h"
#include "policy/decide.h"

namespace upcall::control {

asio::awaitable<std::string> Answers::answer(wire::ControlRequest request,
                                             wire::Received received) {
  if (request.version != wire::kControlVersion) {
    co_return error_document("upcallctl and upcalld are of different versions");
  }
  if (request.type == wire::ControlType::containers) {
    const auto running = co_await containers_.running();
    co_return containers_document(running);
  }
  if (request.type != wire::ControlType::whois || received.fd_count != 1) {
    co_return error_document("this is no request that upcalld knows");
  }
  const auto whose = co_await find_out(std::move(received.fds[0]));
  co_return whose ? whois_document(*whose) : error_document(describe(whose.error()));
}

asio::awaitable<Result<Whose>> Answers::find_out(UniqueFd pidfd) {
  co_await containers_.catch_up();
  auto inspected = co_await launcher_.inspect(pidfd.get());
  if (!inspected) co_return inspected.error();
  const auto& reply = inspected->reply;
  const auto number = std::to_string(reply.pid);
  const origin::Subject subject{.proc = proc_,
                                .pidfd = pidfd.get(),
                                .pid = reply.pid,
                                .tid = reply.pid,
                                .cgroup = kernel::read_unified_cgroup(proc_, number)};
  auto origin = origin::resolve(subject, reply, std::move(inspected->texts));
  if (!origin) co_return origin.error();
  Whose whose{.origin = *std::move(origin), .init = reply.template_pid};
  if (whose.init == 0) co_return whose;
  co_await containers_.name(whose.origin, whose.init);
  const auto status = kernel::read_proc(proc_, std::to_string(whose.init) + "/status");
  if (status) whose.init_status = kernel::parse_status(*status);
  const auto* selector = policy::container_of(policy_, whose.origin);
  if (selector != nullptr) whose.selector = selector->name;
  co_return whose;
}

}  // namespace upcall::control
