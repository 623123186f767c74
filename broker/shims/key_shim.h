// SPDX-License-Identifier: Apache-2.0
// Role "request-key": the kernel's request-key helper (request-key(8)), as it stands in
// /sbin/request-key or in a line of /etc/request-key.d:
//
//   #!/usr/sbin/upcall-shim request-key=SOCKET[,stock=PATH][,absent=reject]
//   create TYPE * * /usr/sbin/upcall-shim request-key=SOCKET request-key %o %k %u %g %T %P %S
//
// The requester sleeps, and cannot be killed, until this program ends, and what it leaves without
// an answer the kernel refuses for a minute: so it waits for nothing without a bound, and answers
// in every case. Where there is no broker the stock helper at PATH does what it always did, unless
// `absent=reject`; a broker that is there, but says nothing in time, is no reason to go around it.
#pragma once

#include <span>

namespace upcall::shim {

// `options` follow "request-key="; `arguments` are the kernel's: its helper's name, "create", key,
// uid, gid, and the requester's thread, process and session keyrings. Returns the exit status.
[[nodiscard]] int run_key_shim(char* options, std::span<char*> arguments, char* const* environment);

}  // namespace upcall::shim
