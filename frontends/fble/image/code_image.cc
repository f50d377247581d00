#include "frontends/fble/image/code_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"

namespace fble {
namespace {

/// Replaces the numbers of globals and deopt points in an instruction. `global` and `deopt_point` map old to new ones.
template <typename Global, typename DeoptPointNumber>
void renumber(uint32_t* words, Global&& global, DeoptPointNumber&& deopt_point) {
  for_each_operand(words, [&](char letter, uint32_t at) {
    uint32_t& word = words[at];
    if (letter == 'G') word = global(word);
    if (letter == 'V' && source_kind(word) == Source::kGlobal) {
      word = make_source(Source::kGlobal, global(word >> kSourceShift));
    }
    if (letter == 'I' && static_cast<Op>(words[0]) == Op::kDeoptPoint) word = deopt_point(word);
  });
}

uint32_t flags_of(const DeoptPointOptions& options) {
  uint32_t flags = 0;
  uint32_t bit = 1;
#define FBLE_DEOPT_POINT_NUMBER(name, least, doc)
#define FBLE_DEOPT_POINT_FLAG(name, doc) \
  if (options.name) flags |= bit;        \
  bit <<= 1;
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  return flags;
}

DeoptPointOptions options_of(const DeoptPointRecord& record) {
  DeoptPointOptions options{.after = record.after, .every = record.every};
  uint32_t bit = 1;
#define FBLE_DEOPT_POINT_NUMBER(name, least, doc)
#define FBLE_DEOPT_POINT_FLAG(name, doc)    \
  options.name = (record.flags & bit) != 0; \
  bit <<= 1;
#include "interp/deopt_point_options.def"
#undef FBLE_DEOPT_POINT_NUMBER
#undef FBLE_DEOPT_POINT_FLAG
  return options;
}

// ---- writing ------------------------------------------------------------------

class CodeWriter {
 public:
  CodeWriter(TableWriter& writer, const LoweredModule& module, Symbol value_file)
      : writer_(writer), tables_(writer.tables), module_(module), file_(value_file) {
    for (const Code* code : module.codes) numbers_.emplace(code, static_cast<uint32_t>(numbers_.size()));
  }

  void write() {
    for (const std::string& name : module_.global_names) tables_.add(GlobalRecord{writer_.string(name)});
    for (const DeoptPoint& point : module_.deopt_points) {
      check_file(point.loc);
      tables_.add(DeoptPointRecord{point.loc.line, point.loc.column, point.options.after, point.options.every,
                                   flags_of(point.options)});
    }
    for (const Code* code : module_.codes) add(*code);
  }

 private:
  /// Locations of code are in the module's own source, or unknown.
  void check_file(const Loc& loc) const {
    const bool is_known = loc.line != 0;
    if (is_known ? loc.file != file_ : loc != Loc{}) throw NoImage{};
  }

  uint32_t number_of_global(uint32_t global) const {
    const uint32_t own = global - module_.first_global;
    if (global >= module_.first_global && own < module_.global_names.size()) return own;
    auto used = module_.used_values.find(global);
    if (used == module_.used_values.end()) throw NoImage{};
    return static_cast<uint32_t>(module_.global_names.size()) + used->second;
  }

  void add(const Code& code) {
    check_file(code.loc);
    CodeRecord record{.arity = code.arity,
                      .slots = code.frame_slots,
                      .captures = code.capture_count,
                      .block = writer_.string(code.block.str()),
                      .line = code.loc.line,
                      .column = code.loc.column};
    add_words(code, record);
    record.constants = tables_.count<ConstantRecord>();
    record.constants_count = static_cast<uint32_t>(code.constants.size());
    for (const Word word : code.constants) {
      tables_.add(ConstantRecord{static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)});
    }
    record.functions = tables_.count<FunctionRecord>();
    record.functions_count = static_cast<uint32_t>(code.functions.size());
    for (const Code* function : code.functions) tables_.add(FunctionRecord{numbers_.at(function)});
    std::vector<LiteralRecord> literals;
    for (const LiteralData& literal : code.literals) literals.push_back(add_parts(literal));
    record.literals = tables_.count<LiteralRecord>();
    record.literals_count = static_cast<uint32_t>(literals.size());
    for (const LiteralRecord& literal : literals) tables_.add(literal);
    record.foreigns = tables_.count<ForeignRecord>();
    record.foreigns_count = static_cast<uint32_t>(code.foreigns.size());
    for (const ForeignRef& foreign : code.foreigns) {
      check_file(foreign.loc);
      tables_.add(ForeignRecord{writer_.string(foreign.module), writer_.string(foreign.name), foreign.loc.line,
                                foreign.loc.column});
    }
    record.positions = tables_.count<PositionRecord>();
    record.positions_count = static_cast<uint32_t>(code.locs.size());
    for (const LocEntry& entry : code.locs) {
      check_file(entry.loc);
      tables_.add(PositionRecord{entry.end, entry.loc.line, entry.loc.column});
    }
    tables_.add(record);
  }

