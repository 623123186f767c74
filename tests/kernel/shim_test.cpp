// SPDX-License-Identifier: Apache-2.0
// upcall-shim, started by the real kernel for a real crash, with this test as its broker.
#include "wire/shim.h"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "support/core_pattern_guard.h"
#include "support/run_program.h"
#include "support/victim.h"
#include "wire/seqpacket.h"

namespace upcall::test {
namespace {

const std::filesystem::path kShim =
    std::filesystem::path{UPCALL_BUILD_FOLDER} / "bin" / "upcall-shim";
constexpr int kDeadline = 10'000;  // milliseconds

bool readable(int fd, int milliseconds = kDeadline) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, milliseconds) == 1;
}

struct Call {
  wire::ShimCoreDump facts;
  UniqueFd connection;
  UniqueFd stream;
  UniqueFd pidfd;
};

std::string read_all(int fd) {
  std::string bytes;
  std::array<char, 65536> buffer{};
  while (readable(fd)) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return bytes;
}

// The size that the program headers of a core promise; 0 for what is no core.
std::size_t promised_size(const std::string& core) {
  Elf64_Ehdr header{};
  if (core.size() < sizeof header) return 0;
  std::memcpy(&header, core.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_CORE) return 0;
  std::size_t end = 0;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const std::size_t at = header.e_phoff + (i * sizeof segment);
    if (at + sizeof segment > core.size()) return 0;
    std::memcpy(&segment, core.data() + at, sizeof segment);
    end = std::max<std::size_t>(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

class Shim : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may set core_pattern";
    std::string name = "/tmp/shim.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    // The pattern has room for a short path only.
    std::filesystem::copy_file(kShim, folder_ / "shim");
    listen_at(folder_ / "s");
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void listen_at(const std::string& path) {
    listener_ = UniqueFd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), 8), 0);
  }

  void register_shim(const std::string& more = "") {
    const auto pattern = kernel::shim_core_pattern(folder_ / "shim", folder_ / "s");
    ASSERT_TRUE(pattern) << describe(pattern.error());
    ASSERT_TRUE(CorePatternGuard::set(*pattern + more));
  }

  Call accept_call() {
    Call call;
    if (!readable(listener_.get())) return call;
    call.connection = UniqueFd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!readable(call.connection.get())) return call;
    auto received = wire::receive_message(call.connection.get(),
                                          std::as_writable_bytes(std::span{&call.facts, 1}));
    if (!received || received->size != sizeof call.facts || received->fd_count != 2) return call;
    call.stream = std::move(received->fds[0]);
    call.pidfd = std::move(received->fds[1]);
    return call;
  }

  std::filesystem::path folder_;
  UniqueFd listener_;
};

TEST_F(Shim, PassesOnTheFactsAndTheWholeCore) {
  const CorePatternGuard guard;
  register_shim();
  Victim victim;
  Call call = accept_call();
  ASSERT_TRUE(call.stream);
  EXPECT_EQ(call.facts.version, wire::kShimVersion);
  EXPECT_EQ(call.facts.kind, wire::ShimKind::core_dump);
  EXPECT_EQ(call.facts.pid, victim.pid());
  EXPECT_EQ(call.facts.tid, victim.pid());
  EXPECT_EQ(call.facts.signal, SIGSEGV);
  EXPECT_EQ(call.facts.dumpable, 1);

  std::ifstream info{"/proc/self/fdinfo/" + std::to_string(call.pidfd.get())};
  const std::string text{std::istreambuf_iterator<char>{info}, {}};
  EXPECT_NE(text.find("Pid:\t" + std::to_string(victim.pid()) + "\n"), std::string::npos) << text;

  const std::string core = read_all(call.stream.get());
  EXPECT_EQ(core.size(), promised_size(core));
  EXPECT_GT(core.size(), 100'000U);
  call.stream.reset();
  const int status = victim.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WCOREDUMP(status)) << status;
}

