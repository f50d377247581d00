#include "jit/x64/jitdump.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "gc/clock.h"
#include "gc/log.h"
#include "interp/code.h"
#include "jit/x64/perf_map.h"

namespace fble {

namespace {

constexpr uint32_t kMagic = 0x4A695444;
constexpr uint32_t kVersion = 1;
constexpr uint32_t kHeaderBytes = 40;
constexpr uint32_t kLoadRecord = 0;
constexpr uint32_t kLinesRecord = 2;
constexpr uint32_t kRecordHeaderBytes = 16;

template <typename Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Returns a record with its header.
std::string record(uint32_t kind, const std::string& body) {
  std::string bytes;
  append(bytes, kind);
  append(bytes, static_cast<uint32_t>(kRecordHeaderBytes + body.size()));
  append(bytes, ns_of(CLOCK_MONOTONIC));
  return bytes + body;
}

/// The file of this process, with its header; -1 if it cannot be made.
int dump_file() {
  static const int file = [] {
    const std::string name = jitdump_name();
    const int created = create_private_file(name.c_str());
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    // The mapping is how perf hears of the file; it is never used otherwise.
    if (created < 0 || mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, created, 0) == MAP_FAILED) {
      log_print("[perf: no dump of machine code: {}: {}]\n", name, std::strerror(errno));
      return -1;
    }
    std::string header;
    append(header, kMagic);
    append(header, kVersion);
    append(header, kHeaderBytes);
    append(header, uint32_t{EM_X86_64});
    append(header, uint32_t{0});
    append(header, static_cast<uint32_t>(getpid()));
    append(header, ns_of(CLOCK_MONOTONIC));
    append(header, uint64_t{0});
    std::string_view left = header;
    write_all(created, left);
    return created;
  }();
  return file;
}

/// Returns the lines of the map. The last entry is at the end of the code: perf takes lines to end at the next entry.
std::string lines_record(const CodeMap& map) {
  std::string entries;
  uint64_t count = 0;
  const auto append_entry = [&](uint32_t offset, const Loc& loc) {
    append(entries, reinterpret_cast<uint64_t>(map.start) + offset);
    append(entries, loc.line);
    append(entries, uint32_t{0});
    entries.append(loc.file.str()).push_back('\0');
    ++count;
  };
  Loc loc;
  for (const CodeRow& row : map.rows) {
    if (row.site != kNoSite) {
      const Code& code = *map.sites[row.site].code;
      loc = code.loc_at(static_cast<uint32_t>(row.pc - code.words.data()));
      if (loc.line == 0) loc = code.loc;
    }
    if (loc.line != 0) append_entry(row.offset, loc);
  }
  if (loc.line != 0) append_entry(map.bytes, loc);
  if (count == 0) return "";
  std::string body;
  append(body, reinterpret_cast<uint64_t>(map.start));
  append(body, count);
  return record(kLinesRecord, body + entries);
}

}  // namespace

bool jitdump_wanted() {
  static const bool wanted = [] {
    const char* setting = std::getenv("FBLE_JIT_PERF");
    return setting != nullptr && std::string_view(setting) == "dump";
  }();
  return wanted;
}

std::string jitdump_name() { return fmt::format("/tmp/jit-{}.dump", getpid()); }

void jitdump_add(const CodeMap& map, std::string_view name) {
  const int file = dump_file();
  if (file < 0) return;
  static uint64_t records = 0;
  std::string body;
  append(body, static_cast<uint32_t>(getpid()));
  append(body, static_cast<uint32_t>(syscall(SYS_gettid)));
  append(body, reinterpret_cast<uint64_t>(map.start));  // the address in the process
  append(body, reinterpret_cast<uint64_t>(map.start));  // and where the code is from here on
  append(body, uint64_t{map.bytes});
  append(body, records++);
  body.append(name).push_back('\0');
  body.append(reinterpret_cast<const char*>(map.start), map.bytes);
  const std::string bytes = lines_record(map) + record(kLoadRecord, body);
  std::string_view left = bytes;
  write_all(file, left);
}

}  // namespace fble
