#include "interp/detached_thread.h"

#include <pthread.h>

#include <memory>
#include <utility>

#include "gc/without_signals.h"

namespace fble {

bool start_detached_thread(size_t stack_bytes, std::function<void()> body) {
  using Body = std::function<void()>;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  auto owned = std::make_unique<Body>(std::move(body));
  const auto run = [](void* argument) -> void* {
    const std::unique_ptr<Body> own(static_cast<Body*>(argument));
    (*own)();
    return nullptr;
  };
  bool is_started = false;
  {
    const WithoutSignals without;
    pthread_t thread;
    is_started = pthread_create(&thread, &attributes, run, owned.get()) == 0;
  }
  pthread_attr_destroy(&attributes);
  if (is_started) static_cast<void>(owned.release());
  return is_started;
}

}  // namespace fble
