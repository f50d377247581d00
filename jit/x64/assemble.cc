#include "jit/x64/assemble.h"

#include "jit/x64/lower.h"
#include "jit/x64/regalloc_check.h"
#include "jit/x64/stubs.h"

namespace fble {

namespace {

using x64::Allocation;
using x64::InsPlan;
using x64::Lowering;

AssembledTrace failed(AbortReason reason) {
  AssembledTrace result;
  result.failure = reason;
  return result;
}

void check(asmjit::Error error) {
  if (error != asmjit::kErrorOk) FBLE_BUG(asmjit::DebugUtils::errorAsString(error));
}

}  // namespace

AssembledTrace assemble(const Trace& trace, CodeCache& cache, const RuntimeEntries& runtime,
                        const AssembleOptions& options) {
  if (!x64::ensure_stubs(cache, runtime)) return failed(AbortReason::kCodeCacheFull);

  Allocation allocation = x64::allocate_registers(trace, options.spill);
  if (allocation.failure) return failed(*allocation.failure);
#ifdef NDEBUG
  const bool check_registers = options.check_registers;
#else
  const bool check_registers = true;
#endif
  if (check_registers) {
    const std::string fault = x64::check_allocation(trace, allocation);
    if (!fault.empty()) FBLE_BUG(fault.c_str());
  }

  const uint8_t* base = cache.next_address();
  asmjit::CodeHolder holder;
  check(holder.init(asmjit::Environment::host(), reinterpret_cast<uint64_t>(base)));
  asmjit::x86::Assembler assembler(&holder);
  class Failures : public asmjit::ErrorHandler {
   public:
    void handleError(asmjit::Error, const char* message, asmjit::BaseEmitter*) override { FBLE_BUG(message); }
  } failures;
  holder.setErrorHandler(&failures);
  // A loop's first turn runs into the alignment: a few long instructions are better there than many short ones.
  assembler.addEncodingOptions(asmjit::EncodingOptions::kOptimizedAlign);
  Lowering lowering(assembler, trace, allocation, options, x64::stubs_of(cache));
  lowering.run();
  holder.flatten();
  holder.resolveUnresolvedLinks();
  check(holder.relocateToBase(reinterpret_cast<uint64_t>(base)));

  const asmjit::CodeBuffer& buffer = holder.textSection()->buffer();
  AssembledTrace result;
  result.door = base + holder.labelOffset(lowering.door());
  result.stubs = x64::stubs_of(cache);
  result.code_bytes = buffer.size();
  result.origins = std::move(lowering.origins);
  if (options.keep_code_map) {
    result.code_map = make_code_map(trace, base, result.code_bytes, std::move(lowering.rows));
  }

  SideTableBuilder side_table(trace.code);
  side_table.reserve(lowering.exits.size());
  result.exits.reserve(lowering.exits.size());
  for (size_t i = 0; i < lowering.exits.size(); ++i) {
    const Lowering::Exit& exit = lowering.exits[i];
    const IrIns& ins = trace.ins[exit.ins];
    ExitSite site;
    site.jumps.reserve(exit.jumps.size());
    for (const size_t jump : exit.jumps) site.jumps.push_back(base + jump);
    site.stub = base + holder.labelOffset(exit.stub);
    site.ins = exit.ins;
    site.guard = ins.op;
    site.operand = allocation.plans[exit.ins].exit_operand;
    site.n = ins.n;
    site.m = ins.m;
    if (exit.has_flag) site.flag = base + holder.labelOffset(exit.flag);
    site.settled = trace.snapshots[ins.snapshot].settled;
    site.steps = trace.snapshots[ins.snapshot].steps;
    result.exits.push_back(std::move(site));
    side_table.add(std::move(allocation.exits[i]));
  }

  std::vector<uint8_t> bytes(buffer.begin(), buffer.end());
  store_sites(result.exits, base, bytes);
  const size_t table_at = bytes.size();
  const SideTable table = side_table.finish();
  bytes.insert(bytes.end(), table.bytes.begin(), table.bytes.end());
  result.start = cache.install(bytes);
  if (result.start == nullptr) return failed(AbortReason::kCodeCacheFull);
  result.side_table = {{base + table_at, table.bytes.size()}, table.exits, table.code};
  result.exit_bytes = bytes.size() - lowering.stubs_at();
  return result;
}

}  // namespace fble
