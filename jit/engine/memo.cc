#include "jit/engine/memo.h"

#include <algorithm>
#include <utility>

#include "jit/x64/regalloc.h"

namespace fble {

namespace {

/// Larger tables than this would be no tables of what was asked lately.
constexpr uint32_t kMostMemoBits = 24;

/// Returns the function that is called at the end of the trace with all its arguments, if those can be remembered;
/// otherwise null.
const Code* callee(const Trace& trace) {
  const IrIns& last = trace.ins.back();
  if (last.op != IrOp::kCall && last.op != IrOp::kTailCall) return nullptr;
  const Code* code = x64::called_code(trace, last);
  const bool fits = code != nullptr && code->native == nullptr && !code->is_glue && code->capture_count == 0 &&
                    code->arity >= 1 && code->arity <= kMostMemoArguments && last.list.size() == code->arity;
  return fits ? code : nullptr;
}

/// Returns whether the argument of a call is known to be packed because it is a part of a packed value. In the
/// function's own recursion a walk has then been tried before.
bool is_part_of_packed(const Trace& trace, IrRef arg) {
  const IrOp op = trace.at(arg).op;
  return op == IrOp::kPackedArg || op == IrOp::kConstant;
}

bool fill_row(StrideTable& table, uint32_t key) {
  if (table.row_count == StrideTable::kMostRows) return false;
  Memo& memo = *static_cast<Memo*>(table.owner);
  std::vector<RowStep> steps;
  const uint32_t at = table.add(memo.rules->row(key, table.uses == nullptr ? nullptr : &steps));
  if (table.uses != nullptr) memo.row_steps.emplace_back(at, std::move(steps));
  return true;
}

}  // namespace

void Memos::prepare_strides(Memo& memo, const Word* globals) {
  StrideRules rules(*memo.function, globals);
  if (params_.strides == 0 || rules.stride_bits() == 0) return;
  memo.rules.emplace(std::move(rules));
  memo.strides.bits = memo.rules->stride_bits();
  memo.strides.fill = fill_row;
  memo.strides.owner = &memo;
  if (counts_) memo.strides.make_counters();
  memo.stride_code = assemble_strides(cache_, runtime_, *memo.function, memo.strides, memo.table, params_.stride_trial);
  if (memo.stride_code.start == nullptr) memo.rules.reset();
}

const Memo* Memos::prepare(const Trace& trace, const MachineState& machine) {
  const Code* function = callee(trace);
  if (function == nullptr || params_.memo_bits == 0 || by_function_.contains(function)) return nullptr;
  PureCalls calls = find_pure_calls(*function, machine.globals);
  if (!calls.is_pure || !calls.reaches(*function)) return nullptr;
  free_tables_out_of_use();
  const auto in_use = std::ranges::count_if(memos_, [](const Memo& memo) { return memo.table.rows != nullptr; });
  if (static_cast<uint32_t>(in_use) >= params_.memo_tables) return nullptr;

  Memo& memo = memos_.emplace_back();
  memo.number = static_cast<uint32_t>(memos_.size() - 1);
  memo.next_proof = options_.threshold(params_.memo_proof);
  memo.function = function;
  memo.calls = std::move(calls);
  memo.table.make_rows(std::min(params_.memo_bits, kMostMemoBits), counts_);
  prepare_strides(memo, machine.globals.words.data());
  if (counts_ && !memo.rules) {
    memos_.pop_back();
    by_function_[function] = nullptr;
    return nullptr;
  }
  memo.code = assemble_memo(cache_, runtime_, *function, memo.table, params_.memo_trial,
                            memo.rules ? &memo.strides.target : &function->native_entry, memo.stride_code.start);
  if (memo.code.start == nullptr) {
    memos_.pop_back();
    return nullptr;
  }
  by_function_[function] = &memo;
  return &memo;
}

const Memo* Memos::find(const Trace& trace) const {
  const Code* function = callee(trace);
  const auto found = function == nullptr ? by_function_.end() : by_function_.find(function);
  return found == by_function_.end() ? nullptr : found->second;
}

const void* const* Memos::target(const Trace& trace) const {
  const Memo* memo = find(trace);
  if (memo == nullptr) return nullptr;
  const bool is_outside = !memo->calls.reaches(*trace.code);
  if (is_outside && !memo->is_given_up()) return &memo->table.target;
  if (!memo->walks()) return nullptr;
  if (is_outside) return &memo->strides.target;
  // Most recursions never come to packed values, and where the function itself has found them a walk was tried before.
  const std::vector<IrRef>& args = trace.ins.back().list;
  const bool was_tried = std::ranges::all_of(args, [&](IrRef arg) { return is_part_of_packed(trace, arg); });
  return was_tried || !has_walked(*memo) ? nullptr : &memo->strides.target;
}

/// Returns whether the function has walked, or one of the recursion that it is a part of.
bool Memos::has_walked(const Memo& memo) const {
  return std::ranges::any_of(memos_, [&](const Memo& other) {
    return other.strides.walks != 0 && other.calls.reaches(*memo.function) && memo.calls.reaches(*other.function);
  });
}

MemoTable* Memos::table_of(const Code& function, const Code& root) {
  const auto found = by_function_.find(&function);
  if (found == by_function_.end() || found->second == nullptr) return nullptr;
  Memo& memo = *found->second;
  // Others may have been proven shortly before: a trace that is recorded anew should look in all.
  constexpr uint64_t kPartOfProof = 8;
  const bool is_good = !memo.is_given_up() && remembers_most(memo) &&
                       memo.table.hits > options_.threshold(params_.memo_proof) / kPartOfProof;
  return is_good && !memo.calls.reaches(root) ? &memo.table : nullptr;
}

std::optional<Memos::Reliance> Memos::take_broken() {
  // A recording may find a call that happens not to be remembered, so there are several proofs.
  constexpr uint64_t kNextProof = 16;
  for (Memo& memo : memos_) {
    if (memo.is_given_up()) {
      if (std::exchange(memo.has_traces, false)) return Reliance{CodeAssumption::kMemoIsKept, memo.number};
    } else if (memo.table.hits >= memo.next_proof && remembers_most(memo)) {
      memo.next_proof = kNextProof * memo.table.hits;
      return Reliance{CodeAssumption::kMemoIsNotProven, memo.number};
    }
  }
  return std::nullopt;
}

std::vector<Memos::Reliance> Memos::note_use(const Trace& trace, IrOp from) {
  std::vector<Reliance> reliances;
  for (Memo& memo : memos_) {
    if (std::ranges::find(trace.memos, &memo.table) == trace.memos.end()) continue;
    memo.has_traces = true;
    reliances.push_back({CodeAssumption::kMemoIsKept, memo.number});
  }
  // A bridge for the calls that are not remembered makes them.
  const Memo* const called = find(trace);
  if (called != nullptr && target(trace) == &called->table.target && !is_recall(from)) {
    reliances.push_back({CodeAssumption::kMemoIsNotProven, called->number});
  }
  return reliances;
}

void Memos::free_tables_out_of_use() {
  for (Memo& memo : memos_) {
    if (!memo.is_given_up() || memo.has_traces || memo.table.rows == nullptr) continue;
    if (counts_) count_hits(memo);
    memo.table.rows.reset();
    memo.table.row_hits.reset();
  }
}

void Memos::forget_all(JitStats& stats) {
  add_counts(stats);
  by_function_.clear();
  memos_.clear();
}

void Memos::add_counts(JitStats& stats) const {
  for (const Memo& memo : memos_) {
    ++stats.memos;
    stats.memos_given_up += memo.is_given_up() ? 1 : 0;
    stats.memo_tables_freed += memo.table.rows == nullptr ? 1 : 0;
    stats.remembered_calls += memo.table.hits;
    stats.unknown_calls += memo.table.misses;
    stats.walked += memo.rules ? 1 : 0;
    stats.walked_given_up += memo.rules && !memo.walks() ? 1 : 0;
    stats.walks += memo.strides.walks;
    stats.failed_walks += memo.strides.failures;
    stats.stride_rows += memo.strides.row_count;
  }
}

/// Counts the hits of a memo as walks.
void Memos::count_hits(Memo& memo) {
  MemoTable& table = memo.table;
  if (table.rows == nullptr) return;
  for (size_t i = 0; i < size_t{1} << table.index_bits; ++i) {
    const uint64_t hits = std::exchange(table.row_hits[i], 0);
    if (hits != 0) memo.strides.count_walk({table.rows[i].arguments, memo.function->arity}, hits);
  }
}

void Memos::add_up(InstructionCounts& counts) {
  for (Memo& memo : memos_) {
    count_hits(memo);
    for (const auto& [row, steps] : memo.row_steps) {
      const uint64_t uses = std::exchange(memo.strides.uses[row], 0);
      if (uses == 0) continue;
      for (const RowStep& step : steps) counts.add(*step.code, step.pc, step.times * uses);
    }
  }
}

void Memos::forget_hits_and_walks() {
  for (Memo& memo : memos_) {
    if (memo.table.row_hits != nullptr) std::fill_n(memo.table.row_hits.get(), size_t{1} << memo.table.index_bits, 0);
    std::fill_n(memo.strides.uses.get(), StrideTable::kRowsInMemory, 0);
  }
}

}  // namespace fble
