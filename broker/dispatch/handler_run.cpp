// SPDX-License-Identifier: Apache-2.0
#include "dispatch/handler_run.h"

#include <array>

#include "base/log.h"
#include "dispatch/handler_sockets.h"
#include "dispatch/report.h"

namespace upcall::dispatch {

asio::awaitable<Result<HandlerRun>> HandlerRun::start(const Services& services,
                                                      const HandlerCall& call) {
  const auto& handler = services.policy.handlers.at(call.row);
  auto sockets = make_handler_sockets(call.briefing.document);
  if (!sockets) co_return sockets.error();
  auto empty = call.input < 0 ? socket_holding({}) : UniqueFd{};
  if (!empty) co_return empty.error();
  const int output_fd = sockets->output.get();
  const std::array fds{call.input < 0 ? empty->get() : call.input,
                       call.reply < 0 ? output_fd : call.reply, output_fd, sockets->event.get()};
  const auto environment = to_environment(call.briefing.fields);
  const auto started = co_await services.launcher.start(call.capture, call.row, environment, fds);
  if (!started) co_return started.error();
  auto output = std::make_shared<Output>(services.io, std::move(sockets->output_ours));
  start_loop(services.io, Output::run(output));
  co_return HandlerRun{call.id, handler, *started, std::move(output)};
}

asio::awaitable<bool> HandlerRun::finish() {
  const auto ended = co_await process_->ended();
  const auto& said = output_->finish();
  for (const auto& line : output_lines(id_, handler_->name, said)) log::info(line);
  log::info(run_line(id_, *handler_, process_->pid().value_or(0), ended, said));
  if (ended.how == wire::RunEnd::exited) exit_status_ = ended.status;
  co_return exit_status_ == 0;
}

}  // namespace upcall::dispatch
