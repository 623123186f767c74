// SPDX-License-Identifier: Apache-2.0
#include "sources/helper_trace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace upcall::sources {
namespace {

TEST(HelperTrace, DoesNotSpinOnABufferThatReportsAnError) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  UniqueFd reader{ends[0]};
  std::vector<UniqueFd> buffers;
  buffers.emplace_back(ends[1]);
  reader.reset();  // and so the other end reports EPOLLERR, as does the buffer of a CPU not online
  asio::io_context io;
  HelperTrace trace{io, {}, std::move(buffers)};
  trace.start();
  constexpr std::chrono::milliseconds kLook{50};
  EXPECT_LT(io.run_for(kLook), 10U);
}

}  // namespace
}  // namespace upcall::sources
