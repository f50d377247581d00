// Side table: the data that the interpreter needs to continue where machine code was left.
//
// A trace has an exit every few instructions, and most are never taken. So an exit
// is a few bytes, written once, and decoding need only be fast enough that an exit
// costs less than a microsecond. Four observations keep it small:
//
//  * The bytecode determines which slots are live at a position
//    (interp/liveness.cc). The table stores *where* values are; their slots, and
//    the places of the frames, follow from the positions.
//  * Neighbouring exits differ little: a guard adds a fact about one slot, an
//    instruction gives one slot a value. An entry encodes the changes.
//  * The place and the facts of a value take one byte, nearly always.
//  * Traces are short, about four exits: a table is its entries, most of the time. Their number,
//    and the code that groups start from, are known where the table is.
//
//   table      sizes      of each group but the last, in bytes
//              groups     of kExitsPerGroup entries; a group starts from one frame, at the
//                         start of the code, without facts
//
//   entry      7        6         5    4   3    0
//              [marked][changed?][ frames ][ n  ]
//
//     marked    of the table's last entry: the exit is the return stub of a call. Of others: the next
//               exit is the same and has no entry, as where two guards check for one instruction
//
//     frames 0  the same; the position of the innermost is n words further
//            1  one more: the innermost has called. The number of words by which its position
//               moves follows, then the code of the new frame, which is n words from its start
//            2  the innermost is gone and its caller has called again: as 1 for the caller
//            3  the outer ones remain: 2 * their number, plus 1 if the position of the next one
//               moves by the words that follow; then n more frames, each its code and words from the start
//            (n = 15: 15 or more or less, the difference to 15 follows)
//
//     changed?  one bit for each place, lowest first, whose value differs from the
//               last one in the group; then a value for each of them
//     new virtual objects that the values mention
//
//   The places of an entry are, from the innermost frame outwards, the live slots in ascending
//   order (not the one that awaits a result), then the frame's closure: if that is "in memory",
//   then so is the whole header of the frame. (If the closure alone is there, from an earlier
//   frame, it is in memory with the fact "pointer".) A place without a value so far is "in
//   memory"; in a new frame, however, the closure is expected to be the function value of its
//   code, and the arguments where its caller has them. At a return all places are "in memory",
//   too: only the facts still hold.
//
//   value      00-7F  register (low 4 bits) with facts (3 bits)
//              80-87  in memory, in its own slot, with facts
//              88-8F  spill slot, number follows; with facts
//              90-AF  the packed word 3, 5 ... 65
//              B0-BF  n + 3 places (n = 15: 18 and more, the rest follows) in memory, each in its
//                     own slot; then facts of four in a byte: none, packed, pointer, packed natural
//              C0-DF  virtual 0, 1 ... 30 of the group; DF: 31 or more, the rest follows
//              E0     packed word; (word - 67) / 2 follows
//              E1     function value of the code that follows
//              E2     another word; its distance to an address of ours follows
//              E3-EA  in memory, in another slot, which follows; with facts
//
//   virtual    00-0F  struct of n fields; then its tag as a union
//              10     union of one field; then its tag
//              20-2F  closure with n captured values; then its code
//              30-3F  packed struct of n fields
//              40-7F  packed union of tag width n; then its tag
//              (n = 15: 15 or more, the rest follows), then the fields: values without facts
//
// Numbers that follow are varints: seven bits a byte, low ones first, bit 7 set if more
// bytes follow; differences in zigzag. Code has numbers, too (deopt/code_numbers.h).
// Virtuals are numbered through a group. Equal ones are described once and so become one
// object (no program can tell the difference). A virtual comes after its fields, unless
// they refer to one another in a circle.
//
// Each table has exactly one encoding: the reader accepts bytes only if writing the
// entries again gives the same bytes. The writer unifies a few equivalent entries
// (see SideTableBuilder::add).
//
// Tested by tests/unit/deopt/side_table_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gc/value.h"
#include "interp/call_frame.h"
#include "interp/exit_state.h"
#include "interp/liveness.h"