  void add_words(const Code& code, CodeRecord& record) {
    std::vector<uint32_t>& words = tables_.words_of(Section::kCodeWord);
    record.words = static_cast<uint32_t>(words.size());
    record.words_count = static_cast<uint32_t>(code.words.size());
    words.insert(words.end(), code.words.begin(), code.words.end());
    for (uint32_t at = record.words; at < words.size(); at += instruction_length(&words[at])) {
      renumber(
          &words[at], [&](uint32_t global) { return number_of_global(global); },
          [&](uint32_t point) { return point - module_.first_deopt_point; });
    }
  }

  LiteralRecord add_parts(const LiteralData& literal) {
    std::vector<LetterRecord> alphabet;
    for (const TagPath& path : literal.alphabet) {
      alphabet.push_back({tables_.count<StepRecord>(), static_cast<uint32_t>(path.size())});
      for (const TagStep& step : path) tables_.add(StepRecord{step.tag, step.tag_count});
    }
    const LiteralRecord record{.global = number_of_global(literal.global),
                               .alphabet = tables_.count<LetterRecord>(),
                               .alphabet_count = static_cast<uint32_t>(alphabet.size()),
                               .letters = tables_.count<LetterIndexRecord>(),
                               .letters_count = static_cast<uint32_t>(literal.letters.size())};
    for (const LetterRecord& letter : alphabet) tables_.add(letter);
    for (const uint32_t letter : literal.letters) tables_.add(LetterIndexRecord{letter});
    return record;
  }

  TableWriter& writer_;
  ImageTables& tables_;
  const LoweredModule& module_;
  Symbol file_;
  std::unordered_map<const Code*, uint32_t> numbers_;
};

// ---- reading ------------------------------------------------------------------

class CodeReader {
 public:
  CodeReader(const ImageView& image, std::span<const uint32_t> globals, Symbol value_file, ProgramCode& program)
      : image_(image), globals_(globals), file_(value_file), program_(program) {}

  /// Returns null if a number of a global or deopt point is not in its table, or an instruction is not whole.
  Code* read() {
    first_deopt_point_ = static_cast<uint32_t>(program_.deopt_points.size());
    for (const DeoptPointRecord& point : image_.all<DeoptPointRecord>()) {
      program_.deopt_points.push_back({loc(point.line, point.column), options_of(point)});
    }
    const std::span<const CodeRecord> records = image_.all<CodeRecord>();
    codes_.reserve(records.size());
    for (size_t i = 0; i < records.size(); ++i) codes_.push_back(&program_.codes.emplace_back());
    for (size_t i = 0; i < records.size(); ++i) {
      if (!fill(records[i], *codes_[i])) return nullptr;
    }
    return codes_.front();
  }

 private:
  Loc loc(uint32_t line, uint32_t column) const { return line == 0 ? Loc{} : Loc{file_, line, column}; }

  bool fill(const CodeRecord& record, Code& code) const {
    code.arity = record.arity;
    code.frame_slots = record.slots;
    code.capture_count = record.captures;
    code.block = Symbol(image_.string(record.block));
    code.loc = loc(record.line, record.column);
    if (!fill_words(record, code)) return false;
    for (const ConstantRecord& constant : image_.some<ConstantRecord>(record.constants, record.constants_count)) {
      code.constants.push_back(Word{constant.high} << 32 | constant.low);
    }
    for (const FunctionRecord& function : image_.some<FunctionRecord>(record.functions, record.functions_count)) {
      code.functions.push_back(codes_[function.code]);
    }
    for (const LiteralRecord& literal : image_.some<LiteralRecord>(record.literals, record.literals_count)) {
      code.literals.push_back(read_literal(literal));
    }
    for (const ForeignRecord& foreign : image_.some<ForeignRecord>(record.foreigns, record.foreigns_count)) {
      code.foreigns.push_back({std::string(image_.string(foreign.module)), std::string(image_.string(foreign.name)),
                               loc(foreign.line, foreign.column)});
    }
    code.locs.reserve(record.positions_count);
    for (const PositionRecord& position : image_.some<PositionRecord>(record.positions, record.positions_count)) {
      code.locs.push_back({position.end, loc(position.line, position.column)});
    }
    finish_code(code);
    return true;
  }

