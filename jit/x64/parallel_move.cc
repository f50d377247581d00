// Parallel moves: orders moves with a simultaneous effect one after the other.
//
// A move can be made when the old content of its destination is no longer needed. If
// none can, the remaining moves are circles (each destination is the source of exactly
// one other move): two registers are swapped; else the content of one place is moved to
// the spare one, which opens the circle, and the spare place is free again after the
// circle.
//
// Tested by tests/unit/jit/x64/regalloc_test.cc.
#include <algorithm>

#include "jit/x64/regalloc.h"

namespace fble::x64 {

void order_moves(std::vector<Move>& moves, const Location& spare, std::vector<Move>& ordered) {
  const auto drop_idle = [&] { std::erase_if(moves, [](const Move& move) { return move.to == move.from; }); };
  const auto redirect = [&](const Location& from, const Location& to) {
    for (Move& move : moves) {
      if (move.from == from) move.from = to;
    }
  };
  drop_idle();
  while (!moves.empty()) {
    const auto ready = std::find_if(moves.begin(), moves.end(), [&](const Move& move) {
      return std::none_of(moves.begin(), moves.end(), [&](const Move& other) { return other.from == move.to; });
    });
    if (ready != moves.end()) {
      ordered.push_back(*ready);
      moves.erase(ready);
      continue;
    }
    const Move first = moves.front();
    if (is_register(first.to) && is_register(first.from)) {
      ordered.push_back({Move::Kind::kSwap, first.to, first.from});
      moves.erase(moves.begin());
      // The move that needs the old content of `to` finds it in `from`. No other
      // move needs that of `from`: in a circle a place is the source of one move.
      redirect(first.to, first.from);
      drop_idle();
    } else {
      ordered.push_back({Move::Kind::kCopy, spare, first.to});
      redirect(first.to, spare);
    }
  }
}

bool move_exit(ExitEntry& exit, const std::vector<Move>& moves) {
  ExitEntry moved = exit;
  bool is_complete = true;
  const auto follow = [&](Location& location) {
    if (std::ranges::find(moves, location, &Move::to) == moves.end()) return;
    const auto move = std::ranges::find(moves, location, &Move::from);
    if (move != moves.end()) {
      location = move->to;
    } else {
      is_complete = false;
    }
  };
  for (ExitFrame& frame : moved.frames) follow(frame.closure);
  for (ExitSlot& slot : moved.slots) follow(slot.location);
  for (VirtualValue& value : moved.virtuals) std::ranges::for_each(value.fields, follow);
  if (is_complete) exit = std::move(moved);
  return is_complete;
}

}  // namespace fble::x64
