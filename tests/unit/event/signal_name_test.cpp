// SPDX-License-Identifier: Apache-2.0
#include "event/signal_name.h"

#include <gtest/gtest.h>

#include <csignal>

namespace upcall::event {
namespace {

TEST(SignalName, IsThatOfTheManualWithoutSig) {
  EXPECT_EQ(signal_name(SIGSEGV), "SEGV");
  EXPECT_EQ(signal_name(SIGABRT), "ABRT");
}

TEST(SignalName, IsTheNumberWhereThereIsNoName) { EXPECT_EQ(signal_name(40), "40"); }

TEST(SignalNumber, TakesNamesWithAndWithoutSigAndNumbers) {
  EXPECT_EQ(signal_number("SEGV"), SIGSEGV);
  EXPECT_EQ(signal_number("SIGSEGV"), SIGSEGV);
  EXPECT_EQ(signal_number("11"), 11);
  EXPECT_EQ(signal_number("64"), SIGRTMAX);
}

TEST(SignalNumber, RefusesWhatIsNoSignal) {
  for (const char* text : {"", "SIG", "SEG", "segv", "0", "65", "-1", "11x"}) {
    EXPECT_EQ(signal_number(text), std::nullopt) << text;
  }
}

TEST(SignalNumber, ReadsEveryNameThatIsWritten) {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    EXPECT_EQ(signal_number(signal_name(signal)), signal);
  }
}

}  // namespace
}  // namespace upcall::event
