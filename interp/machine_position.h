// Places in machine code as places in bytecode: what tools that look from outside ask for.
//
// The compiler answers; jit/x64/code_map.h says how.
#pragma once

#include <cstdint>

#include "gc/value.h"

namespace fble {

struct Code;

inline constexpr uint32_t kNoSite = 0xffffffff;

/// An activation that a trace goes through. A call that is inlined has a site of its own below its caller's; so has the
/// function that an inlined tail call enters, below the caller of the function that it replaces.
struct InlineSite {
  const Code* code = nullptr;
  const uint32_t* return_position = nullptr;  ///< in the caller's code, after the call; null for the root frame
  uint32_t parent = kNoSite;                  ///< the caller's, among the sites of the same trace; less than its own
};

/// A place in machine code. Machine code keeps the root frame's header in memory; its frames, the root frame included,
/// are those of the sites.
struct MachinePosition {
  const InlineSite* sites = nullptr;  ///< of the trace
  uint32_t site = kNoSite;            ///< of the innermost activation; kNoSite: not known, as in code that traces share
  const uint32_t* pc = nullptr;       ///< its position
  uint32_t trace = 0;                 ///< number of the trace; counts only with a site
  int32_t fp_slots = 0;               ///< the slots that the register for fp is above the root frame
  const Code* native = nullptr;       ///< that is called there, or null
  bool is_return_address = false;     ///< a call returns there
};

/// The machine code that there is. Both questions may be asked in a signal handler.
class MachinePositions {
 public:
  virtual ~MachinePositions() = default;

  /// Returns whether the address is in the memory for machine code.
  virtual bool is_machine_code(const void* address) const = 0;
  /// Finds the place of machine code, if the compiler has been asked to remember. To be asked only where machine code,
  /// or C++ that it has called, is interrupted: no trace comes or goes meanwhile.
  virtual bool find_position(const void* address, MachinePosition& position) const = 0;
};

}  // namespace fble
