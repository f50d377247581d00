#include "interp/profile.h"

#include "interp/call_frame.h"

namespace fble {

namespace {

/// A call as its instruction describes it.
struct CallView {
  bool is_tail;
  Word func;
  uint32_t count;
  uint32_t base;  ///< distance to the callee's frame; not for tail calls
};

bool view_call(const Word* globals, const uint32_t* pc, const Word* fp, CallView& view) {
  const uint32_t op = *pc;
  auto distance = [&](Op list_form) { return op - static_cast<uint32_t>(list_form); };
  uint32_t fixed = 0;
  bool is_global = false;
  view.is_tail = false;
  if ((fixed = distance(Op::kCall)) <= 3) {
  } else if ((fixed = distance(Op::kCallGlobal)) <= 3) {
    is_global = true;
  } else if ((fixed = distance(Op::kTailCall)) <= 3) {
    view.is_tail = true;
  } else if ((fixed = distance(Op::kTailCallGlobal)) <= 3) {
    view.is_tail = is_global = true;
  } else {
    return false;
  }
  view.func = is_global ? globals[pc[1]] : fp[pc[1]];
  view.count = fixed == 0 ? pc[2] : fixed;
  view.base = view.is_tail ? 0 : pc[(fixed == 0 ? 3 : 2) + view.count + 1];
  return true;
}

}  // namespace

Profile::Profile(const ProgramCode& program) {
  blocks_.push_back({"[root]", Loc{Symbol("???"), 0, 0}});
  blocks_.push_back({"<main>", Loc{Symbol("???"), 0, 0}});
  for (const Code& code : program.codes) {
    block_ids_.emplace(&code, static_cast<uint32_t>(blocks_.size()));
    blocks_.push_back({code.block.str(), code.loc});
  }
  root_ = &nodes_.emplace_back(Node{.block = 0, .parent = nullptr, .depth = 0});
}

uint32_t Profile::block_of(const Code& code) {
  auto [entry, inserted] = block_ids_.try_emplace(&code, static_cast<uint32_t>(blocks_.size()));
  if (inserted) blocks_.push_back({code.block.str(), code.loc});
  return entry->second;
}

Profile::Node* Profile::enter(Node* caller, uint32_t block) {
  Node*& child = caller->children[block];
  if (child == nullptr) {
    // If the path would end in the same blocks twice, it returns to the first time.
    for (Node* earlier = caller; earlier != nullptr && child == nullptr; earlier = earlier->parent) {
      if (earlier->block != block) continue;
      uint32_t length = caller->depth - earlier->depth;
      if (length > earlier->depth) break;
      const Node* late = caller;
      const Node* early = earlier->parent;
      while (length > 0 && late->block == early->block) {
        late = late->parent;
        early = early->parent;
        --length;
      }
      if (length == 0) child = earlier;
    }
  }
  if (child == nullptr) {
    child = &nodes_.emplace_back(Node{.block = block, .parent = caller, .depth = caller->depth + 1});
  }
  ++child->calls;
  return child;
}

void Profile::begin_run() {
  stacks_.clear();
  stacks_[0] = {{0, root_}};
  select_thread(0);
}

void Profile::start_thread(uint32_t starter, uint32_t thread) {
  Node* node = stacks_[starter].back().node;
  // A rehash moves no element, so stack_ stays what it is.
  stacks_[thread] = {{0, node}};
}

void Profile::step(const Word* globals, const uint32_t* pc, const Word* fp, size_t slot) {
  std::vector<Entry>& stack = *stack_;
  while (stack.back().slot > slot) stack.pop_back();
  Node* node = stack.back().node;
  const Code& running = code_of_frame(fp);
  if (!running.is_glue) ++node->samples;

  CallView call;
  if (!view_call(globals, pc, fp, call) || !is_pointer(call.func)) return;
  const Object* func = as_object(call.func);
  const uint32_t arity = closure_code(func)->arity;
  if (arity > call.count) return;  // makes a partial application
  while (static_cast<Op>(closure_code(func)->words[0]) == Op::kApplyHeld) func = as_object(func->fields[1]);
  const Code& callee = *closure_code(func);
  if (callee.is_glue) return;

  const size_t frame = slot + call.base;
  Node* entered = enter(node, block_of(callee));
  if (callee.native != nullptr) ++entered->samples;  // natives have no instructions to step through
  if (arity < call.count) {
    // The frame waits with the remaining arguments; the callee's is above it.
    stack.push_back({frame + (call.count - arity) + 1 + kHeaderSlots, entered});
  } else if (stack.back().slot == frame) {
    stack.back().node = entered;
  } else {
    stack.push_back({frame, entered});
  }
}

}  // namespace fble
