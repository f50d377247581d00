#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include "jit/ir/ir_text.h"
#include "jit/x64/assemble.h"

namespace fble {

std::string disassemble(const uint8_t* start, size_t bytes, const Trace* trace,
                        const std::vector<CodeOrigin>& origins) {
  std::string text;
  ZydisDecoder decoder;
  ZydisFormatter formatter;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
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
    if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, start + offset, bytes - offset, &instruction, operands)) &&
        ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                                     instruction.operand_count_visible, line, sizeof line, address,
                                                     ZYAN_NULL))) {
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
