// SPDX-License-Identifier: Apache-2.0
#include "settings/load.h"

#include <filesystem>

#include "settings/decode.h"
#include "settings/files.h"

namespace upcall::settings {
namespace {

class Loader {
 public:
  void read(const std::string& path) {
    auto text = read_trusted_file(path);
    if (auto* refused = std::get_if<Refused>(&text)) return refuse(path, *refused);
    sources_.emplace_back(order_++, path, std::move(std::get<std::string>(text)));
  }

  void read_drop_ins(const std::string& directory) {
    auto names = list_trusted_directory(directory);
    if (const auto* refused = std::get_if<Refused>(&names)) {
      if (!refused->missing) refuse(directory, *refused);
      return;
    }
    for (const auto& path : std::get<std::vector<std::string>>(names)) read(path);
  }

  [[nodiscard]] Loaded decode() && { return decode_all(sources_, std::move(mistakes_)); }

 private:
  void refuse(const std::string& path, const Refused& refused) {
    const auto& source = refused_.emplace_back(order_++, path, "");
    const char* remedy =
        refused.missing ? "; put a policy there, or name another file with upcalld's --config" : "";
    mistakes_.add({.source = &source}, refused.why + remedy);
  }

  std::size_t order_{};
  std::deque<Source> sources_;
  std::deque<Source> refused_;  // nothing of them is read: only their names are shown
  Mistakes mistakes_;
};

}  // namespace

Loaded load(const std::string& file) {
  Loader loader;
  loader.read(file);
  loader.read_drop_ins((std::filesystem::path{file}.parent_path() / "conf.d").string());
  return std::move(loader).decode();
}

}  // namespace upcall::settings
