// Measures encodings of the side tables of one program: bytes, and time to decode an exit. For
// tests/bench/side_tables/run.
//
//   fble-jit-side-tables collect FILE WORD...             runs `fble-jit WORD...` and writes its tables to FILE
//   fble-jit-side-tables measure FILE OTHER... -- WORD...  runs it again and writes the figures to FILE as JSON;
//                                                          dictionaries and models learn from the tables of OTHER
//
// Each encoding stores the tables of a trace by themselves, as the committed one does, so that an exit is decoded
// without reading other traces. Every encoding is checked: all exits must come out as they went in.
#define ZDICT_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include <fmt/format.h>
#include <lz4.h>
#include <lz4hc.h>
#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "frontends/cli/execute.h"
#include "frontends/cli/front_end.h"
#include "gc/clock.h"
#include "gc/log.h"
#include "jit/engine/events.h"
#include "tests/bench/side_tables/entropy.h"
#include "tests/bench/side_tables/fields.h"

namespace fble::side_tables {
namespace {

using Bytes = std::vector<uint8_t>;

[[noreturn]] void stop(const std::string& why) {
  log_print("fble-jit-side-tables: {}\n", why);
  std::exit(1);
}

// ---- the tables of a program ------------------------------------------------

/// The exits of a trace.
struct Table {
  SideTable committed;
  std::vector<ExitEntry> entries;
};

/// Collects the tables of a run, and calls `at_end` while their code objects are still there.
class TableCollector final : public EventSink {
 public:
  explicit TableCollector(std::function<void(const TableCollector&)> at_end) : at_end_(std::move(at_end)) {}

  void take(const EngineEvent& event) override {
    if (const auto* end = std::get_if<EndEvent>(&event)) {
      record_bytes = end->record_bytes;
      return at_end_(*this);
    }
    if (const auto* assembled = std::get_if<AssembleEvent>(&event)) {
      const SideTableView& table = assembled->code.side_table;
      last_ = {{table.bytes.begin(), table.bytes.end()}, table.exits, table.code};
      last_guards_ = static_cast<uint64_t>(
          std::ranges::count_if(assembled->code.exits, [](const ExitSite& exit) { return !exit.is_return(); }));
    } else if (std::holds_alternative<CompileEvent>(event) && last_.exits != 0) {
      Table& table = tables.emplace_back();
      table.committed = std::move(last_);
      for (uint32_t i = 0; i < table.committed.exits; ++i) table.entries.push_back(decode_exit(table.committed, i));
      guards += last_guards_;
      exit_bytes += std::get<CompileEvent>(event).compiled.exit_bytes;
    }
  }

  std::vector<Table> tables;
  uint64_t guards = 0;
  uint64_t exit_bytes = 0;
  uint64_t record_bytes = 0;

