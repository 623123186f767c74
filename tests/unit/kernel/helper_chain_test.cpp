// SPDX-License-Identifier: Apache-2.0
#include "kernel/helper_chain.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace upcall::kernel {
namespace {

constexpr const char* kPage =
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";
constexpr const char* kCommon =
    "format:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n";

std::string format(const std::string& name, int id, const std::string& fields) {
  return "name: " + name + "\nID: " + std::to_string(id) + "\n" + kCommon + fields +
         "\nprint fmt: \"x=%d\", REC->x\n";
}

constexpr std::uint16_t kQueue = 337;
constexpr std::uint16_t kExecute = 335;
constexpr std::uint16_t kFork = 366;
constexpr std::uint16_t kModule = 400;

// Linux 6.1's, where the names in a fork are arrays.
TraceLayout layout_of(bool modules = true) {
  const auto queue = format("workqueue_queue_work", kQueue,
                            "\tfield:void * work;\toffset:8;\tsize:8;\tsigned:0;\n"
                            "\tfield:void * function;\toffset:16;\tsize:8;\tsigned:0;\n");
  const auto execute = format("workqueue_execute_start", kExecute,
                              "\tfield:void * work;\toffset:8;\tsize:8;\tsigned:0;\n");
  const auto fork = format("sched_process_fork", kFork,
                           "\tfield:char parent_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
                           "\tfield:pid_t parent_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
                           "\tfield:char child_comm[16];\toffset:28;\tsize:16;\tsigned:0;\n"
                           "\tfield:pid_t child_pid;\toffset:44;\tsize:4;\tsigned:1;\n");
  const auto module = format("module_request", kModule,
                             "\tfield:unsigned long ip;\toffset:8;\tsize:8;\tsigned:0;\n"
                             "\tfield:bool wait;\toffset:16;\tsize:1;\tsigned:0;\n"
                             "\tfield:__data_loc char[] name;\toffset:20;\tsize:4;\tsigned:0;\n");
  const auto layout = parse_trace_layout({.header_page = kPage,
                                          .queue_work = queue,
                                          .execute_start = execute,
                                          .fork = fork,
                                          .module_request = modules ? module : ""});
  EXPECT_TRUE(layout);
  return layout ? *layout : TraceLayout{};
}

class Bytes {
 public:
  template <class T>
  Bytes& put(T value) {
    std::array<std::byte, sizeof value> from{};
    std::memcpy(from.data(), &value, sizeof value);
    for (const auto byte : from) bytes_.push_back(byte);
    return *this;
  }
  Bytes& text(const std::string& text, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) put(i < text.size() ? text[i] : '\0');
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Bytes head(std::uint16_t event, pid_t task) {
  return Bytes{}.put(event).put<std::uint16_t>(0).put(task);
}
Bytes queue_work(pid_t task, std::uint64_t work) {
  return head(kQueue, task).put(work).put<std::uint64_t>(0);
}
Bytes execute_start(pid_t worker, std::uint64_t work) { return head(kExecute, worker).put(work); }
Bytes fork(pid_t worker, pid_t child) {
  return head(kFork, worker).text("kworker/u4:0", 16).put(worker).text("", 16).put(child);
}
Bytes module_request(pid_t task, const std::string& name, bool waits) {
  const auto size = static_cast<std::uint32_t>(name.size() + 1);
  return head(kModule, task)
      .put<std::uint64_t>(0)
      .put<std::uint32_t>(waits ? 1 : 0)
      .put<std::uint32_t>(24U | size << 16U)
      .text(name, std::size_t{size + 3} / 4 * 4);
}

// A page whose events come 10 ns after each other, the first at `start`.
class Page {
 public:
  explicit Page(std::uint64_t start) { page_.put(start); }
  Page& add(const Bytes& event) {
    const auto size = static_cast<std::uint32_t>(event.bytes().size());
    word((size / 4) | (data_.bytes().empty() ? 0U : 10U << 5U));
    for (const auto byte : event.bytes()) data_.put(byte);
    return *this;
  }
  Page& word(std::uint32_t word) {
    data_.put(word);
    return *this;
  }
  [[nodiscard]] std::vector<std::byte> bytes(std::uint64_t flags = 0) const {
    Bytes whole = page_;
    whole.put<std::uint64_t>(data_.bytes().size() | flags);
    for (const auto byte : data_.bytes()) whole.put(byte);
    return whole.bytes();
  }

 private:
  Bytes page_;
  Bytes data_;
};

Page a_request(std::uint64_t start, pid_t task, pid_t worker, pid_t helper) {
  Page page{start};
  page.add(module_request(task, "net-pf-21", true))
      .add(queue_work(task, 0xffff888005462600))
      .add(execute_start(worker, 0xffff888005462600))
      .add(fork(worker, helper));
  return page;
}

TEST(TraceLayout, IsReadFromTheKernelsFormats) {
  const auto layout = layout_of();
  EXPECT_EQ(layout.data.offset, 16U);
  EXPECT_EQ(layout.queue_work.id, kQueue);
  EXPECT_EQ(layout.execute_start.work.offset, 8U);
  EXPECT_EQ(layout.fork.child.offset, 44U);
  EXPECT_EQ(layout.module_request.name.offset, 20U);
  EXPECT_EQ(layout_of(false).module_request.id, 0U);
}

TEST(TraceLayout, IsRefusedWithoutWhatIsNeeded) {
  const auto layout = parse_trace_layout({.header_page = kPage, .queue_work = "ID: 3\n"});
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, std::errc::bad_message);
}

TEST(HelperChain, LeadsFromTheHelperToTheRequester) {
  HelperChain chain{layout_of()};
  chain.take(a_request(1000, 157, 12, 158).bytes());
  chain.settle(2000);
  const auto* call = chain.find(158);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->requester, 157);
  EXPECT_EQ(call->asked, 1010U);
  EXPECT_EQ(call->started, 1030U);
  ASSERT_TRUE(call->module);
  EXPECT_EQ(call->module->name, "net-pf-21");
  EXPECT_TRUE(call->module->waits);
  EXPECT_EQ(chain.find(157), nullptr);
  EXPECT_EQ(chain.gaps(), 0U);
}

