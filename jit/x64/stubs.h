// Machine code that all traces of a code cache share, at its beginning.
#pragma once

#include "jit/x64/assemble.h"

namespace fble::x64 {

/// The places of the stubs in the cache, as distances from its first byte.
inline constexpr uint32_t kExitCommon = 0;
inline constexpr uint32_t kFoldHelper = 320;
inline constexpr uint32_t kEnterTrace = 448;
inline constexpr uint32_t kNoteEntry = 512;
inline constexpr uint32_t kNativeHelper = 640;
inline constexpr uint32_t kForceCommon = 768;
inline constexpr uint32_t kStubBytes = 1088;

/// Installs the stubs if the cache is empty. Returns false if that fails.
bool ensure_stubs(CodeCache& cache, const RuntimeEntries& runtime);

/// Returns the cache's first byte.
const uint8_t* stubs_of(const CodeCache& cache);

}  // namespace fble::x64