namespace fble {

/// The kind of place where a value is when machine code is left.
enum class LocationKind : uint8_t {
  kNone,
  kRegister,  ///< index: number of the register (interp/machine_registers.h)
  kSpill,     ///< index: word of Carrier::exit_state.spill
  kConstant,  ///< word: the constant itself
  kVirtual,   ///< index: into ExitEntry::virtuals
  kSlot,      ///< index: slot of the frame area, where it is in memory already
};

struct Location {
  LocationKind kind = LocationKind::kNone;
  int32_t index = 0;
  Word word = 0;
  bool operator==(const Location&) const = default;
};

/// The optimiser's facts about a value, for bridges: bits that can be or-ed.
enum ValueFact : uint8_t { kFactPacked = 1, kFactPointer = 2, kFactNatural = 4 };
inline constexpr uint8_t kAllFacts = 7;

struct ExitSlot {
  int32_t slot = 0;  ///< counted from the root frame
  Location location;
  uint8_t facts = 0;
  bool operator==(const ExitSlot&) const = default;
};

/// A value that exists only as a description, to be made at the exit.
struct VirtualValue {
  enum class Kind : uint8_t { kObject, kPackedUnion, kPackedStruct };
  Kind kind = Kind::kObject;
  Word header = 0;       ///< kObject: a struct, union or closure
  Code* code = nullptr;  ///< kObject that is a closure; not among the fields
  uint32_t tag = 0;      ///< kPackedUnion
  uint32_t width = 0;    ///< kPackedUnion
  /// The fields may name any virtual, also this one (recursive values; objects
  /// only). The fields of packed kinds are packed, and the result fits into a
  /// word.
  std::vector<Location> fields;
  bool operator==(const VirtualValue&) const = default;
};

struct ExitFrame {
  Code* code = nullptr;
  const uint32_t* pc = nullptr;  ///< innermost: where to continue; others: return position
  int32_t base = 0;              ///< slots above the root frame
  bool in_memory = false;        ///< the header is written
  /// The closure, unless in_memory. The root frame always has a return position
  /// and address: only its closure may be missing (after a tail call).
  Location closure;
  bool operator==(const ExitFrame&) const = default;
};

/// The decoded form of one exit.
struct ExitEntry {
  /// The exit is the return stub of a call, the last of its trace: the innermost frame's pc is the return
  /// position, the result is in a register, and all other values are in memory.
  bool is_return = false;
  std::vector<ExitFrame> frames;       ///< outermost first
  std::vector<ExitSlot> slots;         ///< ascending; live slots that are not listed are in memory
  std::vector<VirtualValue> virtuals;  ///< named by slots, closures or one another
  bool operator==(const ExitEntry&) const = default;
};

inline constexpr uint32_t kExitsPerGroup = 16;

/// A table where it is kept, with what its trace knows besides the bytes that the essay describes.
struct SideTableView {
  std::span<const uint8_t> bytes;  ///< may end after the table does
  uint32_t exits = 0;
  Code* code = nullptr;  ///< of the frame that groups start from; null only without exits
};

/// The encoded exits of one trace.
struct SideTable {
  std::vector<uint8_t> bytes;
  uint32_t exits = 0;
  Code* code = nullptr;
  operator SideTableView() const { return {bytes, exits, code}; }  // NOLINT(google-explicit-constructor)
  bool operator==(const SideTable&) const = default;
};

/// Encodes the exits of a trace, in order.
class SideTableBuilder {
 public:
  /// `code`: of the frame that groups start from. Null: that of the first exit's root frame.
  explicit SideTableBuilder(Code* code = nullptr) : code_(code) {}
  /// Requires an entry as described above. The result of decode_exit for it may differ:
  ///  * slots that are not live, or are in memory and nothing is known of them, are not listed;
  ///  * the facts of constants and virtuals are those that can be derived from them;
  ///  * equal virtuals are merged, unnamed ones are removed, and each comes after those
  ///    that it names, unless they are recursive.
  void add(ExitEntry entry) { entries_.push_back(std::move(entry)); }
  /// The number of entries to come, if it is known.
  void reserve(size_t count) { entries_.reserve(count); }
  SideTable finish();

 private:
  Code* code_;
  std::vector<ExitEntry> entries_;
};

/// Requires a table that verify_side_table (deopt/side_table_verify.h) accepts and index < table.exits.
ExitEntry decode_exit(SideTableView table, uint32_t index);
/// Decodes into an entry whose memory is reused.
void decode_exit(SideTableView table, uint32_t index, ExitEntry& entry);

/// Decodes a table that may be corrupt; its code objects must be right unless
/// `codes` lists all of them. Returns false, with a message, instead of reading out
/// of bounds. Accepts exactly the tables that a builder can make.
bool decode_side_table(SideTableView table, std::span<Code* const> codes, std::vector<ExitEntry>* entries,
                       std::string* message);

/// Returns the facts that can be derived from a constant or virtual.
uint8_t facts_of_word(Word word);

/// Visits the slots of a frame that an entry may list: those live at the position except
/// the one that awaits a result, in frames that are not innermost and at returns. Calls
/// `visit(slot)`, counted from the frame's own first one, ascending.
template <typename Visit>
void for_each_live_slot(Code& code, const uint32_t* pc, bool awaits_result, Visit&& visit) {
  for (uint32_t slot : live_slots(code, pc)) {
    if (!awaits_result || slot != pc[-2]) visit(static_cast<int32_t>(slot));
  }
}

}  // namespace fble
