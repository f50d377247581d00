#include "jit/engine/deopt_points.h"

#include <fmt/format.h>

#include <algorithm>

#include "gc/log.h"
#include "interp/bytecode.h"

namespace fble {

namespace {

constexpr uint32_t kDeoptPointWord = static_cast<uint32_t>(Op::kDeoptPoint);

}  // namespace

DeoptPoints::DeoptPoints(const MachineState& machine) : machine_(machine) {
  const std::vector<DeoptPoint>& points = machine.program.deopt_points;
  points_.resize(points.size());
  countdowns_.resize(points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    points_[i].period = points[i].options.after + points[i].options.every;
    countdowns_[i] = points_[i].period;
    forcing_.push_back(points[i].options.force ? 1 : 0);
  }
  if (points.empty()) return;
  for (const Code& code : machine.program.codes) {
    for (uint32_t at = 0; at < code.words.size(); at += instruction_length(&code.words[at])) {
      if (code.words[at] == kDeoptPointWord) points_[code.words[at + 1]].code = &code;
    }
  }
}

void DeoptPoints::note_hit(uint32_t number) {
  Point& point = points_[number];
  point.passes += point.period;
  point.period = options(number).every;
  countdowns_[number] = point.period;
  ++point.hits;
}

void DeoptPoints::note_recording(const Trace& trace, std::optional<AbortReason> abort) {
  if (points_.empty()) return;
  std::vector<uint32_t> passed;
  for (const IrIns& ins : trace.ins) {
    const uint32_t number = static_cast<uint32_t>(ins.n);
    // The body of a loop repeats the deopt points of the preamble.
    if (ins.op != IrOp::kDeoptPoint || std::ranges::find(passed, number) != passed.end()) continue;
    passed.push_back(number);
    ++points_[number].recordings;
    if (abort) {
      points_[number].abort = *abort;
    } else {
      ++points_[number].traces;
    }
  }
  if (abort || trace.ins.back().op != IrOp::kExit) return;
  const SnapshotFrame& frame = trace.snapshots[trace.ins.back().snapshot].frames.back();
  ended_at_[frame.code] = static_cast<Op>(*frame.pc);
}

const char* DeoptPoints::reason_to_leave(IrOp guard, int32_t n) const {
  const auto number = static_cast<uint32_t>(n);
  if (guard != IrOp::kDeoptPoint || !is_turn(number)) return ir_op_info(guard).name;
  return options(number).invalidate ? "invalidate" : "deopt_point";
}

std::string DeoptPoints::name(uint32_t number) const {
  const DeoptPoint& row = machine_.program.deopt_points[number];
  return fmt::format("deopt point {}, deopt-here!{} at {}:{}:{}", number, deopt_point_options_text(row.options),
                     row.loc.file.str(), row.loc.line, row.loc.column);
}

std::string DeoptPoints::explain(const Trace& trace) const {
  std::string text;
  std::vector<int32_t> seen;
  for (const IrIns& ins : trace.ins) {
    if (ins.op != IrOp::kDeoptPoint || std::ranges::find(seen, ins.n) != seen.end()) continue;
    seen.push_back(ins.n);
    text += fmt::format("; {}\n", name(static_cast<uint32_t>(ins.n)));
  }
  return text;
}

std::vector<DeoptPointReport> DeoptPoints::reports() const {
  std::vector<DeoptPointReport> reports;
  for (uint32_t i = 0; i < points_.size(); ++i) {
    const Point& point = points_[i];
    DeoptPointReport& report = reports.emplace_back();
    report.point = &machine_.program.deopt_points[i];
    report.interpreted = machine_.deopt_point_passes[i];
    report.passes = point.passes + point.period - countdowns_[i];
    report.hits = point.hits;
    report.forced = point.forced;
    if (point.hits == 0) report.why_not = why_not_hit(i);
  }
  return reports;
}

std::string DeoptPoints::why_not_hit(uint32_t number) const {
  const Point& point = points_[number];
  const uint64_t interpreted = machine_.deopt_point_passes[number];
  const uint32_t passes = point.period - countdowns_[number];
  if (passes != 0)
    return fmt::format("not its turn yet: passed {} times in machine code, hit at pass {}", passes, point.period);
  if (point.traces != 0)
    return fmt::format("machine code contains it, but was always left before; interpreted {} times", interpreted);
  if (point.recordings != 0) return fmt::format("trace aborted: {}", abort_reason_text(point.abort));
  if (interpreted == 0) return "never reached";
  if (const auto ended = ended_at_.find(point.code); ended != ended_at_.end()) {
    return fmt::format("no trace gets there: those of its function end before '{}'; interpreted {} times",
                       op_info(ended->second).name, interpreted);
  }
  return fmt::format("never hot: interpreted {} times", interpreted);
}

DeoptPoints::Paused::Paused(DeoptPoints& points) : points_(points), countdowns_(points.countdowns_) {
  std::ranges::fill(points.countdowns_, UINT32_MAX);
}

DeoptPoints::Paused::~Paused() { std::ranges::copy(countdowns_, points_.countdowns_.begin()); }

}  // namespace fble
