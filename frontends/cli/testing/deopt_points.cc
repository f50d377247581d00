// Tested by tests/unit/frontends/cli/deopt_points_test.cc.
#include "frontends/cli/testing/deopt_points.h"

#include <fmt/format.h>

#include "deopt/same_value.h"

namespace fble {

namespace {

/// Returns whether two code objects are the same. Glue and natives have code of their own in each machine.
bool same_code(const Code& a, const Code& b) {
  if (&a == &b) return true;
  if (a.arity != b.arity || a.words[0] != b.words[0]) return false;
  return (a.is_glue && b.is_glue) || (a.body != nullptr && a.body == b.body);
}

std::string shown(Word word) {
  if (!is_pointer(word)) return fmt::format("{:#x}", word);
  const Object* object = as_object(word);
  if (object->kind() == ObjectKind::kClosure) return fmt::format("function of {}", closure_code(object)->block.str());
  return fmt::format("object with header {:#x}", object->header);
}

}  // namespace

std::string value_difference(Word a, Word b) {
  SameValue same(same_code);
  if (same(a, b)) return "";
  return fmt::format("{}: {} and {}", same.path(), shown(same.left()), shown(same.right()));
}

DeoptPointsText deopt_points_text(const TraceEngine& engine, bool must_hit) {
  DeoptPointsText result;
  for (const DeoptPointReport& report : engine.deopt_point_reports()) {
    const Loc& loc = report.point->loc;
    const bool unforced = report.point->options.force && report.hits != 0 && report.forced == 0;
    const bool missed = report.hits == 0 || unforced;
    result.missed += missed ? 1 : 0;
    result.lines += fmt::format("{}:{}:{}: {}deopt-here!{}: {} hits in {} passes", loc.file.str(), loc.line, loc.column,
                                missed && must_hit ? "error: " : "", deopt_point_options_text(report.point->options),
                                report.hits, report.passes);
    if (report.point->options.force) result.lines += fmt::format(", {} forced", report.forced);
    result.lines += unforced ? " (there was never room for what was virtual)\n"
                    : missed ? fmt::format(" ({})\n", report.why_not)
                             : "\n";
  }
  return result;
}

}  // namespace fble
