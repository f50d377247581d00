// Glue: code that no function of the program has, made when it is first needed.
//
// Tested by tests/unit/interp/interpreter_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "interp/code.h"

namespace fble {

struct NativeRow;

/// Owns the glue of a machine. Code is found by its function: equal requests return the same code. It
/// lives as long as the machine, since closures refer to it.
class GlueCode {
 public:
  /// Returns code that calls with `held` arguments of a partial application and `rest` new ones.
  Code* apply_held(uint32_t held, uint32_t rest) {
    if (held < kSizes && rest < kSizes && apply_held_[held][rest] != nullptr) return apply_held_[held][rest];
    return make_apply_held(held, rest);
  }
  /// Returns code that waits for a function and then applies it to the `count` remaining arguments.
  Code* apply_rest(uint32_t count) {
    Code* known = known_apply_rest(count);
    return known != nullptr ? known : make_apply_rest(count);
  }
  /// Returns the same if it has been made and is for few arguments, else null.
  Code* known_apply_rest(uint32_t count) const { return count < kSizes ? apply_rest_[count] : nullptr; }
  /// The position where apply_rest resumes once it has the function, in words from its start.
  static constexpr uint32_t kApplyRestPosition = 5;

  /// Returns code that applies its first argument to the `count` others and halts: the outermost frame of a run.
  Code* run(uint32_t count);

  /// Returns the code of a native that takes arguments.
  Code* native(const ForeignRef& ref, const NativeRow& row);
  /// Calls `see(code)` for each partial application and each native: now for those there are, and later for each that
  /// is made. Null ends that.
  void show_callable(std::function<void(Code&)> see);
  /// Has natives with effects ask for the turn first, from now on (interp/turns.h).
  void have_natives_take_turns();
  /// Has intrinsics count their calls. Requires: there are no natives yet.
  void have_intrinsics_counted() { intrinsics_are_counted_ = true; }

  /// Returns the code of that name, which `make(code)` completes when it is first asked for: words, arity, frame_slots,
  /// functions, boundary.
  template <typename Make>
  Code* function(const std::string& name, Make&& make) {
    Code*& code = functions_[name];
    if (code == nullptr) {
      code = &codes_.emplace_back();
      make(*code);
      finish_function(*code, name);
    }
    return code;
  }

  /// Calls `visit(code)` for all of it.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Code& code : codes_) visit(code);
  }

 private:
  Code* make_apply_held(uint32_t held, uint32_t rest);
  Code* make_apply_rest(uint32_t count);
  static void finish_function(Code& code, const std::string& name);

  std::deque<Code> codes_;
  std::function<void(Code&)> see_callable_;
  bool natives_take_turns_ = false;
  bool intrinsics_are_counted_ = false;
  /// The tables of glue for small numbers of arguments have this size; all glue of a kind is in its map.
  static constexpr uint32_t kSizes = 8;
  Code* apply_held_[kSizes][kSizes] = {};
  Code* apply_rest_[kSizes] = {};
  std::map<std::pair<uint32_t, uint32_t>, Code*> all_apply_held_;
  std::map<uint32_t, Code*> all_apply_rest_;
  std::vector<Code*> run_;
  std::unordered_map<std::string, Code*> natives_;
  std::unordered_map<std::string, Code*> functions_;
};

}  // namespace fble
