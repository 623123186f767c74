// SPDX-License-Identifier: Apache-2.0
#include "origin/runtimes/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>
#include <variant>

#include "origin/runtimes/mistake.h"

namespace upcall::origin::json {

struct Member;

struct Null {};
struct Other {};  // what no record is read for: true, fractions, negative numbers

struct Value {
  std::variant<Null, Other, std::uint64_t, std::string, std::vector<Value>, std::vector<Member>>
      data;
};

struct Member {
  std::string key;
  Value value;
};

namespace {

const Value kNoObject{
    Other{}};  // a member of what has none: whoever asks it for anything refuses it

// The library reads, and calls this for each thing that it has read; one `false` ends it. So the
// limits hold while the text is read, and nothing of it decides how deep our stack is.
class Builder {
 public:
  explicit Builder(Value& root) : root_{root} {}
  [[nodiscard]] const std::string& expected() const { return expected_; }

  bool null() { return add({Null{}}); }
  bool boolean(bool /*value*/) { return add({Other{}}); }
  bool number_integer(std::int64_t /*value*/) { return add({Other{}}); }  // only negative ones
  bool number_unsigned(std::uint64_t value) { return add({value}); }
  bool number_float(double /*value*/, const std::string& /*text*/) { return add({Other{}}); }
  bool string(std::string& text) { return add({std::move(text)}); }
  bool binary(std::vector<std::uint8_t>& /*bytes*/) { return add({Other{}}); }
  bool start_object(std::size_t /*size*/) { return begin({std::vector<Member>{}}); }
  bool start_array(std::size_t /*size*/) { return begin({std::vector<Value>{}}); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(std::string& key) {
    key_ = std::move(key);
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*why*/) {
    return refuse("JSON, which it is not from byte " + std::to_string(position));
  }

 private:
  // A container does not grow while one of its members is open, so pointers to those that are open
  // hold.
  Value& place() {
    if (open_.empty()) return root_;
    auto& data = open_.back()->data;
    if (auto* list = std::get_if<std::vector<Value>>(&data)) return list->emplace_back();
    auto& members = *std::get_if<std::vector<Member>>(&data);
    return members.emplace_back(Member{.key = std::move(key_)}).value;
  }

  bool add(Value value) {
    if (++values_ > limits::kRecordValues) return refuse("fewer values");
    place() = std::move(value);
    return true;
  }

  bool begin(Value value) {
    if (open_.size() == limits::kRecordDepth) return refuse("less nesting");
    if (++values_ > limits::kRecordValues) return refuse("fewer values");
    auto& opened = place();
    opened = std::move(value);
    open_.push_back(&opened);
    return true;
  }

  bool end() {
    open_.pop_back();
    return true;
  }

  bool refuse(std::string expected) {
    expected_ = std::move(expected);
    return false;
  }

  Value& root_;
  std::vector<Value*> open_;
  std::string key_;
  std::size_t values_{};
  std::string expected_;
};

}  // namespace

Document::Document(std::string name, std::string_view text) : name_{std::move(name)} {
  if (text.size() > limits::kRecordFile) {
    mistake_ = unexpected(name_, "4 MiB at most", EFBIG);
    return;
  }
  auto root = std::make_unique<Value>();
  Builder builder{*root};
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    root_ = std::move(root);
  } else {
    mistake_ = unexpected(name_, builder.expected());
  }
}

Document::~Document() = default;

Field Document::root() { return {*this, root_.get(), {}}; }

Result<Ok> Document::check() const {
  if (mistake_) return *mistake_;
  return Ok{};
}

void Document::refuse(const std::string& path, std::string_view expected) {
  if (mistake_) return;
  mistake_ = unexpected(path.empty() ? name_ : "'" + path + "' in " + name_, expected);
}

bool Field::absent() const {
  return value_ == nullptr || std::holds_alternative<Null>(value_->data);
}

void Field::refuse(std::string_view expected) const { document_->refuse(path_, expected); }

Field Field::operator[](std::string_view key) const {
  const auto path = path_.empty() ? std::string{key} : path_ + "." + std::string{key};
  if (absent()) return {*document_, nullptr, path};
  const auto* members = std::get_if<std::vector<Member>>(&value_->data);
  if (members == nullptr) return {*document_, &kNoObject, path};
  // Of two with one key the last counts, as it does for the runtimes themselves.
  const auto reversed = std::views::reverse(*members);
  const auto found = std::ranges::find(reversed, key, &Member::key);
  return {*document_, found == reversed.end() ? nullptr : &found->value, path};
}

std::string Field::text(std::size_t most) const {
  const auto* text = absent() ? nullptr : std::get_if<std::string>(&value_->data);
  if (text != nullptr && text->size() <= most) return *text;
  refuse("a text of " + std::to_string(most) + " bytes at most");
  return {};
}

std::string Field::optional_text(std::size_t most) const {
  return absent() ? std::string{} : text(most);
}

std::uint64_t Field::number(std::uint64_t least, std::uint64_t most) const {
  const auto* number = absent() ? nullptr : std::get_if<std::uint64_t>(&value_->data);
  if (number != nullptr && *number >= least && *number <= most) return *number;
  refuse("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return 0;
}

std::optional<std::uint64_t> Field::optional_number() const {
  if (absent()) return {};
  return number(0, UINT64_MAX);
}

std::vector<Field> Field::optional_list() const {
  if (absent()) return {};
  const auto* list = std::get_if<std::vector<Value>>(&value_->data);
  if (list == nullptr) {
    refuse("a list");
    return {};
  }
  std::vector<Field> items;
  items.reserve(list->size());
  for (const auto& item : *list) {
    items.push_back({*document_, &item, path_ + "[" + std::to_string(items.size()) + "]"});
  }
  return items;
}

Labels Field::optional_labels() const {
  if (absent()) return {};
  const auto* members = std::get_if<std::vector<Member>>(&value_->data);
  if (members == nullptr) {
    refuse("an object");
    return {};
  }
  Labels labels;
  labels.reserve(members->size());
  for (const auto& member : std::views::reverse(*members)) {  // see operator[]
    const auto* text = std::get_if<std::string>(&member.value.data);
    if (text == nullptr) refuse("an object of texts");
    if (text != nullptr) labels.emplace_back(member.key, *text);
  }
  return labels;
}

void Field::must_be(std::string_view text) const {
  const auto* given = absent() ? nullptr : std::get_if<std::string>(&value_->data);
  if (given == nullptr || *given != text) refuse("the name of the container");
}

}  // namespace upcall::origin::json
