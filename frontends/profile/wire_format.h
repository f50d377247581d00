// The wire format of protocol buffers, as far as profiles need it: it takes a few lines to write.
//
// Tested by tests/unit/frontends/profile/profile_formats_test.cc and tests/unit/interp/profile_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fble {

/// A protocol buffer message under construction.
class Message {
 public:
  void number(uint32_t field, uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void bytes(uint32_t field, const std::string& value) {
    varint(field << 3 | 2);
    varint(value.size());
    text_ += value;
  }
  void message(uint32_t field, const Message& value) { bytes(field, value.text_); }
  void numbers(uint32_t field, const std::vector<uint64_t>& values) {
    Message packed;
    for (const uint64_t value : values) packed.varint(value);
    message(field, packed);
  }
  std::string take() { return std::move(text_); }

 private:
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

/// The string table: each text once, the empty one first.
class Strings {
 public:
  uint64_t index(const std::string& text) {
    auto [entry, inserted] = indices_.try_emplace(text, texts.size());
    if (inserted) texts.push_back(text);
    return entry->second;
  }
  std::vector<std::string> texts = {""};

 private:
  std::unordered_map<std::string, uint64_t> indices_ = {{"", 0}};
};

/// Returns pprof's message for what a value of each sample is: a type and its unit.
inline Message value_type(Strings& strings, const char* type, const char* unit) {
  Message message;
  message.number(1, strings.index(type));
  message.number(2, strings.index(unit));
  return message;
}

}  // namespace fble