  bool fill_words(const CodeRecord& record, Code& code) const {
    const std::span<const uint32_t> words =
        image_.words_of(Section::kCodeWord).subspan(record.words, record.words_count);
    code.words.assign(words.begin(), words.end());
    bool is_right = !words.empty();
    for (size_t at = 0; is_right && at < words.size();) {
      const uint32_t length = whole_instruction_length(words.subspan(at));
      if (length == 0) return false;
      renumber(
          &code.words[at], [&](uint32_t global) { return in_table(globals_, global, is_right); },
          [&](uint32_t point) {
            is_right &= point < image_.all<DeoptPointRecord>().size();
            return point + first_deopt_point_;
          });
      at += length;
    }
    return is_right;
  }

  /// Returns the number at the index; 0 if there is none, and then clears `is_right`.
  static uint32_t in_table(std::span<const uint32_t> numbers, uint32_t index, bool& is_right) {
    if (index < numbers.size()) return numbers[index];
    is_right = false;
    return 0;
  }

  LiteralData read_literal(const LiteralRecord& record) const {
    LiteralData literal;
    std::vector<TagStep> steps;
    for (const LetterRecord& letter : image_.some<LetterRecord>(record.alphabet, record.alphabet_count)) {
      steps.clear();
      for (const StepRecord& step : image_.some<StepRecord>(letter.steps, letter.steps_count)) {
        steps.push_back({step.tag, step.tag_count});
      }
      literal.alphabet.emplace_back(steps);
    }
    for (const LetterIndexRecord& letter : image_.some<LetterIndexRecord>(record.letters, record.letters_count)) {
      literal.letters.push_back(letter.letter);
    }
    literal.global = globals_[record.global];
    return literal;
  }

  const ImageView& image_;
  std::span<const uint32_t> globals_;
  Symbol file_;
  ProgramCode& program_;
  uint32_t first_deopt_point_ = 0;
  std::vector<Code*> codes_;
};

}  // namespace

uint32_t used_module_count(const ImageView& image) {
  return static_cast<uint32_t>(std::ranges::count_if(image.all<MentionRecord>(), &MentionRecord::is_used));
}

std::vector<LoweredModule> split_into_modules(const ProgramCode& program) {
  std::vector<LoweredModule> modules(program.modules.size());
  std::unordered_map<const Code*, LoweredModule*> by_body;
  for (size_t i = 0; i < modules.size(); ++i) {
    LoweredModule& module = modules[i];
    by_body.emplace(program.modules[i].body, &module);
    module.first_global = program.modules[i].global;
    const uint32_t end = i + 1 < modules.size() ? program.modules[i + 1].global : program.global_count;
    module.global_names = std::span(program.global_names).subspan(module.first_global, end - module.first_global);
  }
  LoweredModule* current = nullptr;
  uint32_t deopt_points = 0;
  for (const Code& code : program.codes) {
    if (auto body = by_body.find(&code); body != by_body.end()) {
      current = body->second;
      current->first_deopt_point = deopt_points;
    }
    current->codes.push_back(&code);
    for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
      if (code.words[at] == static_cast<uint32_t>(Op::kDeoptPoint)) {
        deopt_points = std::max(deopt_points, code.words[at + 1] + 1);
      }
    }
    const uint32_t first = current->first_deopt_point;
    current->deopt_points = std::span(program.deopt_points).subspan(first, deopt_points - first);
  }
  return modules;
}

void write_code(TableWriter& writer, const LoweredModule& module, Symbol value_file) {
  CodeWriter(writer, module, value_file).write();
}

std::string verify_code_tables(const ImageView& image) {
  const bool has_value = (image.at<ModuleRecord>(0).sources & kHasValue) != 0;
  if (image.all<CodeRecord>().empty() == has_value) return "a module has functions exactly if it has a value";
  if (image.all<GlobalRecord>().empty() == has_value) return "a module has globals exactly if it has a value";
  for (const DeoptPointRecord& point : image.all<DeoptPointRecord>()) {
    if (point.every == 0 || flags_of(options_of(point)) != point.flags) return "a deopt point with unknown options";
  }
  const auto global_count = static_cast<uint32_t>(image.all<GlobalRecord>().size()) + used_module_count(image);
  for (const LiteralRecord& literal : image.all<LiteralRecord>()) {
    if (literal.global >= global_count) return "a literal with a global that is not in its table";
  }
  return "";
}

Code* read_code(const ImageView& image, std::span<const uint32_t> globals, Symbol value_file, ProgramCode& program,
                std::string& problem) {
  const size_t first = program.codes.size();
  Code* body = CodeReader(image, globals, value_file, program).read();
  if (body == nullptr) {
    problem = "an instruction that is not whole, or with a number that is not in its table";
  } else if (body->arity != 0 || body->capture_count != 0) {
    problem = "the module's body has arguments or captures";
  } else {
    problem = verify_codes(program, first);
  }
  return problem.empty() ? body : nullptr;
}

}  // namespace fble