 private:
  std::function<void(const TableCollector&)> at_end_;
  SideTable last_;
  uint64_t last_guards_ = 0;
};

// ---- forms that generic compression starts from -----------------------------

/// Fields of fixed width, one after the other.
Bytes plain_bytes(const ExitEntry& entry) {
  Bytes bytes;
  for (const auto& [field, value] : fields_of(entry)) {
    for (unsigned i = 0; i < kFieldBytes[static_cast<size_t>(field)]; ++i) {
      bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    }
  }
  return bytes;
}

struct PlainReader {
  const uint8_t* at;
  void operator()(Field field, uint64_t& value) {
    value = 0;
    const unsigned bytes = kFieldBytes[static_cast<size_t>(field)];
    std::memcpy(&value, at, bytes);
    at += bytes;
  }
};

/// The plain entries of a table after an index: the offset of each, in four bytes.
Bytes plain_table(const std::vector<ExitEntry>& entries) {
  Bytes index, all;
  for (const ExitEntry& entry : entries) {
    const auto offset = static_cast<uint32_t>(all.size() + 4 * entries.size());
    for (unsigned i = 0; i < 4; ++i) index.push_back(static_cast<uint8_t>(offset >> (8 * i)));
    const Bytes bytes = plain_bytes(entry);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  index.insert(index.end(), all.begin(), all.end());
  return index;
}

void read_plain(const uint8_t* table, uint32_t exit, ExitEntry& entry) {
  uint32_t offset;
  std::memcpy(&offset, table + 4 * exit, 4);
  PlainReader reader{table + offset};
  code_fields(reader, entry);
}

size_t varint_bytes(uint64_t value) {
  size_t bytes = 1;
  for (; value >= 128; value >>= 7) ++bytes;
  return bytes;
}

// ---- encodings --------------------------------------------------------------

class Encoding {
 public:
  virtual ~Encoding() = default;
  /// Returns the memory of a table, with the sizes that are needed to find its parts.
  virtual size_t add(const Table& table) = 0;
  virtual void decode(size_t table, uint32_t exit, ExitEntry& entry) = 0;
};

class Committed final : public Encoding {
 public:
  size_t add(const Table& table) override {
    tables_.push_back(&table.committed);
    return table.committed.bytes.size();
  }
  void decode(size_t table, uint32_t exit, ExitEntry& entry) override { decode_exit(*tables_[table], exit, entry); }

 private:
  std::vector<const SideTable*> tables_;
};

class Plain final : public Encoding {
 public:
  size_t add(const Table& table) override {
    tables_.push_back(plain_table(table.entries));
    return tables_.back().size();
  }
  void decode(size_t table, uint32_t exit, ExitEntry& entry) override {
    read_plain(tables_[table].data(), exit, entry);
  }

 private:
  std::vector<Bytes> tables_;
};

/// A compressor of byte strings.
struct Codec {
  std::function<Bytes(const Bytes&)> compress;
  std::function<void(const Bytes& packed, Bytes& to)> decompress;  ///< `to` has the right size
};

/// Generic compression of the plain or the committed bytes.
class Compressed final : public Encoding {
 public:
  Compressed(Codec codec, bool from_committed) : codec_(std::move(codec)), from_committed_(from_committed) {}

  size_t add(const Table& table) override {
    const Bytes bytes = raw(table);
    Packed& packed = tables_.emplace_back(Packed{codec_.compress(bytes), bytes.size(), false, &table.committed});
    // What does not become smaller is stored as it is.
    if (packed.bytes.size() >= bytes.size()) packed = {bytes, bytes.size(), true, &table.committed};
    return packed.bytes.size() + varint_bytes(packed.bytes.size()) + varint_bytes(packed.size);
  }

  void decode(size_t table, uint32_t exit, ExitEntry& entry) override {
    const Packed& packed = tables_[table];
    const Bytes* bytes = &packed.bytes;
    if (!packed.is_raw) {
      buffer_.resize(packed.size);
      codec_.decompress(packed.bytes, buffer_);
      bytes = &buffer_;
    }
    if (from_committed_) {
      decode_exit({*bytes, packed.committed->exits, packed.committed->code}, exit, entry);
    } else {
      read_plain(bytes->data(), exit, entry);
    }
  }

 private:
  struct Packed {
    Bytes bytes;
    size_t size;
    bool is_raw;
    const SideTable* committed;  ///< for what is known besides its bytes
  };
  Bytes raw(const Table& table) const {
    if (!from_committed_) return plain_table(table.entries);
    return table.committed.bytes;
  }

  Codec codec_;
  bool from_committed_;
  std::vector<Packed> tables_;
  Bytes buffer_;
};

Codec lz4() {
  return {[](const Bytes& bytes) {
            Bytes packed(static_cast<size_t>(LZ4_compressBound(static_cast<int>(bytes.size()))));
            const int size =
                LZ4_compress_HC(reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<char*>(packed.data()),
                                static_cast<int>(bytes.size()), static_cast<int>(packed.size()), LZ4HC_CLEVEL_MAX);
            packed.resize(static_cast<size_t>(size));
            return packed;
          },
          [](const Bytes& packed, Bytes& to) {
            LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()), reinterpret_cast<char*>(to.data()),
                                static_cast<int>(packed.size()), static_cast<int>(to.size()));
          }};
}

/// zstd at its best level, without what its frames say about themselves; with a dictionary if it is not empty.
Codec zstd(const Bytes& dictionary) {
  const std::shared_ptr<ZSTD_CCtx> packer(ZSTD_createCCtx(), ZSTD_freeCCtx);
  const std::shared_ptr<ZSTD_DCtx> unpacker(ZSTD_createDCtx(), ZSTD_freeDCtx);
  ZSTD_CCtx_setParameter(packer.get(), ZSTD_c_compressionLevel, ZSTD_maxCLevel());
  ZSTD_CCtx_setParameter(packer.get(), ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(packer.get(), ZSTD_c_dictIDFlag, 0);
  ZSTD_CCtx_setParameter(packer.get(), ZSTD_c_format, ZSTD_f_zstd1_magicless);
  ZSTD_DCtx_setParameter(unpacker.get(), ZSTD_d_format, ZSTD_f_zstd1_magicless);
  if (!dictionary.empty()) {
    ZSTD_CCtx_loadDictionary(packer.get(), dictionary.data(), dictionary.size());
    const std::shared_ptr<ZSTD_DDict> prepared(ZSTD_createDDict(dictionary.data(), dictionary.size()), ZSTD_freeDDict);
    ZSTD_DCtx_refDDict(unpacker.get(), prepared.get());
    return {[packer](const Bytes& bytes) {
              Bytes packed(ZSTD_compressBound(bytes.size()));
              packed.resize(ZSTD_compress2(packer.get(), packed.data(), packed.size(), bytes.data(), bytes.size()));
              return packed;
            },
            [unpacker, prepared](const Bytes& packed, Bytes& to) {
              ZSTD_decompressDCtx(unpacker.get(), to.data(), to.size(), packed.data(), packed.size());
            }};
  }
  return {[packer](const Bytes& bytes) {
            Bytes packed(ZSTD_compressBound(bytes.size()));
            packed.resize(ZSTD_compress2(packer.get(), packed.data(), packed.size(), bytes.data(), bytes.size()));
            return packed;
          },
          [unpacker](const Bytes& packed, Bytes& to) {
            ZSTD_decompressDCtx(unpacker.get(), to.data(), to.size(), packed.data(), packed.size());
          }};
}

/// The entropy coder, in groups of kExitsPerGroup exits, each of which starts with the same model.
class Entropy final : public Encoding {
 public:
  explicit Entropy(const Model& model) : start_(model) {}

  size_t add(const Table& table) override {
    std::vector<Bytes>& groups = tables_.emplace_back();
    size_t bytes = 0;
    for (size_t first = 0; first < table.entries.size(); first += kExitsPerGroup) {
      Model model = start_;
      Context context;
      RangeEncoder encoder;
      const size_t end = std::min<size_t>(first + kExitsPerGroup, table.entries.size());
      for (size_t i = first; i < end; ++i) learn(WriteBits{encoder}, model, context, fields_of(table.entries[i]));
      groups.push_back(encoder.finish());
      bytes += groups.back().size() + varint_bytes(groups.back().size());
    }
    return bytes;
  }

  void decode(size_t table, uint32_t exit, ExitEntry& entry) override {
    model_ = start_;
    Context context;
    RangeDecoder decoder(tables_[table][exit / kExitsPerGroup]);
    auto read = [&](Field field, uint64_t& value) { value = code_value(ReadBits{decoder}, model_, context, field, 0); };
    for (uint32_t i = exit / kExitsPerGroup * kExitsPerGroup; i <= exit; ++i) {
      context.begin_entry();
      entry = {};
      code_fields(read, entry);
    }
  }

  static void learn(WriteBits bits, Model& model, Context& context, const FieldList& fields) {
    context.begin_entry();
    for (const auto& [field, value] : fields) code_value(bits, model, context, field, value);
  }

 private:
  const Model start_;
  Model model_;
  std::vector<std::vector<Bytes>> tables_;
};

/// The probabilities of bytes after each byte.
struct ByteModel {
  std::vector<Probability> bits = std::vector<Probability>(256 * 256, kEven);
};

/// Codes a byte after another one, by its bits.
template <typename Bits>
uint8_t code_byte(Bits&& bits, ByteModel& model, uint8_t before, uint8_t byte) {
  unsigned node = 1;
  for (int level = 7; level >= 0; --level) {
    node = node * 2 + bits.code(model.bits[before * 256u + node], static_cast<unsigned>(byte >> level & 1));
  }
  return static_cast<uint8_t>(node);
}

/// An entropy coder over the bytes of the committed encoding. Its model is trained and does not change: there is no
/// time to copy it for each exit.
class ByteEntropy final : public Encoding {
 public:
  explicit ByteEntropy(ByteModel model) : model_(std::move(model)) {}

  size_t add(const Table& table) override {
    RangeEncoder encoder;
    uint8_t before = 0;
    const Bytes& bytes = table.committed.bytes;
    for (const uint8_t byte : bytes) before = code_byte(WriteFixed{encoder}, model_, before, byte);
    tables_.push_back({encoder.finish(), bytes.size(), &table.committed});
    return tables_.back().bytes.size() + varint_bytes(tables_.back().bytes.size()) + varint_bytes(bytes.size());
  }

  void decode(size_t table, uint32_t exit, ExitEntry& entry) override {
    buffer_.resize(tables_[table].size);
    RangeDecoder decoder(tables_[table].bytes);
    uint8_t before = 0;
    for (uint8_t& byte : buffer_) byte = before = code_byte(ReadFixed{decoder}, model_, before, 0);
    const SideTable& committed = *tables_[table].committed;
    decode_exit({buffer_, committed.exits, committed.code}, exit, entry);
  }

  static void learn(RangeEncoder& encoder, ByteModel& model, const Bytes& bytes) {
    uint8_t before = 0;
    for (const uint8_t byte : bytes) before = code_byte(WriteBits{encoder}, model, before, byte);
  }

 private:
  struct WriteFixed {
    RangeEncoder& encoder;
    unsigned code(Probability zero, unsigned value) {
      encoder.bit(zero, value);
      return value;
    }
  };
  struct ReadFixed {
    RangeDecoder& decoder;
    unsigned code(Probability zero, unsigned) { return decoder.bit(zero); }
  };
  struct Packed {
    Bytes bytes;
    size_t size;
    const SideTable* committed;  ///< for what is known besides its bytes
  };

  ByteModel model_;
  std::vector<Packed> tables_;
  Bytes buffer_;
};

// ---- files ------------------------------------------------------------------

/// What encodings can learn from another program.
struct Lesson {
  Bytes committed, plain;
  std::vector<FieldList> fields;
};

void put(Bytes& to, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to.push_back(static_cast<uint8_t>(value >> (8 * i)));
}
void put(Bytes& to, const Bytes& part) {
  put(to, part.size(), 4);
  to.insert(to.end(), part.begin(), part.end());
}

void write_lessons(const std::string& file, const std::vector<Table>& tables) {
  Bytes all;
  for (const Table& table : tables) {
    put(all, table.committed.bytes);
    put(all, plain_table(table.entries));
    put(all, table.entries.size(), 4);
    for (const ExitEntry& entry : table.entries) {
      const FieldList fields = fields_of(entry);
      put(all, fields.size(), 4);
      for (const auto& [field, value] : fields) {
        put(all, static_cast<uint64_t>(field), 1);
        put(all, value, 8);
      }
    }
  }
  if (write_file(file, {reinterpret_cast<const char*>(all.data()), all.size()}) != 0) stop("cannot write " + file);
}

void read_lessons(const std::string& file, std::vector<Lesson>& lessons) {
  std::ifstream stream(file, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(stream), {}};
  size_t at = 0;
  const auto get = [&](unsigned bytes) {
    uint64_t value = 0;
    std::memcpy(&value, all.data() + at, bytes);
    at += bytes;
    return value;
  };
  const auto get_bytes = [&] {
    const size_t size = get(4);
    const auto* start = reinterpret_cast<const uint8_t*>(all.data() + at);
    at += size;
    return Bytes(start, start + size);
  };
  while (at < all.size()) {
    Lesson& lesson = lessons.emplace_back();
    lesson.committed = get_bytes();
    lesson.plain = get_bytes();
    for (uint64_t entries = get(4); entries > 0; --entries) {
      FieldList& fields = lesson.fields.emplace_back();
      for (uint64_t count = get(4); count > 0; --count) {
        const auto field = static_cast<Field>(get(1));
        fields.emplace_back(field, get(8));
      }
    }
  }
}

Bytes dictionary_of(const std::vector<Lesson>& lessons, Bytes Lesson::* part) {
  constexpr size_t kDictionaryBytes = 16 * 1024;
  Bytes samples;
  std::vector<size_t> sizes;
  for (const Lesson& lesson : lessons) {
    const Bytes& bytes = lesson.*part;
    samples.insert(samples.end(), bytes.begin(), bytes.end());
    sizes.push_back(bytes.size());
  }
  Bytes dictionary(kDictionaryBytes);
  const size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), samples.data(), sizes.data(),
                                            static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(size) != 0) stop(fmt::format("no dictionary: {}", ZDICT_getErrorName(size)));
  dictionary.resize(size);
  return dictionary;
}

