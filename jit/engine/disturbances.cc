#include "jit/engine/disturbances.h"

#include <fmt/format.h>

#include <bit>

#include "gc/log.h"

namespace fble {

Disturbances::Disturbances(Carrier& carrier, const JitOptions& options)
    : carrier_(carrier), logs_(options.log_chaos), chaos_(options.chaos, options.chaos_fuel) {
  arrange_exit();
}

bool Disturbances::happens(ChaosKind kind) {
  if (!chaos_.decide(kind)) return false;
  log(kind, "");
  return true;
}

void Disturbances::log(ChaosKind kind, const std::string& detail) const {
  if (logs_) log_print("[chaos {}: {}{}]\n", chaos_.count(), chaos_kind_text(kind), detail);
}

RecorderLimits Disturbances::limits(const RecorderLimits& usual) {
  if (!happens(ChaosKind::kCut)) return usual;
  return {1 + chaos_.below(40), 1 + chaos_.below(8), 1 + chaos_.below(4)};
}

int Disturbances::choose_spill(uint32_t occupied) {
  if (!happens(ChaosKind::kSpill)) return -1;
  uint32_t skip = chaos_.below(static_cast<uint32_t>(std::popcount(occupied)));
  for (; skip > 0; --skip) occupied &= occupied - 1;
  return std::countr_zero(occupied);
}

void Disturbances::note_exit(uint32_t trace, uint32_t exit, IrOp guard) {
  if (carrier_.exit_fuel != 0) return;
  if (chaos_.spend(ChaosKind::kExit)) {
    log(ChaosKind::kExit, fmt::format(" {}/{} {}", trace, exit, ir_op_info(guard).name));
  }
  arrange_exit();
}

/// Draws the distance to the next guard that is made to fail.
void Disturbances::arrange_exit() {
  constexpr uint32_t kRanges[] = {3, 20, 150, 2000};
  carrier_.exit_fuel = UINT32_MAX;
  if (chaos_.has_fuel()) carrier_.exit_fuel = 1 + chaos_.below(kRanges[chaos_.below(std::size(kRanges))]);
}

bool Disturbances::disturb(Carrier& carrier) {
  // Collect large heaps rarely, or runs take too long.
  constexpr size_t kUsualBytes = 32 * 1024;
  const size_t bytes = carrier.machine.heap.old_bytes() + carrier.stack_bytes();
  if (bytes < kUsualBytes || chaos_.below(static_cast<uint32_t>(bytes / kUsualBytes)) == 0) {
    if (happens(ChaosKind::kCollectAll)) {
      carrier.collect_all();
    }
    if (happens(ChaosKind::kCollect) && !carrier.make_room(0)) return false;
  }
  // Nothing has asked for attention: the next yield point finds nothing to do.
  if (happens(ChaosKind::kAttend)) carrier.alloc_limit = carrier.stack_limit = carrier.machine_stack_limit = nullptr;
  return true;
}

}  // namespace fble
