// Tested by tests/unit/frontends/profile/profile_formats_test.cc.
#include <fmt/format.h>

#include "frontends/profile/profile_formats.h"

namespace fble {

namespace {

/// Returns the length of the UTF-8 character that the text begins with; 0 if it does not.
size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  if (length == 0 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const char c = text[0];
    size_t length = 1;
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else if (length = character_length(text); length != 0) {
      result += text.substr(0, length);
    } else {
      result += "\\ufffd";
      length = 1;
    }
    text.remove_prefix(length);
  }
  return result + '"';
}

std::string speedscope_json(const CallTree& tree, std::string_view name) {
  std::string frames;
  for (const ProfiledFunction& function : tree.functions) {
    frames += fmt::format("{}{{\"name\":{}", frames.empty() ? "" : ",", json_string(function.name));
    if (function.start.line != 0) {
      frames += fmt::format(",\"file\":{},\"line\":{}", json_string(function.start.file), function.start.line);
    }
    frames += "}";
  }
  std::string samples;
  std::string weights;
  std::vector<uint32_t> stack;
  const auto enter = [&](uint32_t index) {
    const ProfiledPath& path = tree.paths[index];
    stack.push_back(path.function);
    if (path.self_ns == 0) return;
    samples += fmt::format("{}[{}]", samples.empty() ? "" : ",", fmt::join(stack, ","));
    weights += fmt::format("{}{}", weights.empty() ? "" : ",", path.self_ns);
  };
  for_each_path(tree, enter, [&](uint32_t) { stack.pop_back(); });
  return fmt::format(
      "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"exporter\":\"fble-jit\",\"name\":{0},"
      "\"activeProfileIndex\":0,\"shared\":{{\"frames\":[{1}]}},\"profiles\":[{{\"type\":\"sampled\",\"name\":{0},"
      "\"unit\":\"{5}\",\"startValue\":0,\"endValue\":{2},\"samples\":[{3}],\"weights\":[{4}]}}]}}\n",
      json_string(name), frames, tree.ns(), samples, weights, tree.is_of_memory ? "bytes" : "nanoseconds");
}

}  // namespace fble
