// SPDX-License-Identifier: Apache-2.0
// Every bound of the broker, with its reason. What runs into one is counted and logged, never
// silent.
#pragma once

#include <chrono>
#include <cstddef>

namespace upcall::limits {

// Crashes that the broker has accepted and not finished. Each holds two or more descriptors; those
// above wait in the sockets' backlogs, where the kernel holds them for nothing.
inline constexpr std::size_t kActive = 512;

// Of those, what one container or one user of the host may have running: of the launcher's 64 a
// quarter, so that handlers which never end leave the others theirs. And waiting, so that it does
// not fill kActive either; what is beyond is let go without a handler.
inline constexpr std::size_t kRunningEach = 16;
inline constexpr std::size_t kWaitingEach = 256;

// A key request in all, whatever its handlers' timeouts say. Its requester cannot even be killed,
// and after 120 seconds the kernel warns of it (kernel.hung_task_timeout_secs).
inline constexpr std::chrono::seconds kKeyDeadline{100};
// Those whose requester is being looked for; the others wait for that, and not for one of the
// launcher's 64 places, where crashes would have to wait behind them.
inline constexpr std::size_t kKeysLookedAt = 32;
// How soon a killed requester is noticed.
inline constexpr std::chrono::milliseconds kLookForKilled{250};

// Uevents that the kernel keeps while we do other things: some 320 000, at 830 bytes each. It costs
// nothing before it is needed.
inline constexpr std::size_t kUeventBuffer = std::size_t{128} << 20U;
// Those that a rule has handlers for and that have not been handled. Beyond, the kernel keeps them.
inline constexpr std::size_t kUeventsWaiting = 16'384;
// Of those, what may run at once: of the launcher's 64 places a quarter.
inline constexpr std::size_t kUeventsRunning = 16;
// Those that one container is to be told of, and that it has not been; what is beyond it is not.
inline constexpr std::size_t kUeventsForEach = 1024;
// How many containers are told of one at once.
inline constexpr std::size_t kDeliveriesRunning = 16;
// Of those, how many whose last handlers took longer than that.
inline constexpr std::size_t kSlowDeliveries = 4;
inline constexpr std::chrono::seconds kSlowDelivery{1};
// And how many quick ones it takes to be trusted again.
inline constexpr unsigned kQuickDeliveries = 8;
// Containers compared with rules before others have their turn: some milliseconds.
inline constexpr std::size_t kSortedAtOnce = 4096;
// The same for those of containers' own devices, of which one container can make as many as it
// likes: what it floods others lose as well. A pause after each thousand keeps the rest served.
inline constexpr std::size_t kNetworkUeventBuffer = std::size_t{16} << 20U;
inline constexpr std::chrono::milliseconds kNetworkUeventPause{20};
// Of one container; five seconds' worth may come at once. What is beyond it misses.
inline constexpr std::uint32_t kDeviceEventsPerSecond = 50;
// Of its devices, those that are looked at when it is first heard, and after a loss: as many as it
// may be told of at once.
inline constexpr std::size_t kDevicesOfContainer = std::size_t{5} * kDeviceEventsPerSecond;
// How often it is told what was missed.
inline constexpr std::chrono::seconds kTellMissed{10};
// Network namespaces that are heard at once: with each, a uevent that belongs to no network costs
// the kernel a lookup for every namespace of the host's users. And of those, what the host's users
// own, which are given a copy as well. docs/performance.md has both.
inline constexpr std::size_t kNetworks = 256;
inline constexpr std::size_t kNetworksOfHost = 64;
// How soon a container is looked at again whose runtime had not finished it, each time after twice
// as long; and what could not be heard, although nothing has changed.
inline constexpr std::chrono::milliseconds kLookAtUnfinished{200};
inline constexpr std::chrono::milliseconds kLookAtAll{60'000};
// How often a loss of uevents is made up for by looking at every device, 20 ms for 400 of them.
inline constexpr std::chrono::seconds kResyncEvery{5};

// Requests for modules, from their arrival to the end of the helper that loads them: fewer than the
// 50 that the kernel lets ask at once before it makes the others wait for five seconds, so that its
// own and the host's find room. Only root of the host is not counted. What is beyond is denied.
inline constexpr std::size_t kModulesEach = 8;
inline constexpr std::size_t kModules = 25;
// Of those for which nobody waits (request_module_nowait), whoever asks: the kernel does not count
// them, and a flood would take all connections.
inline constexpr std::size_t kModulesUnawaited = 8;
// Connections of the shim for modules: more than the kernel lets wait. What is beyond, for which
// nobody waits, stays in the backlog until the shim gives up.
inline constexpr std::size_t kActiveModules = 64;
// What handlers may take to say yes or no; the shim waits for four seconds.
inline constexpr std::chrono::seconds kModuleDeadline{3};

// The same for other helpers, for most of which nobody waits: connections of the shim, what all but
// root of the host have under way, and what handlers may take: of a release agent from its turn on,
// of others from the request on. The shim waits for 35 seconds.
inline constexpr std::size_t kActiveHelpers = 64;
inline constexpr std::size_t kHelpersEach = 8;
inline constexpr std::size_t kHelpers = 24;
inline constexpr std::chrono::seconds kHelperDeadline{30};

// Cgroups of version 2 that are watched below one listed directory, each with two watches and a
// descriptor: of a host's containers and services there are fewer. And below all of them, of which
// each has an equal part: half of the descriptors that upcalld.service has. Where there are fewer,
// half of those.
inline constexpr std::size_t kCgroupsWatchedBelow = 4096;
inline constexpr std::size_t kCgroupsWatched = 8192;
// How many wait to be listed before no more is heard: until then the kernel keeps it, or says that
// it could not. And the pause after each few hundred changes, so that a flood leaves the rest
// served.
inline constexpr std::size_t kCgroupsUnlisted = 1024;
inline constexpr std::chrono::milliseconds kCgroupPause{20};
// How long after a change one is looked at: the kernel tells of the next one after 10 ms, and the
// last process is accounted for then.
inline constexpr std::chrono::milliseconds kCgroupSettles{20};
// How often one is told of, whoever fills and empties it.
inline constexpr std::chrono::seconds kCgroupToldEvery{1};
// Those that are told of and wait for their handlers, and how many have them at once: of the
// launcher's 64 places a quarter. What is beyond is let go.
inline constexpr std::size_t kEmptiedWaiting = 4096;
inline constexpr std::size_t kEmptiedRunning = 16;
// How often the log has a word on what strangers can bring about at will.
inline constexpr std::chrono::seconds kSaidEvery{10};
// Of a container whose record has gone, how long its cgroup is still known to be its, and of how
// many: a runtime removes the record as soon as the cgroup is empty.
inline constexpr std::chrono::seconds kDepartedFor{10};
inline constexpr std::size_t kDeparted = 1024;

// The listening sockets' backlog: the burst that may arrive between two accepts. A full one loses
// dumps (coredump: "receive queue full"); net.core.somaxconn cuts it to 4096 by default.
inline constexpr int kBacklog = 4096;

// The kernel and the shim speak at once; only a peer that is not one of them stays silent.
inline constexpr std::chrono::seconds kPeerSpeaks{5};

// How long the head of a core may take to come. It decides only how much a handler is told.
inline constexpr std::chrono::milliseconds kHeadArrives{250};

// Of upcallctl, at once; the others wait in the backlog.
inline constexpr std::size_t kControlClients = 8;

// Who watches uevents at once.
inline constexpr std::size_t kMonitors = 4;

// What a handler may write into our log for one run.
inline constexpr std::size_t kOutputLines = 64;
inline constexpr std::size_t kOutputLineBytes = 512;

// How often a record is tried that its runtime is still writing: over three seconds, each time
// after twice as long.
inline constexpr std::chrono::milliseconds kReadRecordsEvery{50};
inline constexpr int kRecordAttempts = 6;
// How soon a runtime's first container is seen, whose state directory comes with it.
inline constexpr std::chrono::seconds kLookForDirectory{2};

// How long the supervisor lets what runs come to its end when it is told to stop.
inline constexpr std::chrono::seconds kStop{30};

// What a healthy start takes is milliseconds; this is for a machine that is on its knees.
inline constexpr std::chrono::seconds kStart{20};
inline constexpr std::chrono::seconds kSelfTest{10};
// The launcher of an upcalld that died waits five seconds for the broker, at most.
inline constexpr std::chrono::seconds kFormerLauncher{15};

// kernel.core_pattern tells nobody that it was changed.
inline constexpr std::chrono::seconds kWatch{2};

// One file that a container runtime wrote. A privileged pod's with hundreds of mounts and devices
// has 200 KiB and is 7 levels deep; podman's list of all its containers has 1 KiB for each.
inline constexpr std::size_t kRecordFile = std::size_t{4} << 20U;
inline constexpr std::size_t kRecordDepth = 32;
inline constexpr std::size_t kRecordValues = std::size_t{1} << 18U;

// What the broker remembers of a container. No name is ever cut: half of it could be another
// container's.
inline constexpr std::size_t kRecordText = 512;
inline constexpr std::size_t kRecordPath = 4096;
inline constexpr std::size_t kLabels = 256;
inline constexpr std::size_t kLabelBytes = 4096;

}  // namespace upcall::limits