TEST_F(Shim, PassesOnALargeCoreByteForByte) {
  const CorePatternGuard guard;
  register_shim();
  constexpr std::size_t kSize = std::size_t{16} << 20;
  const auto fill = [] {
    auto* memory = static_cast<unsigned*>(
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (unsigned i = 0; i < kSize / sizeof(unsigned); ++i) memory[i] = (i + 1) * 2654435761U;
  };
  const Victim victim{fill};
  const Call call = accept_call();
  ASSERT_TRUE(call.stream);
  const std::string core = read_all(call.stream.get());
  EXPECT_EQ(core.size(), promised_size(core));
  std::vector<unsigned> expected(kSize / sizeof(unsigned));
  for (unsigned i = 0; i < expected.size(); ++i) expected[i] = (i + 1) * 2654435761U;
  EXPECT_NE(core.find(std::string_view{reinterpret_cast<const char*>(expected.data()), kSize}),
            std::string::npos);
}

TEST_F(Shim, HoldsTheProcessUntilTheBrokerClosesWhenTheKernelWaits) {
  const CorePatternGuard guard;
  ASSERT_TRUE(kernel::write_core_pipe_limit(16));
  register_shim();
  const Victim victim;
  Call call = accept_call();
  ASSERT_TRUE(call.stream);
  EXPECT_FALSE(read_all(call.stream.get()).empty());
  EXPECT_FALSE(victim.ended(100));
  call.stream.reset();
  EXPECT_TRUE(victim.ended(kDeadline));
}

TEST_F(Shim, FreesTheProcessWhenTheBrokerClosesEarly) {
  const CorePatternGuard guard;
  ASSERT_TRUE(kernel::write_core_pipe_limit(16));
  register_shim();
  const Victim victim{[] {
    constexpr std::size_t kSize = std::size_t{16} << 20;  // more than any buffer on the way holds
    std::memset(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                1, kSize);
  }};
  Call call = accept_call();
  ASSERT_TRUE(call.stream);
  EXPECT_FALSE(victim.ended(100));
  call.stream.reset();
  EXPECT_TRUE(victim.ended(kDeadline));
}

TEST_F(Shim, FreesTheProcessAtOnceWhenThereIsNoBroker) {
  const UniqueFd log{::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  ASSERT_TRUE(log);
  ::lseek(log.get(), 0, SEEK_END);
  listener_.reset();
  const CorePatternGuard guard;
  ASSERT_TRUE(kernel::write_core_pipe_limit(16));
  register_shim();
  const Victim victim;
  EXPECT_TRUE(victim.ended(kDeadline));
  std::array<char, 1024> record{};
  std::string records;
  for (ssize_t size = 0; (size = ::read(log.get(), record.data(), record.size())) > 0;) {
    records.append(record.data(), static_cast<std::size_t>(size));
  }
  EXPECT_NE(
      records.find(
          "upcall-shim: cannot connect to upcall-broker: errno 111; is upcall-broker running?"),
      std::string::npos)
      << records;
}

TEST_F(Shim, GivesUpOnABrokerThatNeverAccepts) {
  const CorePatternGuard guard;
  ASSERT_TRUE(kernel::write_core_pipe_limit(16));
  register_shim(" wait=1");
  const Victim victim;
  ASSERT_TRUE(readable(listener_.get()));
  EXPECT_FALSE(victim.ended(200));
  EXPECT_TRUE(victim.ended(kDeadline));
}

TEST_F(Shim, WaitsLongerForABrokerThatTookTheCall) {
  const CorePatternGuard guard;
  ASSERT_TRUE(kernel::write_core_pipe_limit(16));
  register_shim(" wait=1");
  const Victim victim;
  Call call = accept_call();
  ASSERT_TRUE(call.stream);
  EXPECT_FALSE(victim.ended(2'500));
  call.stream.reset();
  EXPECT_TRUE(victim.ended(kDeadline));
}

TEST(ShimProgram, IsSmallAndExplainsItself) {
  EXPECT_NE(run_program({kShim, "--help"}).output.find("core SOCKET"), std::string::npos);
  EXPECT_EQ(WEXITSTATUS(run_program({kShim}).status), 2);
}

}  // namespace
}  // namespace upcall::test
