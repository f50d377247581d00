// Machine code that all traces of a code cache share, at its beginning.
#pragma once

#include "jit/x64/assemble.h"

namespace fble::x64 {

/// Places in the cache, as distances from its first byte.
inline constexpr uint32_t kExitCommon = 0;
inline constexpr uint32_t kFoldHelper = 256;
inline constexpr uint32_t kEnterTrace = 384;
inline constexpr uint32_t kNoteEntry = 448;
inline constexpr uint32_t kNativeHelper = 576;
inline constexpr uint32_t kForceCommon = 704;
inline constexpr uint32_t kStubBytes = 960;

/// Puts the stubs there if the cache is empty. False if that fails.
bool ensure_stubs(CodeCache& cache, const RuntimeEntries& runtime);

/// The cache's first byte.
const uint8_t* stubs_of(const CodeCache& cache);

}  // namespace fble::x64
