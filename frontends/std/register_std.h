// The lists of all natives. Each file of native/ defines one of them.
// Tested by tests/unit/frontends/std/natives_test.cc.
#pragma once

#include <span>

#include "interp/foreign.h"

namespace fble {

std::span<const NativeRow> channel_natives();    ///< /Std/Io/Thread%: channels
std::span<const NativeRow> clock_natives();      ///< /Std/Io/Clock%
std::span<const NativeRow> debug_natives();      ///< /Std/Stream/Debug%
std::span<const NativeRow> directory_natives();  ///< /Std/Io/Directory%
std::span<const NativeRow> env_natives();        ///< /Std/Io/Env%
std::span<const NativeRow> event_natives();      ///< /Std/Io/Thread%: events
std::span<const NativeRow> file_natives();       ///< /Std/Io/File/Binary%
std::span<const NativeRow> int_natives();        ///< /Std/Int%, /Std/Char% and below
std::span<const NativeRow> io_natives();         ///< /Std/Io/File%
std::span<const NativeRow> list_natives();       ///< /Std/List%, /Std/Stream/List%, /Std/Char/Ascii%, /Std/String/...
std::span<const NativeRow> map_natives();        ///< /Std/Map%, /Std/Data/Bits%
std::span<const NativeRow> socket_natives();     ///< /Network/Sockets/Native%
std::span<const NativeRow> thread_natives();     ///< /Std/Io/Thread%: all else
std::span<const NativeRow> spec_natives();       ///< /SpecTests/'10.1-ForeignValue'/...

/// Adds the natives that programs can use.
void register_std(NativeTable& natives);

/// Adds the natives that the tests of the language specification declare (its chapter 10.1).
void register_spec_tests(NativeTable& natives);

}  // namespace fble
