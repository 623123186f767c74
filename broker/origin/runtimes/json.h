// SPDX-License-Identifier: Apache-2.0
// JSON that a container runtime wrote, read with suspicion; the layer's one door to the JSON
// library. What is not as it should be reads as empty, and the Document keeps the first such
// mistake, so that a reader checks once, at its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "origin/runtimes/labels.h"

namespace upcall::origin::json {

struct Value;
class Document;

// A place in a document, to be asked for what should be there. It may be used while its document
// lives. `optional` ones may be absent or null, which is how Go writes what is empty.
class Field {
 public:
  [[nodiscard]] Field operator[](std::string_view key) const;

  [[nodiscard]] std::string text(std::size_t most = limits::kRecordText) const;
  [[nodiscard]] std::string optional_text(std::size_t most = limits::kRecordText) const;
  [[nodiscard]] std::uint64_t number(std::uint64_t least, std::uint64_t most) const;
  [[nodiscard]] std::optional<std::uint64_t> optional_number() const;
  [[nodiscard]] std::vector<Field> optional_list() const;
  [[nodiscard]] Labels optional_labels() const;  // an object of texts
  void must_be(std::string_view text) const;

 private:
  friend class Document;
  Field(Document& document, const Value* value, std::string path)
      : document_{&document}, value_{value}, path_{std::move(path)} {}
  [[nodiscard]] bool absent() const;
  void refuse(std::string_view expected) const;

  Document* document_;
  const Value* value_;  // null where there is nothing
  std::string path_;    // "config.labels[2]"
};

class Document {
 public:
  // `name` is how errors call it: "state.json of container 'web'".
  Document(std::string name, std::string_view text);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document();

  [[nodiscard]] Field root();
  [[nodiscard]] Field operator[](std::string_view key) { return root()[key]; }
  // Whether all that was read until now was as it should be; the first mistake, if not.
  [[nodiscard]] Result<Ok> check() const;

 private:
  friend class Field;
  void refuse(const std::string& path, std::string_view expected);

  std::string name_;
  std::unique_ptr<const Value> root_;
  std::optional<Error> mistake_;
};

}  // namespace upcall::origin::json
