// SPDX-License-Identifier: Apache-2.0
#include "dispatch/uevent_case.h"

#include "base/log.h"
#include "base/text.h"
#include "dispatch/handler_run.h"
#include "dispatch/uevent_description.h"

namespace upcall::dispatch {
namespace {

event::Uevent copy_into(const std::string& text, const event::Uevent& event) {
  auto copy = *event::parse_uevent(text);
  copy.origin = event.origin;
  copy.sender = event.sender;
  return copy;
}

}  // namespace

UeventCase::UeventCase(const Services& services, const event::Uevent& event,
                       const policy::UeventRule& rule, std::shared_ptr<const DeviceOwner> owner)
    : services_{services},
      rule_{rule},
      owner_{std::move(owner)},
      id_{services.next_id()},
      text_{event.text},
      event_{copy_into(text_, event)} {
  log::info(decided_line(id_, event_, rule_.name, owner_ ? &owner_->selector : nullptr));
}

asio::awaitable<bool> UeventCase::run_handlers(const Recipient* recipient) {
  bool all_succeeded = true;
  for (const auto row : rule_.handlers) {
    const bool succeeded = co_await run(row, recipient);
    all_succeeded = all_succeeded && succeeded;
  }
  if (!all_succeeded && rule_.on_failure) (void)co_await run(*rule_.on_failure, recipient);
  co_return all_succeeded;
}

asio::awaitable<bool> UeventCase::run(std::uint32_t row, const Recipient* recipient) {
  const auto& handler = services_.policy.handlers.at(row);
  UeventTold told{.id = id_, .time = time_, .event = event_, .rule = rule_.name};
  if (recipient != nullptr) {
    told.selector = recipient->selector;
    told.container = &recipient->container;
    log::info("event=" + std::to_string(static_cast<std::uint64_t>(id_)) +
              " handler=" + printable(handler.name) + " to=" + printable(recipient->selector) +
              " runtime=" + printable(recipient->container.runtime) + " id=\"" +
              printable(recipient->container.id) + '"');
  }
  const auto briefing = brief(told, handler.name);
  const HandlerCall call{.id = id_,
                         .briefing = briefing,
                         .capture = recipient != nullptr ? recipient->capture : wire::kNoCapture,
                         .row = row};
  auto run = co_await HandlerRun::start(services_, call);
  if (!run) {
    log::error("event=" + std::to_string(static_cast<std::uint64_t>(id_)) + ": " +
               upcall::describe(run.error()));
    co_return false;
  }
  co_return co_await run->finish();
}

}  // namespace upcall::dispatch
