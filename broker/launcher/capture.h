// SPDX-License-Identifier: Apache-2.0
// A capture: one process that caused an upcall, or whose container is to be told of one, and that
// container, held as kernel objects; and the verdict on whose it is.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/pidfd.h"
#include "launcher/inits.h"
#include "launcher/key_request.h"
#include "launcher/own.h"
#include "launcher/subject.h"
#include "launcher/template.h"
#include "wire/launcher.h"

namespace upcall::launcher {

// Where a capture failed, for the broker's log.
enum class CaptureStep : std::uint32_t {
  request = 1,
  pidfd,
  thread,
  dumping,
  origin,
  container,
  users,
  alive,
  authority,
  requester,
};

struct Capture {
  UniqueFd pidfd;
  pid_t pid{};
  pid_t tid{};  // the thread that caused the upcall
  std::optional<int> dumpable;
  int signal{};  // the fatal one; 0 where this kernel does not tell
  bool kernel_thread{};
  // Empty where a security module keeps even us out of the process: then it is the host's, and
  // nothing of its own can be entered.
  std::optional<Subject> origin;
  std::optional<Container> container;
  wire::Verdict verdict{wire::Verdict::host};
  std::uint32_t failed_rules{};
  std::uint32_t user_depth{};
  std::string exe;                // as the origin sees it
  std::string host_name;          // of its UTS namespace
  std::string tag;                // its own, or else its container's init's
  std::optional<KeyRequest> key;  // what it requested
  bool by_kernel{};         // the kernel requested it, for everybody; the process only was there
  bool uninvolved{};        // it caused nothing: its container is only told of something
  bool waits_for_helper{};  // so it cannot have become another one meanwhile
};

class Capturing {
 public:
  Capturing(const Own& own, const Inits& inits) : own_{own}, inits_{inits} {}

  // Fails for whatever is not, at this moment, the dumping thread of the process behind `pidfd`.
  [[nodiscard]] Result<Capture> capture(UniqueFd pidfd, const wire::CaptureRequest& request);
  // The same for the thread that requested a key. `shim` holds the request open.
  [[nodiscard]] Result<Capture> capture_requester(Landing landing, int shim);
  // As if it dumped core now: for whoever asks whose a process is.
  [[nodiscard]] Result<Capture> inspect(UniqueFd pidfd);
  // The init of a container, to tell that of what it has not caused. EINVAL for any other process,
  // EAGAIN for one that its runtime has not finished.
  [[nodiscard]] Result<Capture> capture_uninvolved(UniqueFd pidfd);
  // The thread `tid` of that process, which had the kernel start `helper`. EACCES where a security
  // module keeps us out of it.
  [[nodiscard]] Result<Capture> capture_helped(UniqueFd pidfd, int helper, pid_t tid);
  // The last step taken.
  [[nodiscard]] CaptureStep step() const { return step_; }

 private:
  // Where the pidfd does not say whether the process is dumpable.
  void ask_whether_dumpable(Capture& capture, pid_t pid, pid_t tid) const;
  [[nodiscard]] Result<ThreadName> find_leader(Capture& capture);
  [[nodiscard]] Result<kernel::PidfdFacts> find_process(Capture& capture);
  [[nodiscard]] Result<ThreadName> find_thread(Capture& capture,
                                               const wire::CaptureRequest& request);
  [[nodiscard]] Result<ThreadName> find_requester(Capture& capture, int shim);
  // All that is to be known of the thread, which has been found.
  [[nodiscard]] Result<Ok> look_at(Capture& capture, const ThreadName& thread);
  [[nodiscard]] Result<Ok> read_origin(Capture& capture, const ThreadName& thread);
  [[nodiscard]] Result<Ok> judge(Capture& capture);

  const Own& own_;
  const Inits& inits_;
  CaptureStep step_{CaptureStep::request};
};

[[nodiscard]] wire::CaptureReply reply_for(const Capture& capture, const Own& own);
// For one with a key.
[[nodiscard]] wire::KeyCaptured key_reply_for(const Capture& capture, const Own& own);

}  // namespace upcall::launcher
