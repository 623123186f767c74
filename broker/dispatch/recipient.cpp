// SPDX-License-Identifier: Apache-2.0
#include "dispatch/recipient.h"

#include "base/text.h"
#include "kernel/pidfd.h"
#include "kernel/proc.h"
#include "kernel/stat.h"
#include "origin/resolve.h"
#include "policy/decide.h"

namespace upcall::dispatch {
namespace {

// Its number may have become another one's since it was recorded.
Result<UniqueFd> open_init(int proc, const origin::Record& record) {
  auto pidfd = kernel::open_pidfd(record.init);
  if (!pidfd) return pidfd;
  const auto stat = kernel::read_stat(proc, std::to_string(record.init));
  if (!stat) return stat.error();
  if (stat->start_time != record.start_time) return from_errno("hold a container's init", ESRCH);
  return pidfd;
}

Result<Recipient> make_recipient(const Services& services, const origin::Record& record, int pidfd,
                                 launcher::Captured held) {
  const origin::Subject subject{
      .proc = services.proc,
      .pidfd = pidfd,
      .pid = record.init,
      .tid = record.init,
      .cgroup = kernel::read_unified_cgroup(services.proc, std::to_string(record.init))};
  auto origin = origin::resolve(subject, held.reply, std::move(held.texts));
  if (!origin) return origin.error();
  if (origin->verdict != event::Verdict::in_container) {
    return from_errno("tell what is not wholly a container: upcallctl whois " +
                          std::to_string(record.init) + " says why",
                      EPERM);
  }
  origin->container = record.container;
  Recipient recipient{.capture = held.reply.capture, .container = record.container};
  if (const auto* selector = policy::container_of(services.policy, *origin))
    recipient.selector = selector->name;
  return recipient;
}

}  // namespace

asio::awaitable<Result<Recipient>> hold_container(const Services& services, origin::Record record) {
  const auto pidfd = open_init(services.proc, record);
  if (!pidfd) co_return pidfd.error();
  auto held = co_await services.launcher.capture_uninvolved(pidfd->get());
  if (!held) co_return held.error();
  const auto capture = held->reply.capture;
  auto recipient = make_recipient(services, record, pidfd->get(), *std::move(held));
  if (!recipient) co_await services.launcher.release(capture);
  co_return recipient;
}

bool is_gone(const Error& error) {
  return error.code == std::errc::no_such_process ||
         error.code == std::errc::no_such_file_or_directory;
}

std::string name_of(const origin::Record& record) {
  return "container \"" + printable(record.container.id) + '"';
}

}  // namespace upcall::dispatch
