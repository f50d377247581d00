// A: coroutines.
#include <coroutine>

#include "tests/vale/cooperative.h"

namespace vale {
namespace {

/// A coroutine that belongs to nothing: it begins when it is resumed, and frees itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  std::coroutine_handle<promise_type> handle;
};

class Coroutines : public Cooperative {
 public:
  using Cooperative::Cooperative;

 protected:
  void* make(Node& node, Context& context, Join& join) override { return begin(node, context, join).handle.address(); }
  void resume(void* waiter) override { std::coroutine_handle<>::from_address(waiter).resume(); }

 private:
  Detached begin(Node& node, Context& context, Join& join) {
    end(join, co_await node.kind->search_task(node, context));
  }
};

}  // namespace

Runtime& make_coroutines(const Limits& limits) { return *new Coroutines(limits); }

}  // namespace vale