TEST(HelperChain, DoesNotConfuseRequestsOfTheSameNameAtTheSameTime) {
  HelperChain chain{layout_of()};
  chain.take(Page{100}
                 .add(module_request(1, "fs-x", true))
                 .add(module_request(2, "fs-x", false))
                 .add(queue_work(2, 0xb))
                 .add(queue_work(1, 0xa))
                 .bytes());
  chain.take(Page{200}
                 .add(execute_start(11, 0xa))
                 .add(execute_start(12, 0xb))
                 .add(fork(12, 1002))
                 .add(fork(11, 1001))
                 .bytes());
  chain.settle(1000);
  ASSERT_TRUE(chain.find(1001) != nullptr && chain.find(1002) != nullptr);
  EXPECT_EQ(chain.find(1001)->requester, 1);
  EXPECT_EQ(chain.find(1002)->requester, 2);
  EXPECT_FALSE(chain.find(1002)->module->waits);
}

TEST(HelperChain, FollowsTheTimeAcrossBuffers) {
  HelperChain chain{layout_of()};
  // The worker's CPU is drained first.
  chain.take(Page{300}.add(execute_start(12, 0xa)).add(fork(12, 158)).bytes());
  chain.take(Page{200}.add(queue_work(157, 0xa)).bytes());
  chain.settle(1000);
  ASSERT_NE(chain.find(158), nullptr);
  EXPECT_EQ(chain.find(158)->requester, 157);
}

TEST(HelperChain, LeavesForLaterWhatSomeBufferMayNotHaveShownYet) {
  HelperChain chain{layout_of()};
  chain.take(Page{300}.add(execute_start(12, 0xa)).add(fork(12, 158)).bytes());
  chain.settle(250);
  EXPECT_EQ(chain.find(158), nullptr);
  chain.take(Page{200}.add(queue_work(157, 0xa)).bytes());
  chain.settle(1000);
  ASSERT_NE(chain.find(158), nullptr);
}

TEST(HelperChain, TakesNoForkForAHelperWithoutWork) {
  HelperChain chain{layout_of()};
  chain.take(Page{100}.add(fork(12, 158)).bytes());
  chain.take(a_request(200, 157, 12, 159).add(fork(12, 160)).bytes());
  chain.settle(1000);
  EXPECT_EQ(chain.find(158), nullptr);
  EXPECT_NE(chain.find(159), nullptr);
  EXPECT_EQ(chain.find(160), nullptr);
}

TEST(HelperChain, BelievesTheLaterHelperOfANumber) {
  HelperChain chain{layout_of()};
  chain.take(a_request(100, 157, 12, 158).bytes());
  chain.take(a_request(300, 257, 12, 158).bytes());
  chain.settle(1000);
  EXPECT_EQ(chain.find(158)->requester, 257);
}

TEST(HelperChain, ForgetsTheOldestHelpers) {
  HelperChain chain{layout_of()};
  for (pid_t i = 0; i < 5000; ++i)
    chain.take(a_request(static_cast<std::uint64_t>(i) * 1000, 7, 12, 10'000 + i).bytes());
  chain.settle(10'000'000);
  EXPECT_EQ(chain.find(10'000), nullptr);
  EXPECT_NE(chain.find(14'999), nullptr);
}

TEST(HelperChain, CountsWhatWasOverwrittenOrNotUnderstood) {
  HelperChain chain{layout_of()};
  chain.take(Page{100}.bytes(std::uint64_t{1} << 31U));
  EXPECT_EQ(chain.gaps(), 1U);
  chain.take(Page{100}.word(7).bytes());
  EXPECT_EQ(chain.gaps(), 2U);
  auto cut = a_request(100, 1, 2, 3).bytes();
  cut.resize(cut.size() - 8);
  chain.take(cut);
  EXPECT_EQ(chain.gaps(), 3U);
}

TEST(TracePage, KnowsEveryKindOfEntry) {
  constexpr std::uint32_t kLongTime = 3;
  const auto page = Page{1000}
                        .word(30U | 5U << 5U)  // a time extension
                        .word(kLongTime)
                        .word(29U | 1U << 5U)  // a discarded event of 8 bytes
                        .word(4)
                        .word(0U | 2U << 5U)  // an event with its length in a word of its own
                        .word(8)
                        .word(kQueue)
                        .word(31U | 9U << 5U)  // the time
                        .word(1)
                        .word(1U | 1U << 5U)
                        .word(kFork)
                        .word(29)  // the rest is empty
                        .word(0)
                        .bytes();
  std::vector<TraceEvent> events;
  const auto read =
      read_trace_page(layout_of(), page, [&](const TraceEvent& event) { events.push_back(event); });
  EXPECT_TRUE(read.whole);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].time, 1000 + 5 + (std::uint64_t{kLongTime} << 27U) + 2);
  EXPECT_EQ(events[0].bytes.size(), 4U);
  EXPECT_EQ(events[1].time, 9 + (std::uint64_t{1} << 27U) + 1);
}

}  // namespace
}  // namespace upcall::kernel
