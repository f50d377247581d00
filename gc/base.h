// Words and assertions. Every folder may use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace fble {

/// A machine word; gc/value.h explains how it holds a Fble value.
using Word = uint64_t;

/// Reports a broken internal invariant (never a user's mistake) and aborts.
[[noreturn]] void bug(const char* file, int line, const char* what);

#define FBLE_BUG(what) ::fble::bug(__FILE__, __LINE__, what)

#ifndef NDEBUG
#define FBLE_ASSERT(condition) ((condition) ? static_cast<void>(0) : ::fble::bug(__FILE__, __LINE__, #condition))
#else
#define FBLE_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#endif

}  // namespace fble
