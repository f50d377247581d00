#include "interp/stack_need.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "interp/call_frame.h"
#include "interp/foreign.h"

namespace fble {

namespace {

/// What is known of a value. Null pointers stand for values of which nothing is.
struct Known {
  enum class Kind : uint8_t { kFunction, kNative, kStruct, kPlaceholder };
  Kind kind;
  const Code* code = nullptr;             ///< kFunction
  uint32_t arity = 0;                     ///< kNative
  std::vector<const Known*> fields = {};  ///< kStruct
  const Known* stands_for = nullptr;      ///< kPlaceholder, once its group is defined
};
using Value = const Known*;

/// Returns the value that a placeholder stands for.
Value resolved(Value value) {
  // A value that stands for itself is an error of the program.
  constexpr int kMostSteps = 100;
  for (int i = 0; value != nullptr && value->kind == Known::Kind::kPlaceholder; ++i) {
    value = i < kMostSteps ? value->stands_for : nullptr;
  }
  return value;
}

Value field_of(Value value, uint32_t index, uint32_t count) {
  value = resolved(value);
  if (count == 1) return value;  // a struct of one field is that field
  const bool has_it = value != nullptr && value->kind == Known::Kind::kStruct && index < value->fields.size();
  return has_it ? value->fields[index] : nullptr;
}

/// A call in the code of a function.
struct Call {
  Value callee;
  uint32_t arguments;
  uint32_t distance;  ///< 0 for a tail call
};

/// Follows values along code.
class Follower {
 public:
  Follower(const ProgramCode& program, const NativeTable& natives) : natives_(natives) {
    globals_.resize(program.global_count);
    is_set_.resize(program.global_count);
    for (const ProgramCode::ModuleCode& module : program.modules) {
      const Value value = follow(*module.body);
      set_global(module.global, value);
    }
    // A function comes after the one that makes it, so its captures are known.
    for (const Code& code : program.codes) {
      if (!calls_.contains(&code)) follow(code);
    }
  }

  const std::vector<Call>& calls_of(const Code& code) const { return calls_.at(&code); }

 private:
  /// The slots of which something is known.
  using State = std::map<uint32_t, Value>;

  Value made(Known known) { return &all_.emplace_back(std::move(known)); }

  void set_global(uint32_t global, Value value) {
    if (is_set_[global] && globals_[global] != value) value = nullptr;
    is_set_[global] = true;
    globals_[global] = value;
  }

  static Value in(const State& state, uint32_t slot) {
    const auto found = state.find(slot);
    return found == state.end() ? nullptr : found->second;
  }
  static void put(State& state, uint32_t slot, Value value) {
    if (value == nullptr) {
      state.erase(slot);
    } else {
      state[slot] = value;
    }
  }

  Value capture(const Code& code, uint32_t index) const {
    const auto found = captures_.find(&code);
    return found != captures_.end() && index < found->second.size() ? found->second[index] : nullptr;
  }

  /// Notes that control comes to the offset with the state.
  void reach(uint32_t offset, const std::shared_ptr<const State>& state) {
    std::shared_ptr<const State>& known = reached_[offset];
    if (known == nullptr) {
      known = state;
      return;
    }
    State both;
    for (const auto& [slot, value] : *known) {
      if (in(*state, slot) == value) both.emplace(slot, value);
    }
    known = std::make_shared<const State>(std::move(both));
  }

  Value follow(const Code& code);
  void note_call(const Code& code, const uint32_t* words, const State& state);
  void make_closure(const Code& code, const uint32_t* words, State& state);
  bool step(const Code& code, const uint32_t* words, State& state, Value& result);

