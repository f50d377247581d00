// Zydis is loaded when the first listing is requested: few runs request one, and
// loading takes time and memory.
//
// Tested by tests/unit/jit/x64.
#include <Zydis/Zydis.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include "jit/ir/ir_text.h"
#include "jit/x64/assemble.h"

namespace fble {

namespace {

struct Zydis {
  decltype(&ZydisDecoderInit) init_decoder = nullptr;
  decltype(&ZydisFormatterInit) init_formatter = nullptr;
  decltype(&ZydisDecoderDecodeFull) decode = nullptr;
  decltype(&ZydisFormatterFormatInstruction) format = nullptr;
  std::string problem;  ///< why there is no listing

  Zydis() {
    void* library = nullptr;
    for (const char* name : {"libZydis.so.4.0", "libZydis.so.4", "libZydis.so"}) {
      if (library == nullptr) library = dlopen(name, RTLD_NOW);
    }
    const bool found = library != nullptr && find(library, init_decoder, "ZydisDecoderInit") &&
                       find(library, init_formatter, "ZydisFormatterInit") &&
                       find(library, decode, "ZydisDecoderDecodeFull") &&
                       find(library, format, "ZydisFormatterFormatInstruction");
    if (!found) problem = dlerror();
  }

 private:
  template <typename Function>
  static bool find(void* library, Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
  }
};

}  // namespace

std::string disassemble(const uint8_t* start, size_t bytes, const Trace* trace,
                        const std::vector<CodeOrigin>& origins) {
  static const Zydis zydis;
  if (!zydis.problem.empty()) return fmt::format("; no listing without Zydis: {}\n", zydis.problem);
  std::string text;
  ZydisDecoder decoder;
  ZydisFormatter formatter;
  zydis.init_decoder(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  zydis.init_formatter(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  size_t next_origin = 0;
  for (size_t offset = 0; offset < bytes;) {
    for (; next_origin < origins.size() && origins[next_origin].offset <= offset; ++next_origin) {
      const uint32_t ins = origins[next_origin].ins;
      if (trace == nullptr) continue;
      text += ins < trace->ins.size() ? fmt::format("; {}\n", to_text(*trace, IrRef{ins})) : "; exits\n";
    }
    const auto address = reinterpret_cast<uintptr_t>(start + offset);
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char line[128];
    if (ZYAN_SUCCESS(zydis.decode(&decoder, start + offset, bytes - offset, &instruction, operands)) &&
        ZYAN_SUCCESS(zydis.format(&formatter, &instruction, operands, instruction.operand_count_visible, line,
                                  sizeof line, address, ZYAN_NULL))) {
      text += fmt::format("  {:x}  {}\n", address, line);
      offset += instruction.length;
    } else {
      text += fmt::format("  {:x}  db 0x{:02x}\n", address, start[offset]);
      ++offset;
    }
  }
  return text;
}

}  // namespace fble
