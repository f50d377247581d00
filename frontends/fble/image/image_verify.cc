#include "frontends/fble/image/image_verify.h"

#include <fmt/format.h>

#include "frontends/fble/diagnostics.h"
#include "frontends/fble/image/code_image.h"
#include "frontends/fble/image/type_image.h"

namespace fble {
namespace {

/// A problem, thrown within this file only.
struct Problem {
  std::string text;
};

size_t record_count(const ImageView& image, Section section) {
  return image.words_of(section).size() / section_info(section).width;
}

/// Checks all references of the section's records.
void check_references(const ImageView& image, Section section) {
  const SectionInfo& info = section_info(section);
  const std::span<const uint32_t> words = image.words_of(section);
  uint32_t offset = 0;
  for (const MemberInfo& member : info.members) {
    if (member.kind != MemberKind::kNumber) {
      const size_t targets = record_count(image, member.target);
      uint64_t next = 0;  // the first record that no range has had
      for (size_t at = offset; at < words.size(); at += info.width) {
        const auto fail = [&](const char* what) {
          throw Problem{fmt::format("{} {}: {} {}", info.name, at / info.width, member.name, what)};
        };
        if (member.kind == MemberKind::kRange) {
          if (words[at] != next || words[at + 1] > targets - next) fail("is not the next range of its table");
          next += words[at + 1];
        } else if (words[at] >= targets && (member.kind == MemberKind::kRef || words[at] != kNoRecord)) {
          fail("is not in its table");
        }
      }
      if (member.kind == MemberKind::kRange && next != targets) {
        throw Problem{fmt::format("{} has records that belong to no {}", section_info(member.target).name, info.name)};
      }
    }
    offset += member.width();
  }
}

void check_strings(const ImageView& image) {
  uint64_t next = 0;
  for (const StringRecord& string : image.all<StringRecord>()) {
    if (string.offset != next || string.length > image.bytes().size() - next) {
      throw Problem{"the strings are not one behind the other"};
    }
    next += string.length;
  }
  if (next != image.bytes().size()) throw Problem{"there are bytes that belong to no string"};
}

void check_module(const ImageView& image) {
  const std::span<const ModuleRecord> modules = image.all<ModuleRecord>();
  if (modules.size() != 1) throw Problem{"there must be one module"};
  const ModuleRecord& module = modules.front();
  if (module.sources == 0 || module.sources > (kHasHeader | kHasValue)) throw Problem{"the module has no source"};

  const auto has_source = [&](uint32_t source) {
    return (source == kHasHeader || source == kHasValue) && (module.sources & source) != 0;
  };
  for (const MentionRecord& mention : image.all<MentionRecord>()) {
    if (!has_source(mention.source)) throw Problem{"a mention is in no source of the module"};
    if (mention.is_used > 1) throw Problem{"a mention is neither used nor not"};
  }
  for (const OriginRecord& origin : image.all<OriginRecord>()) {
    if (!has_source(origin.source)) throw Problem{"an origin is in no source of the module"};
  }
  uint32_t phase = 0;
  for (const MessageRecord& message : image.all<MessageRecord>()) {
    if (message.phase < phase || message.phase > 1) throw Problem{"messages are not in order"};
    phase = message.phase;
    if (message.source != 0 && !has_source(message.source)) throw Problem{"a message is in no source of the module"};
    if (message.severity != static_cast<uint32_t>(Severity::kWarning) &&
        message.severity != static_cast<uint32_t>(Severity::kNote)) {
      throw Problem{"a message is neither a warning nor a note"};
    }
  }
}

}  // namespace

std::string verify_image(const ImageView& image) {
  try {
    for (size_t i = 0; i < kSections; ++i) check_references(image, static_cast<Section>(i));
    check_strings(image);
    check_module(image);
  } catch (const Problem& problem) {
    return problem.text;
  }
  std::string problem = verify_types(image);
  return problem.empty() ? verify_code_tables(image) : problem;
}

}  // namespace fble
