// The image of a module: what checking and lowering its sources gave, as a file that is mapped and not parsed.
//
//   +-----------+----------+--------+---------------------+-----+---------------------+-------------+
//   | "FbleMod1"| checksum | counts | records of section 0|  ...| records of the last | bytes of    |
//   | 8 bytes   | a word   | n words| count x width words |     | section             | the strings |
//   +-----------+----------+--------+---------------------+-----+---------------------+-------------+
//
// Words have 32 bits and the byte order of x86-64. `counts` has the number of records of each section, and last the
// number of bytes, to which zeros are added up to whole words. So the place of everything follows from the counts, and
// each image can be written in one way only. The checksum is the CRC-32 of all that follows it.
//
// sections.def lists the sections. Records refer to others by their index. An image knows nothing about the place of
// anything in a process: types and code are made from it when they are needed (type_image.h, code_image.h), and files
// are those that the modules have in this run.
//
// Its words are:
//
//   ImageTables   while it is made, by the writers or the parser of its text
//   ImageView     in a file; image_verify.h says what is true of it then
//
// Tested by tests/unit/frontends/fble/image/image_text_test.cc and image_verify_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/fble/image/digest.h"

namespace fble {

inline constexpr std::string_view kImageMagic = "FbleMod1";
inline constexpr uint32_t kNoRecord = UINT32_MAX;

enum class Section : uint32_t {
#define FBLE_IMAGE_SECTION(Name, members, doc) k##Name,
#include "frontends/fble/image/sections.def"
#undef FBLE_IMAGE_SECTION
  kCount
};
inline constexpr size_t kSections = static_cast<size_t>(Section::kCount);

/// Bits of Module::sources; of one source, such as that of an origin.
inline constexpr uint32_t kHasHeader = 1;
inline constexpr uint32_t kHasValue = 2;

// The records: XRecord for each section X.
#define FBLE_NUMBER(name) uint32_t name;
#define FBLE_REF(name, Target) uint32_t name;
#define FBLE_OPTIONAL(name, Target) uint32_t name;
#define FBLE_RANGE(name, Target) \
  uint32_t name;                 \
  uint32_t name##_count;
#define FBLE_IMAGE_SECTION(Name, members, doc)                    \
  struct Name##Record {                                           \
    static constexpr Section kSection = Section::k##Name;         \
    members bool operator==(const Name##Record&) const = default; \
  };
#include "frontends/fble/image/sections.def"
#undef FBLE_IMAGE_SECTION
#undef FBLE_NUMBER
#undef FBLE_REF
#undef FBLE_OPTIONAL
#undef FBLE_RANGE

enum class MemberKind : uint8_t { kNumber, kRef, kOptional, kRange };

struct MemberInfo {
  const char* name;
  MemberKind kind;
  Section target = Section::kCount;
  uint32_t width() const { return kind == MemberKind::kRange ? 2 : 1; }
};

struct SectionInfo {
  const char* name;
  uint32_t width;  ///< of a record, in words
  std::vector<MemberInfo> members;
};
const SectionInfo& section_info(Section section);

/// The tables of an image while it is made.
class ImageTables {
 public:
  /// Adds a record. Returns its index.
  template <typename Record>
  uint32_t add(const Record& record) {
    std::vector<uint32_t>& words = words_of(Record::kSection);
    const auto* from = reinterpret_cast<const uint32_t*>(&record);
    words.insert(words.end(), from, from + sizeof(Record) / sizeof(uint32_t));
    return count<Record>() - 1;
  }
  template <typename Record>
  uint32_t count() const {
    return static_cast<uint32_t>(words_[static_cast<size_t>(Record::kSection)].size() * sizeof(uint32_t) /
                                 sizeof(Record));
  }
  template <typename Record>
  Record& at(uint32_t index) {
    return reinterpret_cast<Record*>(words_of(Record::kSection).data())[index];
  }

  template <typename Record>
  std::span<const Record> all() const {
    return {reinterpret_cast<const Record*>(words_of(Record::kSection).data()), count<Record>()};
  }

  std::vector<uint32_t>& words_of(Section section) { return words_[static_cast<size_t>(section)]; }
  const std::vector<uint32_t>& words_of(Section section) const { return words_[static_cast<size_t>(section)]; }
  const std::string& bytes() const { return bytes_; }
  std::string& bytes() { return bytes_; }

  /// Returns the image.
  std::string to_image() const;

 private:
  std::array<std::vector<uint32_t>, kSections> words_;
  std::string bytes_;  ///< of the strings
};

/// Returns the checksum that an image must have.
uint32_t image_checksum(std::string_view image);

/// The tables of an image in memory, which must outlive it.
class ImageView {
 public:
  /// Finds the tables. Returns the reason if the counts do not fit the size; empty if all is well.
  /// `image` begins at a multiple of four bytes. The checksum is not looked at.
  std::string open(std::string_view image);

  template <typename Record>
  std::span<const Record> all() const {
    const std::span<const uint32_t> words = words_of(Record::kSection);
    return {reinterpret_cast<const Record*>(words.data()), words.size() * sizeof(uint32_t) / sizeof(Record)};
  }
  template <typename Record>
  const Record& at(uint32_t index) const {
    return reinterpret_cast<const Record*>(words_of(Record::kSection).data())[index];
  }
  /// Returns a range of records: image.some<WordRecord>(path.words, path.words_count).
  template <typename Record>
  std::span<const Record> some(uint32_t first, uint32_t count) const {
    return all<Record>().subspan(first, count);
  }

  std::span<const uint32_t> words_of(Section section) const { return words_[static_cast<size_t>(section)]; }
  std::string_view bytes() const { return bytes_; }
  /// Returns the checksum that the image says it has.
  uint32_t checksum() const { return checksum_; }
  std::string_view string(uint32_t index) const {
    const StringRecord& record = at<StringRecord>(index);
    return bytes_.substr(record.offset, record.length);
  }
  Digest key(uint32_t index) const;

 private:
  std::array<std::span<const uint32_t>, kSections> words_;
  std::string_view bytes_;
  uint32_t checksum_ = 0;
};

}  // namespace fble
