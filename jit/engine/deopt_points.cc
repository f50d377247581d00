#include "jit/engine/deopt_points.h"

#include <fmt/format.h>

#include <algorithm>

#include "gc/log.h"
#include "interp/bytecode.h"
#include "interp/observer.h"

namespace fble {

namespace {

constexpr uint32_t kMarkWord = static_cast<uint32_t>(Op::kMark);
/// The number of forced frames that are checked.
constexpr size_t kFramesChecked = 128;

}  // namespace

DeoptPoints::DeoptPoints(const Thread& thread) : thread_(thread) {
  const std::vector<Mark>& marks = thread.machine.program.marks;
  points_.resize(marks.size());
  countdowns_.resize(marks.size());
  for (size_t i = 0; i < marks.size(); ++i) {
    points_[i].period = marks[i].options.after + marks[i].options.every;
    countdowns_[i] = points_[i].period;
    forcing_.push_back(marks[i].options.force ? 1 : 0);
  }
  if (marks.empty()) return;
  for (const Code& code : thread.machine.program.codes) {
    for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
      if (code.words[at] == kMarkWord) points_[code.words[at + 1]].code = &code;
    }
  }
}

void DeoptPoints::note_hit(uint32_t mark) {
  Point& point = points_[mark];
  point.passes += point.period;
  point.period = options(mark).every;
  countdowns_[mark] = point.period;
  ++point.hits;
}

void DeoptPoints::note_recording(const Trace& trace, std::optional<AbortReason> abort) {
  if (points_.empty()) return;
  std::vector<uint32_t> passed;
  for (const IrIns& ins : trace.ins) {
    const uint32_t mark = static_cast<uint32_t>(ins.n);
    // The body of a loop repeats the marks of the preamble.
    if (ins.op != IrOp::kMark || std::ranges::find(passed, mark) != passed.end()) continue;
    passed.push_back(mark);
    ++points_[mark].recordings;
    if (abort) {
      points_[mark].abort = *abort;
    } else {
      ++points_[mark].traces;
    }
  }
  if (abort || trace.ins.back().op != IrOp::kExit) return;
  const SnapshotFrame& frame = trace.snapshots[trace.ins.back().snapshot].frames.back();
  ended_at_[frame.code] = static_cast<Op>(*frame.pc);
}

bool DeoptPoints::show_frames(Thread& thread, uint32_t mark) const {
  const std::string problem = frames_problem(thread.pc, thread.fp, kFramesChecked);
  if (!problem.empty()) {
    log_print("{}: {}\n", name(mark), problem);
    FBLE_BUG("forced frames are not as the interpreter wants them");
  }
  return thread.machine.observer != nullptr &&
         thread.machine.observer->look(thread, thread.machine.program.marks[mark]);
}

const char* DeoptPoints::reason_to_leave(IrOp guard, int32_t n) const {
  const auto mark = static_cast<uint32_t>(n);
  if (guard != IrOp::kMark || !is_turn(mark)) return ir_op_info(guard).name;
  return options(mark).invalidate ? "invalidate" : "mark";
}

std::string DeoptPoints::name(uint32_t mark) const {
  const Mark& row = thread_.machine.program.marks[mark];
  return fmt::format("mark {}, deopt-here!{} at {}:{}:{}", mark, mark_options_text(row.options), row.loc.file.str(),
                     row.loc.line, row.loc.column);
}

std::string DeoptPoints::explain(const Trace& trace) const {
  std::string text;
  std::vector<int32_t> seen;
  for (const IrIns& ins : trace.ins) {
    if (ins.op != IrOp::kMark || std::ranges::find(seen, ins.n) != seen.end()) continue;
    seen.push_back(ins.n);
    text += fmt::format("; {}\n", name(static_cast<uint32_t>(ins.n)));
  }
  return text;
}

std::vector<MarkReport> DeoptPoints::reports() const {
  std::vector<MarkReport> reports;
  for (uint32_t i = 0; i < points_.size(); ++i) {
    const Point& point = points_[i];
    MarkReport& report = reports.emplace_back();
    report.mark = &thread_.machine.program.marks[i];
    report.interpreted = thread_.machine.mark_passes[i];
    report.passes = point.passes + point.period - countdowns_[i];
    report.hits = point.hits;
    report.forced = point.forced;
    if (point.hits == 0) report.why_not = why_not_hit(i);
  }
  return reports;
}

std::string DeoptPoints::why_not_hit(uint32_t mark) const {
  const Point& point = points_[mark];
  const uint64_t interpreted = thread_.machine.mark_passes[mark];
  const uint32_t passes = point.period - countdowns_[mark];
  if (passes != 0)
    return fmt::format("not its turn yet: passed {} times in machine code, hit at pass {}", passes, point.period);
  if (point.traces != 0)
    return fmt::format("machine code contains it, but was always left before; interpreted {} times", interpreted);
  if (point.recordings != 0) return fmt::format("trace aborted: {}", abort_reason_text(point.abort));
  if (interpreted == 0) return "never reached";
  if (const auto ended = ended_at_.find(point.code); ended != ended_at_.end()) {
    return fmt::format("no trace gets there: its function's end in front of '{}'; interpreted {} times",
                       op_info(ended->second).name, interpreted);
  }
  return fmt::format("never hot: interpreted {} times", interpreted);
}

DeoptPoints::Paused::Paused(DeoptPoints& points) : points_(points), countdowns_(points.countdowns_) {
  std::ranges::fill(points.countdowns_, UINT32_MAX);
}

DeoptPoints::Paused::~Paused() { std::ranges::copy(countdowns_, points_.countdowns_.begin()); }

}  // namespace fble
