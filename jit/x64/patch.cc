// Linking: an exit that has a bridge jumps there instead of to its stub. The jumps
// are recorded when they are assembled; code is never searched for them.
//
// A call whose return has a continuation also writes its address into frames from
// now on. Frames that exist come by the return stub, which jumps there.
#include "jit/x64/assemble.h"

namespace fble {

namespace {

void redirect(CodeCache& cache, const uint8_t* jump, const uint8_t* target) {
  cache.patch32(jump, static_cast<int32_t>(target - (jump + 4)));
}

/// `address`: what calls write as native return address.
void redirect(CodeCache& cache, const ExitSite& exit, const uint8_t* target, const uint8_t* address) {
  if (exit.is_return) {
    redirect(cache, exit.jumps[0], target);
    for (size_t i = 1; i < exit.jumps.size(); ++i) {
      cache.patch32(exit.jumps[i], static_cast<int32_t>(reinterpret_cast<uintptr_t>(address)));
    }
  } else {
    for (const uint8_t* jump : exit.jumps) redirect(cache, jump, target);
  }
}

}  // namespace

void link_exit(CodeCache& cache, const ExitSite& exit, const uint8_t* target) { redirect(cache, exit, target, target); }

void unlink_exit(CodeCache& cache, const ExitSite& exit) {
  // The return stub is one jump.
  const uint8_t* return_stub = exit.jumps.empty() ? nullptr : exit.jumps[0] - 1;
  redirect(cache, exit, exit.stub, return_stub);
}

}  // namespace fble