  const NativeTable& natives_;
  std::deque<Known> all_;
  std::vector<Value> globals_;
  std::vector<bool> is_set_;
  std::unordered_map<const Code*, std::vector<Value>> captures_;
  std::unordered_map<const Code*, std::vector<Call>> calls_;
  std::map<uint32_t, std::shared_ptr<const State>> reached_;  ///< of the code that is followed
};

/// Follows one function from start to end; jumps lead forward. Returns what it returns, if that is known.
Value Follower::follow(const Code& code) {
  calls_[&code];
  reached_.clear();
  State state;
  bool runs = true;
  Value result = nullptr;
  for (uint32_t offset = 0; offset < code.words.size();) {
    const uint32_t* const words = code.words.data() + offset;
    if (const auto found = reached_.find(offset); found != reached_.end()) {
      if (runs) reach(offset, std::make_shared<const State>(std::move(state)));
      state = *found->second;
      reached_.erase(found);
      runs = true;
    }
    const uint32_t length = instruction_length(words);
    if (runs) {
      runs = step(code, words, state, result);
      if (!runs) {
        const auto shared = std::make_shared<const State>(std::move(state));
        for (const uint32_t jump : select_jumps(words)) reach(offset + jump, shared);
        if (static_cast<Op>(*words) == Op::kJump) reach(offset + words[1], shared);
        state = {};
      }
    }
    offset += length;
  }
  return result;
}

/// Notes a call, or that it makes a partial application.
void Follower::note_call(const Code& code, const uint32_t* words, const State& state) {
  const auto op = static_cast<Op>(*words);
  const std::string_view name = op_info(op).name;
  const bool is_global = name.find("global") != std::string_view::npos;
  Call call{.callee = is_global ? globals_[words[1]] : in(state, words[1]), .arguments = 0, .distance = 0};
  uint32_t last = 0;
  for_each_operand(words, [&](char letter, uint32_t at) {
    if (at > 1 && (letter == 'S' || letter == 'L')) ++call.arguments;
    if (letter == 'B') last = words[at];
  });
  call.distance = last;
  calls_[&code].push_back(call);
}

void Follower::make_closure(const Code& code, const uint32_t* words, State& state) {
  const Code* function = code.functions[words[2]];
  std::vector<Value> captured;
  for_each_operand(words, [&](char letter, uint32_t at) {
    if (letter != 'P') return;
    captured.push_back((words[at] & 1) != 0 ? capture(code, words[at] >> 1) : in(state, words[at] >> 1));
  });
  const auto [known, is_new] = captures_.try_emplace(function, captured);
  for (size_t i = 0; !is_new && i < captured.size(); ++i) {
    if (known->second[i] != captured[i]) known->second[i] = nullptr;
  }
  put(state, words[1], made({.kind = Known::Kind::kFunction, .code = function}));
}

/// Follows an instruction. Returns whether control comes to the next one.
bool Follower::step(const Code& code, const uint32_t* words, State& state, Value& result) {
  const auto op = static_cast<Op>(*words);
  if (std::string_view(op_info(op).effects).find('c') != std::string_view::npos && op != Op::kForeign) {
    note_call(code, words, state);
  }
  switch (op) {
    case Op::kMove: put(state, words[1], in(state, words[2])); return true;
    case Op::kCapture:
    case Op::kProjected: put(state, words[1], capture(code, words[2])); return true;
    case Op::kGlobal: put(state, words[1], globals_[words[2]]); return true;
    case Op::kSetGlobal: set_global(words[1], in(state, words[2])); return true;
    case Op::kStruct: {
      Known known{.kind = Known::Kind::kStruct};
      for (uint32_t i = 0; i < words[2]; ++i) known.fields.push_back(in(state, words[3 + i]));
      put(state, words[1], known.fields.size() == 1 ? known.fields[0] : made(std::move(known)));
      return true;
    }
    case Op::kField:
    case Op::kProject: put(state, words[1], field_of(in(state, words[2]), words[3], words[4])); return true;
    case Op::kCaptureField: put(state, words[1], field_of(capture(code, words[2]), words[3], words[4])); return true;
    case Op::kGlobalField: put(state, words[1], field_of(globals_[words[2]], words[3], words[4])); return true;
    case Op::kClosure: make_closure(code, words, state); return true;
    case Op::kFunction:
      put(state, words[1], made({.kind = Known::Kind::kFunction, .code = code.functions[words[2]]}));
      return true;
    case Op::kForeign: {
      const ForeignRef& ref = code.foreigns[words[2]];
      const NativeRow* row = natives_.find(ref.module, ref.name);
      const bool is_function = row != nullptr && row->arity != 0;
      put(state, words[1], is_function ? made({.kind = Known::Kind::kNative, .arity = row->arity}) : nullptr);
      return true;
    }
    case Op::kDeclare:
      for (uint32_t i = 0; i < words[1]; ++i) put(state, words[2] + i, made({.kind = Known::Kind::kPlaceholder}));
      return true;
    case Op::kDefine:
      for (uint32_t i = 0; i < words[1]; ++i) {
        const Value value = in(state, words[3 + i]);
        const Value placeholder = in(state, words[2] + i);
        if (placeholder != nullptr && placeholder->kind == Known::Kind::kPlaceholder && placeholder != value) {
          const_cast<Known*>(placeholder)->stands_for = value;
        }
        put(state, words[2] + i, value);
      }
      return true;
    case Op::kReturn: result = in(state, words[1]); return false;
    case Op::kJump:
    case Op::kSelect: return false;
    case Op::kSelectArg: put(state, words[1], nullptr); return false;
    default: break;
  }
  for_each_slot(words, [&](uint32_t slot, bool is_write) {
    if (is_write) put(state, slot, nullptr);
  });
  return !op_ends_activation(op);
}

/// The calls of known functions, and what they come to.
class Needs {
 public:
  Needs(const ProgramCode& program, const Follower& follower) {
    for (const Code& code : program.codes) {
      numbers_.emplace(&code, static_cast<uint32_t>(functions_.size()));
      functions_.push_back({.code = &code});
    }
    for (Function& function : functions_) {
      function.need.frame = function.need.words = function.code->frame_slots + kHeaderSlots;
      for (const Call& call : follower.calls_of(*function.code)) add(function, call);
    }
    for (uint32_t i = 0; i < functions_.size(); ++i) {
      if (functions_[i].order == 0) find_groups(i);
    }
  }

  std::unordered_map<const Code*, StackNeed> all() const {
    std::unordered_map<const Code*, StackNeed> needs;
    for (const Function& function : functions_) needs.emplace(function.code, function.need);
    return needs;
  }

