// V2: virtual threads of one carrier.
#include "tests/vale/chunk.h"
#include "tests/vale/cooperative.h"
#include "tests/vale/switch.h"

namespace vale {
namespace {

/// A virtual thread, and where its result goes.
struct SearchThread : VirtualThread {
  Join* join;
};

class VirtualThreads : public Cooperative {
 public:
  using Cooperative::Cooperative;

 protected:
  void* make(Node& node, Context& context, Join& join) override {
    auto* thread = new SearchThread{};
    thread->chunk = take_chunk(0, *node.kind->need);
    thread->join = &join;
    prepare(*thread, &node, &context, reinterpret_cast<void*>(node.kind->search[0]));
    return thread;
  }

  void resume(void* waiter) override {
    auto* thread = static_cast<SearchThread*>(waiter);
    vale_resume(*thread);
    if (thread->stack_pointer != nullptr) {
      thread->operation->waiter = thread;
      start(*thread->operation);
      return;
    }
    end(*thread->join, {.hits = thread->result[0], .files = thread->result[1]});
    release_chunk(0, thread->chunk);
    delete thread;
  }
};

}  // namespace

Runtime& make_virtual_threads(const Limits& limits) { return *new VirtualThreads(limits); }

}  // namespace vale
