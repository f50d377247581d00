// Machine code that all traces of a code cache share, at its beginning.
#pragma once

#include "jit/x64/assemble.h"

namespace fble::x64 {

/// The places of the stubs in the cache, as distances from its first byte.
inline constexpr uint32_t kExitCommon = 0;
inline constexpr uint32_t kFoldHelper = 256;
inline constexpr uint32_t kEnterTrace = 384;
inline constexpr uint32_t kNoteEntry = 448;
inline constexpr uint32_t kNativeHelper = 576;
inline constexpr uint32_t kForceCommon = 704;
inline constexpr uint32_t kStubBytes = 960;

/// Installs the stubs if the cache is empty. Returns false if that fails.
bool ensure_stubs(CodeCache& cache, const RuntimeEntries& runtime);

/// Returns the cache's first byte.
const uint8_t* stubs_of(const CodeCache& cache);

}  // namespace fble::x64