 private:
  struct Edge {
    uint32_t callee;
    uint32_t distance;
  };
  struct Function {
    const Code* code;
    StackNeed need = {};
    std::vector<Edge> edges = {};
    // Of the search: the order in which functions are found, the first that one leads back to.
    uint32_t order = 0;
    uint32_t low = 0;
    bool is_open = false;
    uint32_t group = 0;  ///< the order of the first of its group; 0 while that is not known
  };

  void add(Function& function, const Call& call);
  void find_groups(uint32_t root);
  void compute(std::span<const uint32_t> group);

  std::vector<Function> functions_;
  std::unordered_map<const Code*, uint32_t> numbers_;
  std::vector<uint32_t> open_;
  uint32_t next_order_ = 1;
};

void Needs::add(Function& function, const Call& call) {
  StackNeed& need = function.need;
  const Value callee = resolved(call.callee);
  const bool is_native = callee != nullptr && callee->kind == Known::Kind::kNative;
  if (callee == nullptr || (!is_native && callee->kind != Known::Kind::kFunction)) {
    need.calls_unknown = true;
    return;
  }
  const uint32_t arity = is_native ? callee->arity : callee->code->arity;
  if (arity > call.arguments) return;  // makes a partial application
  uint32_t distance = call.distance;
  if (arity < call.arguments) {
    // A frame waits with the other arguments, below the callee's, for a function that is not known.
    const uint32_t rest = call.arguments - arity;
    need.calls_unknown = true;
    need.words = std::max<size_t>(need.words, kHeaderSlots + distance + 2 * rest + 2 + kHeaderSlots);
    distance += rest + 1 + kHeaderSlots;
  }
  if (is_native) {
    need.words = std::max<size_t>(need.words, kHeaderSlots + distance + arity + kHeaderSlots);
  } else if (const auto found = numbers_.find(callee->code); found != numbers_.end()) {
    function.edges.push_back({found->second, distance});
  } else {
    need.calls_unknown = true;
  }
}

/// Finds the groups of functions that call each other, callees first (Tarjan, "Depth-first search and linear graph
/// algorithms", 1972), without recursion.
void Needs::find_groups(uint32_t root) {
  struct Visit {
    uint32_t function;
    size_t edge;
  };
  std::vector<Visit> path;
  const auto enter = [&](uint32_t number) {
    Function& function = functions_[number];
    function.order = function.low = next_order_++;
    function.is_open = true;
    open_.push_back(number);
    path.push_back({number, 0});
  };
  enter(root);
  while (!path.empty()) {
    const auto [number, edge] = path.back();
    Function& function = functions_[number];
    if (edge < function.edges.size()) {
      ++path.back().edge;
      Function& callee = functions_[function.edges[edge].callee];
      if (callee.order == 0) {
        enter(function.edges[edge].callee);
      } else if (callee.is_open) {
        function.low = std::min(function.low, callee.order);
      }
      continue;
    }
    path.pop_back();
    if (!path.empty()) {
      Function& caller = functions_[path.back().function];
      caller.low = std::min(caller.low, function.low);
    }
    if (function.low != function.order) continue;
    const auto first = std::find(open_.begin(), open_.end(), number);
    const std::vector<uint32_t> group(first, open_.end());
    open_.erase(first, open_.end());
    for (const uint32_t member : group) {
      functions_[member].is_open = false;
      functions_[member].group = function.order;
    }
    compute(group);
  }
}

/// Computes what the functions of a group need. Requires: the callees outside of it are computed.
void Needs::compute(std::span<const uint32_t> group) {
  bool is_recursive = false;
  for (const uint32_t number : group) {
    Function& function = functions_[number];
    for (const Edge& edge : function.edges) {
      if (functions_[edge.callee].group == function.group) {
        is_recursive |= edge.distance != 0;
        continue;
      }
      const StackNeed& callee = functions_[edge.callee].need;
      function.need.words = std::max(function.need.words, edge.distance + callee.words);
      function.need.calls_unknown |= callee.calls_unknown;
      function.need.calls_recursive |= callee.is_recursive || callee.calls_recursive;
    }
  }
  if (is_recursive) {
    for (const uint32_t number : group) functions_[number].need.is_recursive = true;
  }
  if (group.size() == 1) return;
  // Each of them leads to all others, in the same place if there are tail calls only.
  StackNeed all;
  for (const uint32_t number : group) {
    const StackNeed& need = functions_[number].need;
    all.words = std::max(all.words, need.words);
    all.calls_unknown |= need.calls_unknown;
    all.calls_recursive |= need.calls_recursive;
  }
  for (const uint32_t number : group) {
    StackNeed& need = functions_[number].need;
    if (!is_recursive) need.words = all.words;
    need.calls_unknown = all.calls_unknown;
    need.calls_recursive = all.calls_recursive;
  }
}

}  // namespace

std::unordered_map<const Code*, StackNeed> stack_needs(const ProgramCode& program, const NativeTable& natives) {
  return Needs(program, Follower(program, natives)).all();
}

}  // namespace fble
