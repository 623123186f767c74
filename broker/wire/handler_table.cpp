// SPDX-License-Identifier: Apache-2.0
#include "wire/handler_table.h"

#include "base/pack.h"

namespace upcall::wire {
namespace {

constexpr std::uint64_t kMagic = 0x32304c444e415055;  // "UPANDL02"

HandlerRow unpack_row(Unpacker& in) {
  HandlerRow row;
  row.name = in.get_text();
  row.program = in.get<Program>();
  row.path = in.get_text();
  row.arguments = in.get_list([&] { return in.get_text(); });
  row.environment = in.get_list([&] { return in.get_text(); });
  row.place = in.get<Place>();
  row.user = in.get<User>();
  row.uid = in.get<uid_t>();
  row.gid = in.get<gid_t>();
  row.timeout = std::chrono::milliseconds{in.get<std::int64_t>()};
  row.seccomp = in.get<Seccomp>();
  // By way of a byte: any bool but 0 and 1 is undefined behaviour.
  row.authority = in.get<std::uint8_t>() != 0;
  row.kernel_requests = in.get<std::uint8_t>() != 0;
  row.uevents = in.get<std::uint8_t>() != 0;
  row.helpers = in.get<std::uint8_t>() != 0;
  return row;
}

}  // namespace

std::vector<std::byte> pack_handlers(const HandlerTable& table) {
  Packer out;
  out.put(kMagic);
  out.put_list(table, [&](const HandlerRow& row) {
    out.put_text(row.name);
    out.put(row.program);
    out.put_text(row.path);
    out.put_list(row.arguments, [&](const std::string& argument) { out.put_text(argument); });
    out.put_list(row.environment, [&](const std::string& variable) { out.put_text(variable); });
    out.put(row.place);
    out.put(row.user);
    out.put(row.uid);
    out.put(row.gid);
    out.put(static_cast<std::int64_t>(row.timeout.count()));
    out.put(row.seccomp);
    out.put(row.authority);
    out.put(row.kernel_requests);
    out.put(row.uevents);
    out.put(row.helpers);
  });
  return {out.bytes().begin(), out.bytes().end()};
}

Result<HandlerTable> unpack_handlers(std::span<const std::byte> bytes) {
  Unpacker in{bytes};
  if (in.get<std::uint64_t>() != kMagic) return from_errno("read the handler table", EBADMSG);
  auto table = in.get_list([&] { return unpack_row(in); });
  if (!in.finished()) return from_errno("read the handler table", EBADMSG);
  return table;
}

}  // namespace upcall::wire
