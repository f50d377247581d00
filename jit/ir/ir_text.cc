#include "jit/ir/ir_text.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <unordered_map>

namespace fble {

namespace {

constexpr const char* kKindNames[] = {"function", "bridge", "continuation"};
constexpr const char* kRegisterNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// ---- printing ---------------------------------------------------------------

class Printer {
 public:
  explicit Printer(const Trace& trace) : trace_(trace) {
    note(trace.code);
    for (const IrIns& ins : trace.ins) {
      note(ins.code);
      if (ins.op == IrOp::kConstant) note(function_of(ins.x));
    }
    for (const Snapshot& snapshot : trace.snapshots) {
      for (const SnapshotFrame& frame : snapshot.frames) note(frame.code);
    }
    for (const Assumption& assumption : trace.assumptions) note(assumption.facts.code);
  }

  std::string print() {
    for (size_t i = 0; i < codes_.size(); ++i) {
      line("code c{} {} arity {}", i, quoted(codes_[i]->block.str()), codes_[i]->arity);
    }
    line("trace {} {} {} extent {}", trace_.id, kKindNames[static_cast<size_t>(trace_.kind)], code(trace_.code),
         trace_.extent);
    if (trace_.kind != TraceKind::kFunction) line("parent {} exit {}", trace_.parent, trace_.parent_exit);
    if (trace_.kind == TraceKind::kContinuation) line("callee_base {}", trace_.callee_base);
    for (const Inherited& inherited : trace_.inherited) line("inherited {}", location(inherited.location));
    line("{{");
    for (size_t i = 0; i < trace_.ins.size(); ++i) {
      line("  {}", instruction(IrRef{static_cast<uint32_t>(i)}));
      for (const Assumption& assumption : trace_.assumptions) {
        if (index_of(assumption.ref) != i) continue;
        line("  assume {} {}", ref(assumption.ref), facts(assumption.facts));
      }
    }
    line("}}");
    for (size_t i = 0; i < trace_.snapshots.size(); ++i) snapshot(i);
    return std::move(text_);
  }

  std::string instruction(IrRef at) const {
    const IrIns& ins = trace_.at(at);
    const IrOpInfo& info = ir_op_info(ins.op);
    std::string text;
    if (ir_has_result(ins.op)) text = ref(at) + " = ";
    text += info.name;
    for (const char* operand = info.operands; *operand != 0; ++operand) {
      text += ' ';
      switch (*operand) {
        case 'A': text += ref(ins.a); break;
        case 'B': text += ref(ins.b); break;
        case 'N': text += fmt::format("{}", ins.n); break;
        case 'M': text += fmt::format("{}", ins.m); break;
        case 'X': text += ins.op == IrOp::kConstant ? constant(ins.x) : fmt::format("{:#x}", ins.x); break;
        case 'C': text += code(ins.code); break;
        case 'L':
          text += '(';
          for (size_t i = 0; i < ins.list.size(); ++i) text += (i == 0 ? "" : " ") + ref(ins.list[i]);
          text += ')';
          break;
        default: FBLE_BUG("unknown letter in ir_ops.def");
      }
    }
    if (ins.recursive) text += " recursive";
    if (ins.sunk) text += " sunk";
    if (ins.fits) text += " fits";
    if (ins.snapshot != kNoSnapshot) text += fmt::format(" @s{}", ins.snapshot);
    if (ins.pc != nullptr) {
      for (const Code* candidate : codes_) {
        const auto& words = candidate->words;
        if (words.empty() || ins.pc < words.data() || ins.pc >= words.data() + words.size()) continue;
        text += " at " + position(candidate, ins.pc);
        break;
      }
    }
    return text;
  }

  std::string facts(const Facts& facts) const {
    std::string text;
    auto word = [&](std::string_view part) {
      if (!text.empty()) text += ' ';
      text += part;
    };
    if (facts.packed) word("packed");
    if (facts.pointer) word("pointer");
    if (facts.natural) word("natural");
    if (facts.not_packed) word("not_packed");
    if (facts.header >= 0) word(fmt::format("header {}", facts.header));
    if (facts.code != nullptr) word("code " + code(facts.code));
    if (facts.arity >= 0) word(fmt::format("arity {}", facts.arity));
    if (facts.tag >= 0) word(fmt::format("tag {}", facts.tag));
    if (facts.not_tags != 0) word(fmt::format("not_tags {:#x}", facts.not_tags));
    if (facts.bits != kMaxPackedBits) word(fmt::format("bits {}", facts.bits));
    return text;
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  /// The code whose permanent function value the word is, or null.
  static const Code* function_of(Word word) {
    if (word == 0 || !is_pointer(word)) return nullptr;
    const Object* object = as_object(word);
    if (!object->is_permanent() || object->kind() != ObjectKind::kClosure) return nullptr;
    const Code* code = closure_code(object);
    return code->function_value() == word ? code : nullptr;
  }

  void note(const Code* code) {
    if (code == nullptr || !numbers_.try_emplace(code, codes_.size()).second) return;
    codes_.push_back(code);
  }

  std::string ref(IrRef ref) const { return ref == kNoRef ? "-" : fmt::format("%{}", index_of(ref)); }
  std::string code(const Code* code) const {
    if (code == nullptr) return "-";
    const auto found = numbers_.find(code);
    return found == numbers_.end() ? "c?" : fmt::format("c{}", found->second);
  }
  std::string constant(Word word) const {
    const Code* function = function_of(word);
    return function != nullptr ? "&" + code(function) : fmt::format("{:#x}", word);
  }
  std::string position(const Code* of, const uint32_t* pc) const {
    return pc == nullptr || of == nullptr ? code(of) : fmt::format("{}+{}", code(of), pc - of->words.data());
  }

  static std::string location(const Location& location) {
    switch (location.kind) {
      case LocationKind::kNone: return "none";
      case LocationKind::kRegister: return fmt::format("register {}", kRegisterNames[location.index & 15]);
      case LocationKind::kSpill: return fmt::format("spill {}", location.index);
      case LocationKind::kConstant: return fmt::format("constant {:#x}", location.word);
      case LocationKind::kVirtual: return fmt::format("virtual {}", location.index);
      case LocationKind::kSlot: return fmt::format("slot {}", location.index);
    }
    FBLE_BUG("unknown kind of location");
  }

  void snapshot(size_t index) {
    const Snapshot& snapshot = trace_.snapshots[index];
    line("snapshot s{}", index);
    for (const SnapshotFrame& frame : snapshot.frames) {
      line("  frame {} base {}{}", position(frame.code, frame.pc), frame.base,
           frame.in_memory ? " memory" : " closure " + ref(frame.closure));
    }
    for (const SnapshotSlot& slot : snapshot.slots) {
      line("  slot {} {}{}{}{}", slot.slot, ref(slot.ref), (slot.facts & kFactPacked) != 0 ? " packed" : "",
           (slot.facts & kFactPointer) != 0 ? " pointer" : "", (slot.facts & kFactNatural) != 0 ? " natural" : "");
    }
  }

  const Trace& trace_;
  std::vector<const Code*> codes_;
  std::unordered_map<const Code*, size_t> numbers_;
  std::string text_;
};

}  // namespace

std::string to_text(const Trace& trace) { return Printer(trace).print(); }
std::string to_text(const Trace& trace, IrRef ref) { return Printer(trace).instruction(ref); }
std::string to_text(const Facts& facts) {
  const Trace none;
  return Printer(none).facts(facts);
}

}  // namespace fble