Model model_of(const std::vector<Lesson>& lessons) {
  Model model;
  RangeEncoder encoder;
  for (const Lesson& lesson : lessons) {
    Context context;
    for (size_t i = 0; i < lesson.fields.size(); ++i) {
      if (i % kExitsPerGroup == 0) context = {};
      Entropy::learn(WriteBits{encoder}, model, context, lesson.fields[i]);
    }
  }
  return model;
}

ByteModel byte_model_of(const std::vector<Lesson>& lessons) {
  ByteModel model;
  RangeEncoder encoder;
  for (const Lesson& lesson : lessons) ByteEntropy::learn(encoder, model, lesson.committed);
  return model;
}

// ---- measuring --------------------------------------------------------------

struct Figures {
  double bytes_per_guard;
  double ns_per_exit;
};

struct Place {
  uint32_t table;
  uint32_t exit;
};

Figures measure(const char* name, Encoding& encoding, const std::vector<Table>& tables, uint64_t guards) {
  size_t bytes = 0;
  std::vector<Place> places;
  for (uint32_t t = 0; t < tables.size(); ++t) {
    bytes += encoding.add(tables[t]);
    for (uint32_t i = 0; i < tables[t].entries.size(); ++i) places.push_back({t, i});
  }
  ExitEntry entry;
  for (const Place& place : places) {
    encoding.decode(place.table, place.exit, entry);
    if (!(entry == tables[place.table].entries[place.exit]))
      stop(fmt::format("{}: exit {} of table {} was decoded wrongly", name, place.exit, place.table));
  }
  // In random order: an exit is decoded when it is taken, and the next one is elsewhere.
  std::mt19937 random(1);
  std::ranges::shuffle(places, random);
  constexpr uint64_t kRoundNs = 20'000'000;
  std::vector<double> rounds;
  for (int round = 0; round < 4; ++round) {
    uint64_t decoded = 0;
    // Other processes hardly change the processor time of this thread.
    const uint64_t start = ns_of(CLOCK_THREAD_CPUTIME_ID);
    uint64_t end = start;
    while (end - start < kRoundNs) {
      for (const Place& place : places) encoding.decode(place.table, place.exit, entry);
      decoded += places.size();
      end = ns_of(CLOCK_THREAD_CPUTIME_ID);
    }
    rounds.push_back(static_cast<double>(end - start) / static_cast<double>(decoded));
  }
  // What other processes do only adds to a round.
  return {static_cast<double>(bytes) / static_cast<double>(guards), std::ranges::min(rounds)};
}

