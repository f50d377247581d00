// V1: OS threads as carriers of a virtual thread each. The virtual thread has chunks; the carrier has the least stack
// that the system permits, which is used again once its OS thread has ended.
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "tests/vale/chunk.h"
#include "tests/vale/os_threads.h"
#include "tests/vale/switch.h"

namespace vale {
namespace {

class Carriers : public OsThreads {
 public:
  explicit Carriers(const Limits& limits)
      : OsThreads(limits), stack_bytes_(static_cast<size_t>(sysconf(_SC_THREAD_STACK_MIN))) {}

 protected:
  bool start_thread(Work& work) override {
    Carrier* carrier = take();
    if (carrier == nullptr) return false;
    carrier->work = &work;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, carrier->stack, stack_bytes_);
    const bool started = pthread_create(&carrier->thread, &attributes, run_carrier, carrier) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) keep(free_, carrier);
    return started;
  }

  Tally search_here(Node& node, Context& context) override {
    VirtualThread thread{};
    thread.chunk = take_chunk(0, *node.kind->need);
    prepare(thread, &node, &context, reinterpret_cast<void*>(node.kind->search[0]));
    while (true) {
      vale_resume(thread);
      if (thread.stack_pointer == nullptr) break;
      perform(*thread.operation);
    }
    release_chunk(0, thread.chunk);
    return {.hits = thread.result[0], .files = thread.result[1]};
  }

 private:
  struct Carrier {
    Carriers& all;
    char* stack;
    Work* work = nullptr;
    pthread_t thread{};
  };

  /// Stacks are mapped together: the system permits few mappings.
  static constexpr size_t kAtOnce = 64;

  static void* run_carrier(void* pointer) {
    auto* carrier = static_cast<Carrier*>(pointer);
    work_on(carrier->work);
    free_all_chunks();
    carrier->all.keep(carrier->all.ended_, carrier);
    return nullptr;
  }

  /// Waits for the end of an OS thread that is about to end.
  static Carrier* join(Carrier* carrier) {
    pthread_join(carrier->thread, nullptr);
    return carrier;
  }

  void keep(std::vector<Carrier*>& list, Carrier* carrier) {
    const std::scoped_lock lock(mutex_);
    list.push_back(carrier);
  }

  /// A carrier whose stack is not in use. Null if there is no memory.
  Carrier* take() {
    std::unique_lock lock(mutex_);
    if (free_.empty() && ended_.empty()) map_stacks();
    if (!free_.empty()) return pop(free_);
    if (ended_.empty()) return nullptr;
    Carrier* carrier = pop(ended_);
    lock.unlock();
    return join(carrier);
  }

  static Carrier* pop(std::vector<Carrier*>& list) {
    Carrier* last = list.back();
    list.pop_back();
    return last;
  }

  void map_stacks() {
    void* mapped = mmap(nullptr, stack_bytes_ * kAtOnce, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapped == MAP_FAILED) return;
    for (size_t i = 0; i < kAtOnce; ++i)
      free_.push_back(new Carrier{*this, static_cast<char*>(mapped) + i * stack_bytes_});
  }

  const size_t stack_bytes_;
  std::mutex mutex_;             ///< guards what is below
  std::vector<Carrier*> free_;   ///< no OS thread uses their stacks
  std::vector<Carrier*> ended_;  ///< their OS threads have nothing left to do
};

}  // namespace

Runtime& make_carriers(const Limits& limits) { return *new Carriers(limits); }

}  // namespace vale
