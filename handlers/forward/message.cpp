// SPDX-License-Identifier: Apache-2.0
#include "forward/message.h"

#include <arpa/inet.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace upcall::forward {
namespace {

// UEVENT_BUFFER_SIZE less the head of the datagram, and what "SEQNUM=" and a 64-bit number take.
constexpr std::size_t kMostBytes = 2048 - 16 - 28;
constexpr const char* kSequence = "SEQNUM";

// struct monitor_netlink_header of systemd, which libudev, eudev and their clients share. Numbers
// are big-endian but the three sizes.
struct UdevHead {
  std::array<char, 8> prefix{'l', 'i', 'b', 'u', 'd', 'e', 'v', '\0'};
  std::uint32_t magic{htonl(0xfeedcafe)};
  std::uint32_t head_size{sizeof(UdevHead)};
  std::uint32_t variables_offset{sizeof(UdevHead)};
  std::uint32_t variables_size{};
  std::uint32_t subsystem_hash{};
  std::uint32_t devtype_hash{};
  std::uint32_t tags_high{};
  std::uint32_t tags_low{};
};
static_assert(sizeof(UdevHead) == 40);

// MurmurHash2 with seed 0, by which clients compare texts.
std::uint32_t hash_of(std::string_view text) {
  constexpr std::uint32_t kFactor = 0x5bd1e995;
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  auto hash = static_cast<std::uint32_t>(text.size());
  for (; text.size() >= kWord; text.remove_prefix(kWord)) {
    std::uint32_t word = 0;
    std::memcpy(&word, text.data(), kWord);
    word *= kFactor;
    word ^= word >> 24U;
    hash = (hash * kFactor) ^ (word * kFactor);
  }
  std::uint32_t rest = 0;
  for (std::size_t i = text.size(); i > 0; --i)
    rest = (rest << 8U) | static_cast<unsigned char>(text[i - 1]);
  if (!text.empty()) hash = (hash ^ rest) * kFactor;
  hash ^= hash >> 13U;
  hash *= kFactor;
  return hash ^ (hash >> 15U);
}

std::uint32_t network_hash_of(const Uevent& event, std::string_view variable) {
  for (const auto& [name, value] : event.variables) {
    if (name == variable) return htonl(hash_of(value));
  }
  return 0;
}

void append(std::string& text, const std::string& name, const std::string& value) {
  text.append(name).append("=").append(value).push_back('\0');
}

// A NUL inside would begin a variable of its own.
bool sound(const std::string& text) { return text.find('\0') == std::string::npos; }

}  // namespace

Result<Uevent> read_document(std::string_view json) {
  const auto bad = from_errno("understand the event", EBADMSG);
  const auto document = nlohmann::ordered_json::parse(json, nullptr, false);
  if (!document.is_object() || !document.contains("variables")) return bad;
  Uevent event;
  for (const auto& [name, value] : document["variables"].items()) {
    if (!value.is_string()) return bad;
    auto text = value.get<std::string>();
    if (!sound(name) || !sound(text)) return bad;
    if (name == "ACTION") event.action = text;
    if (name == "DEVPATH") event.devpath = text;
    event.variables.emplace_back(name, std::move(text));
  }
  if (event.action.empty() || event.devpath.empty()) return bad;
  return event;
}

Result<std::string> kernel_message(const Uevent& event) {
  std::string text = event.action + "@" + event.devpath;
  text.push_back('\0');
  for (const auto& [name, value] : event.variables) {
    if (name != kSequence) append(text, name, value);
  }
  if (text.size() > kMostBytes) return from_errno("forward an event of this length", E2BIG);
  return text;
}

std::string udev_message(const Uevent& event) {
  std::string variables;
  bool numbered = false;
  for (const auto& [name, value] : event.variables) {
    append(variables, name, value);
    numbered = numbered || name == kSequence;
  }
  if (!numbered) append(variables, kSequence, "1");
  const UdevHead head{.variables_size = static_cast<std::uint32_t>(variables.size()),
                      .subsystem_hash = network_hash_of(event, "SUBSYSTEM"),
                      .devtype_hash = network_hash_of(event, "DEVTYPE")};
  std::string text(sizeof head, '\0');
  std::memcpy(text.data(), &head, sizeof head);
  return text + variables;
}

}  // namespace upcall::forward
