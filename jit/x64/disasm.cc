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

namespace {

const Zydis& zydis() {
  static const Zydis library;
  return library;
}

/// Returns the target of a jump or call to a fixed address, or null.
const uint8_t* target_of(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand& operand,
                         const uint8_t* next) {
  const bool is_fixed = instruction.operand_count_visible != 0 && operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
                        operand.imm.is_relative != 0;
  return is_fixed ? next + operand.imm.value.s : nullptr;
}

}  // namespace

std::vector<MachineRow> list_machine_code(const uint8_t* start, size_t bytes) {
  const Zydis& z = zydis();
  if (!z.problem.empty()) {
    return {{0, static_cast<uint32_t>(bytes), fmt::format("no listing without Zydis: {}", z.problem)}};
  }
  ZydisDecoder decoder;
  ZydisFormatter formatter;
  z.init_decoder(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  z.init_formatter(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  std::vector<MachineRow> rows;
  for (uint32_t offset = 0; offset < bytes; offset += rows.back().bytes) {
    const uint8_t* at = start + offset;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char line[128];
    if (ZYAN_SUCCESS(z.decode(&decoder, at, bytes - offset, &instruction, operands)) &&
        ZYAN_SUCCESS(z.format(&formatter, &instruction, operands, instruction.operand_count_visible, line, sizeof line,
                              reinterpret_cast<uintptr_t>(at), ZYAN_NULL))) {
      rows.push_back({offset, instruction.length, line, target_of(instruction, operands[0], at + instruction.length)});
    } else {
      rows.push_back({offset, 1, fmt::format("db 0x{:02x}", *at)});
    }
  }
  return rows;
}

std::string disassemble(const uint8_t* start, size_t bytes, const Trace* trace,
                        const std::vector<CodeOrigin>& origins) {
  if (!zydis().problem.empty()) return fmt::format("; no listing without Zydis: {}\n", zydis().problem);
  std::string text;
  size_t next_origin = 0;
  for (const MachineRow& row : list_machine_code(start, bytes)) {
    for (; next_origin < origins.size() && origins[next_origin].offset <= row.offset; ++next_origin) {
      const uint32_t ins = origins[next_origin].ins;
      if (trace == nullptr) continue;
      text += ins < trace->ins.size() ? fmt::format("; {}\n", to_text(*trace, IrRef{ins})) : "; exits\n";
    }
    text += fmt::format("  {:x}  {}\n", reinterpret_cast<uintptr_t>(start + row.offset), row.text);
  }
  return text;
}

}  // namespace fble
