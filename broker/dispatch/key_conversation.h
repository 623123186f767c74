// SPDX-License-Identifier: Apache-2.0
// Our side of a key request's conversation with upcall-shim (wire/shim.h). Whatever happens,
// destroying it ends the shim's wait, which then refuses the key by itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/asio.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "policy/policy.h"
#include "wire/shim.h"

namespace upcall::dispatch {

class KeyConversation {
 public:
  KeyConversation(asio::io_context& io, UniqueFd connection)
      : connection_{io, connection.release()} {}

  // Has the shim lay its authority into `keyring`.
  [[nodiscard]] asio::awaitable<Result<Ok>> land(std::int32_t keyring);

  // The verdicts. Each is the last word, and fails with what the kernel said to it.
  [[nodiscard]] Result<Ok> pass();
  [[nodiscard]] asio::awaitable<Result<Ok>> reject(policy::Negative negative);
  [[nodiscard]] asio::awaitable<Result<Ok>> instantiate(std::string_view payload,
                                                        std::uint32_t seconds);
  // The handler had the authority. ENODATA when it gave no answer: `negative` is one now.
  [[nodiscard]] asio::awaitable<Result<Ok>> end_answered(policy::Negative negative);

 private:
  [[nodiscard]] Result<Ok> send(wire::KeyAnswer answer, std::string_view payload = {});
  [[nodiscard]] asio::awaitable<Result<Ok>> hear_report(const char* doing);

  asio::posix::stream_descriptor connection_;
};

}  // namespace upcall::dispatch