void write_figures(const std::string& file, const TableCollector& found, const std::vector<Lesson>& lessons) {
  const Bytes plain_dictionary = dictionary_of(lessons, &Lesson::plain);
  const Bytes dictionary = dictionary_of(lessons, &Lesson::committed);
  std::vector<std::pair<const char*, std::unique_ptr<Encoding>>> encodings;
  const auto add = [&](const char* name, std::unique_ptr<Encoding> encoding) {
    encodings.emplace_back(name, std::move(encoding));
  };
  add("plain", std::make_unique<Plain>());
  add("plain, lz4", std::make_unique<Compressed>(lz4(), false));
  add("plain, zstd", std::make_unique<Compressed>(zstd({}), false));
  add("plain, zstd with a dictionary", std::make_unique<Compressed>(zstd(plain_dictionary), false));
  add("entropy coder over fields", std::make_unique<Entropy>(Model()));
  add("entropy coder over fields, trained", std::make_unique<Entropy>(model_of(lessons)));
  add("committed", std::make_unique<Committed>());
  add("committed, lz4", std::make_unique<Compressed>(lz4(), true));
  add("committed, zstd", std::make_unique<Compressed>(zstd({}), true));
  add("committed, zstd with a dictionary", std::make_unique<Compressed>(zstd(dictionary), true));

  add("committed, entropy coder over bytes, trained", std::make_unique<ByteEntropy>(byte_model_of(lessons)));

  nlohmann::ordered_json json;
  uint64_t exits = 0;
  for (const Table& table : found.tables) exits += table.entries.size();
  json["traces"] = found.tables.size();
  json["exits"] = exits;
  json["guards"] = found.guards;
  json["exit_bytes"] = found.exit_bytes;
  json["record_bytes"] = found.record_bytes;
  for (const auto& [name, encoding] : encodings) {
    const Figures figures = measure(name, *encoding, found.tables, found.guards);
    json["encodings"][name] = {{"bytes_per_guard", figures.bytes_per_guard}, {"ns_per_exit", figures.ns_per_exit}};
  }
  if (write_file(file, json.dump(1)) != 0) stop("cannot write " + file);
}

int run(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3 || (words[0] != "collect" && words[0] != "measure")) stop("see tests/bench/side_tables/run");
  const bool is_measuring = words[0] == "measure";
  size_t first = 2;
  std::vector<Lesson> lessons;
  for (; is_measuring && words[first] != "--"; ++first) read_lessons(words[first], lessons);
  if (is_measuring) ++first;

  Options options;
  if (!parse_options(commands()[0], std::span(words).subspan(first), options)) return 1;
  Status status;
  const std::unique_ptr<ProgramCode> code = compile_module(options, {.must_be_program = true}, status);
  if (code == nullptr) return 1;
  TableCollector collector([&](const TableCollector& found) {
    if (found.guards == 0) stop("the program has no machine code");
    if (is_measuring) {
      write_figures(words[1], found, lessons);
    } else {
      write_lessons(words[1], found.tables);
    }
  });
  options.jit.events = &collector;
  return run_compiled(options, *code).status == Status::kOk ? 0 : 1;
}

}  // namespace
}  // namespace fble::side_tables

int main(int argc, char** argv) { return fble::side_tables::run(argc, argv); }
