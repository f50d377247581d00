// T: OS threads that run searches as they are.
#include <pthread.h>

#include "tests/vale/os_threads.h"

namespace vale {
namespace {

class BlockingThreads : public OsThreads {
 public:
  explicit BlockingThreads(const Limits& limits) : OsThreads(limits) {
    pthread_attr_init(&attributes_);
    pthread_attr_setdetachstate(&attributes_, PTHREAD_CREATE_DETACHED);
    if (limits.stack != 0) pthread_attr_setstacksize(&attributes_, limits.stack);
  }

 protected:
  bool start_thread(Work& work) override {
    pthread_t thread{};
    return pthread_create(&thread, &attributes_, work_on, &work) == 0;
  }
  Tally search_here(Node& node, Context& context) override { return search(0, node, context); }

 private:
  pthread_attr_t attributes_;
};

}  // namespace

Runtime& make_os_threads(const Limits& limits) { return *new BlockingThreads(limits); }

}  // namespace vale
