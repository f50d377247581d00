// Tested by tests/unit/cli/marks_test.cc.
#include "frontends/cli/marks.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "interp/thread.h"

namespace fble {

namespace {

/// A pair of words still to be compared, or compared already.
struct Pair {
  Word a;
  Word b;
  size_t parent;  ///< index of the pair that this is a field of
  uint32_t field;
};

std::string path_to(const std::vector<Pair>& pairs, size_t at) {
  std::string path;
  for (; at != 0; at = pairs[at].parent) path.insert(0, fmt::format(".{}", pairs[at].field));
  return path;
}

/// Glue and natives have code of their own in each machine.
bool same_code(const Code& a, const Code& b) {
  if (&a == &b) return true;
  if (a.arity != b.arity || a.words[0] != b.words[0]) return false;
  return (a.is_glue && b.is_glue) || (a.native != nullptr && a.native == b.native);
}

bool same_head(const Object* a, const Object* b) {
  constexpr Word kWithoutFlags = ~Word{0xf0};
  if ((a->header & kWithoutFlags) != (b->header & kWithoutFlags)) return false;
  switch (a->kind()) {
    case ObjectKind::kClosure: return same_code(*closure_code(a), *closure_code(b));
    case ObjectKind::kBytes: return std::equal(a->fields, a->fields + a->count(), b->fields);
    default: return true;
  }
}

std::string shown(Word word) {
  if (!is_pointer(word)) return fmt::format("{:#x}", word);
  const Object* object = as_object(word);
  if (object->kind() == ObjectKind::kClosure) return fmt::format("function of {}", closure_code(object)->block.str());
  return fmt::format("object with header {:#x}", object->header);
}

}  // namespace

std::string value_difference(Word a, Word b) {
  std::vector<Pair> pairs{{a, b, 0, 0}};
  std::set<std::pair<Word, Word>> seen;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Pair pair = pairs[i];
    const bool are_objects = is_pointer(pair.a) && is_pointer(pair.b);
    if (!are_objects && pair.a == pair.b) continue;
    if (!are_objects || !same_head(as_object(pair.a), as_object(pair.b))) {
      return fmt::format("{}: {} and {}", path_to(pairs, i), shown(pair.a), shown(pair.b));
    }
    if (!seen.emplace(pair.a, pair.b).second) continue;
    const Object* object = as_object(pair.a);
    for (uint32_t field = object->first_value(); field < object->count(); ++field) {
      pairs.push_back({object->fields[field], as_object(pair.b)->fields[field], i, field});
    }
  }
  return "";
}

MarksText marks_text(const TraceEngine& engine, bool must_hit) {
  MarksText result;
  for (const MarkReport& report : engine.mark_reports()) {
    const Loc& loc = report.mark->loc;
    const bool unforced = report.mark->options.force && report.hits != 0 && report.forced == 0;
    const bool missed = report.hits == 0 || unforced;
    result.missed += missed ? 1 : 0;
    result.lines += fmt::format("{}:{}:{}: {}deopt-here!{}: {} hits in {} passes", loc.file.str(), loc.line, loc.column,
                                missed && must_hit ? "error: " : "", mark_options_text(report.mark->options),
                                report.hits, report.passes);
    if (report.mark->options.force) result.lines += fmt::format(", {} forced", report.forced);
    result.lines += unforced ? " (there was never room for what was virtual)\n"
                    : missed ? fmt::format(" ({})\n", report.why_not)
                             : "\n";
  }
  return result;
}

}  // namespace fble
