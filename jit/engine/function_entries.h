// The targets of calls: the interpreter, which counts them, or machine code.
//
// Functions and partial applications have one for calls of the interpreter (Code::entry) and one for those of machine
// code (Code::native_entry). Natives have only the latter: the interpreter needs no machine code to run them.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc.
#pragma once

#include <vector>

#include "interp/code.h"
#include "jit/engine/options.h"

namespace fble {

class FunctionEntries {
 public:
  explicit FunctionEntries(const JitOptions& options) : options_(options) {}
  /// Redirects all calls to the interpreter, without counting.
  ~FunctionEntries();
  FunctionEntries(const FunctionEntries&) = delete;
  FunctionEntries& operator=(const FunctionEntries&) = delete;

  /// Counts calls of the code from now on; gives it its Code::engine_index.
  void adopt(Code& code);
  /// Starts the count of calls anew.
  void count_anew(Code& code) const;
  /// Lets calls enter the machine code: those of the interpreter by the door, those of machine code at its start.
  void install(Code& code, const uint8_t* door, const uint8_t* start);
  /// Lets calls be counted, as before there was machine code.
  void forget(Code& code);
  void forget_all();
  /// Counts longer after each failed recording, and leaves the function to the interpreter after some.
  void back_off(Code& code);

  /// Returns all code that was adopted, in order.
  const std::vector<Code*>& codes() const { return codes_; }

 private:
  void count_calls(Code& code) const;

  struct Entry {
    bool is_machine_code = false;
    uint32_t failures = 0;
  };

  const JitOptions& options_;
  std::vector<Code*> codes_;
  std::vector<Entry> entries_;  ///< of the codes
};

}  // namespace fble
