// Linking: an exit that has a bridge jumps there instead of to its stub. The jumps
// are recorded when they are assembled; code is never searched for them.
#include "jit/x64/assemble.h"

namespace fble {

namespace {

void redirect(CodeCache& cache, const ExitSite& exit, const uint8_t* target) {
  for (const uint8_t* jump : exit.jumps) cache.patch32(jump, static_cast<int32_t>(target - (jump + 4)));
}

}  // namespace

void link_exit(CodeCache& cache, const ExitSite& exit, const uint8_t* target) { redirect(cache, exit, target); }
void unlink_exit(CodeCache& cache, const ExitSite& exit) { redirect(cache, exit, exit.stub); }

}  // namespace fble
