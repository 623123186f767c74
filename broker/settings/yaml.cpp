// SPDX-License-Identifier: Apache-2.0
// Built from yaml-cpp's events and not from its nodes: those lose the place of an empty value, hide
// duplicate keys behind look-ups, and let an alias contain itself.
#include "settings/yaml.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include "base/text.h"

namespace upcall::settings {
namespace {

// Each alias is a copy here, so that a few lines of them could stand for billions of values.
constexpr std::size_t kMostValues = 100'000;

// What the events cannot go on from; caught in parse_yaml().
struct Refusal {
  Place place;
  std::string message;
};

// NOLINTNEXTLINE(misc-no-recursion): as deep as yaml-cpp itself has been
std::size_t count_values(const Value& value) {
  std::size_t count = 1;
  for (const auto& item : value.items) count += count_values(item);
  for (const auto& [key, held] : value.entries) count += count_values(key) + count_values(held);
  return count;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const Source& source) : source_{source} {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(mark, Value::Kind::nothing), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) throw Refusal{place(mark), "an alias cannot contain itself"};
    spend(count_values(known->second), place(mark));
    attach(Value{known->second});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& text) override {
    auto value = make(mark, Value::Kind::text);
    value.text = text;
    add(std::move(value), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open_.push_back({.value = make(mark, Value::Kind::list), .anchor = anchor});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open_.push_back({.value = make(mark, Value::Kind::map), .anchor = anchor});
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] Value take() { return std::move(root_); }

  // yaml-cpp counts from 0, and marks an empty document with (-1, -1).
  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    return {.source = &source_,
            .line = std::max(0, mark.line) + 1,
            .column = std::max(0, mark.column) + 1};
  }

 private:
  // A list or map whose end is still to come.
  struct Open {
    Value value;
    YAML::anchor_t anchor{};
    std::optional<Value> key;  // of a map: read, and waiting for its value
  };

  Value make(const YAML::Mark& mark, Value::Kind kind) {
    Value value{.place = place(mark), .kind = kind};
    spend(1, value.place);
    return value;
  }

  void spend(std::size_t values, const Place& at) {
    if (values > left_) throw Refusal{at, "more values than a policy can have, aliases counted"};
    left_ -= values;
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    add(std::move(closed.value), closed.anchor);
  }

  void add(Value value, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_.insert_or_assign(anchor, value);
    attach(std::move(value));
  }

  void attach(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.kind == Value::Kind::list) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.key) {
      parent.key = std::move(value);
    } else {
      // yaml-cpp marks an empty value where the next token starts, lines later perhaps.
      if (value.kind == Value::Kind::nothing) value.place = parent.key->place;
      parent.value.entries.push_back(
          {.key = *std::exchange(parent.key, std::nullopt), .value = std::move(value)});
    }
  }

  const Source& source_;
  std::size_t left_{kMostValues};
  std::map<YAML::anchor_t, Value> anchors_;
  std::vector<Open> open_;
  Value root_;
};

std::optional<Value> parse_document(std::istream& text, TreeBuilder& builder,
                                    const Source& source) {
  YAML::Parser parser{text};
  if (!parser.HandleNextDocument(builder)) {
    throw Refusal{{.source = &source},
                  "the file is empty: a policy starts with 'version: 1'; remove a file of conf.d "
                  "that is to say nothing"};
  }
  Value document = builder.take();
  TreeBuilder second{source};
  if (parser.HandleNextDocument(second)) {
    throw Refusal{second.take().place, "a second document: a policy file has only one"};
  }
  return document;
}

// What yaml-cpp says of a tab that indents does not name it. Line `number` counts from 1.
const char* hint_at_tabs(std::string_view text, int number) {
  for (int line = 1; line < number && !text.empty(); ++line) (void)take_until(text, '\n');
  const auto indentation = text.substr(0, text.find_first_not_of(" \t"));
  if (indentation.find('\t') == std::string_view::npos) return "";
  return "; the line is indented by a tab, and YAML takes spaces only";
}

}  // namespace

std::optional<Value> parse_yaml(const Source& source, Mistakes& mistakes) {
  TreeBuilder builder{source};
  std::istringstream text{source.text()};
  try {
    return parse_document(text, builder, source);
  } catch (const YAML::Exception& error) {
    const auto place = builder.place(error.mark);
    mistakes.add(place, "bad YAML: " + error.msg + hint_at_tabs(source.text(), place.line));
  } catch (const Refusal& refusal) {
    mistakes.add(refusal.place, refusal.message);
  }
  return {};
}

}  // namespace upcall::settings
