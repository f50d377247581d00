// A test that runs programs of one module, interpreted or compiled.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "frontends/fble/lower.h"
#include "interp/machine.h"
#include "jit/engine/trace_engine.h"
#include "tests/support/checked_source.h"

namespace fble {

class CompiledSourceTest : public testing::Test {
 protected:
  /// Makes a machine for the module /P%, and an engine if there are options.
  void start(const std::string& text, const JitOptions* options) {
    engine_ = nullptr;
    machine_ = nullptr;
    source_ = std::make_unique<SourceProgram>();
    program_ = lower_program(*source_->add("/P%", text).check());
    machine_ = std::make_unique<Machine>(*program_, natives_, MachineOptions{});
    if (options != nullptr) engine_ = std::make_unique<TraceEngine>(machine_->carrier(), *options);
  }
  const Code* code(const std::string& name) const {
    for (const Code& each : program_->codes) {
      if (each.block.str() == name) return &each;
    }
    return nullptr;
  }

  std::unique_ptr<SourceProgram> source_;
  NativeTable natives_;
  std::unique_ptr<ProgramCode> program_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<TraceEngine> engine_;
};

}  // namespace fble
