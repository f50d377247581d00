// What the trace viewer shows, collected while a program runs.
//
// `finish` returns one JSON object. Numbers of codes, traces and sources are indices into its arrays; -1 stands for
// none. A position is a code and an offset of its bytecode in words. Times are in microseconds since the run began,
// without the time that collecting took.
//
//   program      the main module's path
//   sources      {name, text}: name is the module's path
//   codes        {name, source, line, column, arity, captures, slots, rows}
//                a row: [offset, text, source, line, column]
//   traces       in the order in which they were made, also those that were evicted:
//     name         the number that logs show; "1.7" is trace 7 after the first flush
//     kind, code, parent, exit, root, link
//     at           the position where it begins: [code, offset]
//     codes        of the names c0, c1... in its IR
//     sites        the activations: [code, return offset in the caller, caller's site]
//     stages       {pass, rows}: the IR after each pass that changed it; a row: [text, code, offset, site]
//     machine      rows [offset, bytes, text, ins, exit, target]: the instruction of the last stage and the exit that
//                  they belong to; target: the offset that a jump leads to
//     exits        {guard, ins, kind, code, offset, stub, taken, forced, links, frames, virtuals}
//       links        [trace, first tag, last tag + 1]; no tags, no dispatch table
//       frames       outermost first: {code, offset, base, closure, slots}; a slot: [number in the frame, place, facts]
//       virtuals     {kind, code, tag, width, fields}; a field is a place
//       a place      [kind, value]; "memory" means its own slot, or header
//     table        bytes of the side table
//     kept         allocations that the passes did not remove
//     evicted      time, or -1
//   recordings   {at, kind, parent, exit, start, end, done, trace, reason}; `end` when the passes begin
//   dispatch     {trace, exit, width, bytes}
//   lost         {time, what, traces}: flushes and evictions
//   heat         {width, exits, collections, pause}: counts per interval of `width`; the pauses' time
//
// Tested by tests/unit/frontends/view/collect_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "jit/engine/events.h"

namespace fble {

/// Counts over time, in intervals of one width. When time passes the last one, the width doubles.
class Heat {
 public:
  struct Interval {
    uint64_t exits = 0;
    uint64_t collections = 0;
    uint64_t pause_ns = 0;
  };
  Interval& at(uint64_t ns);
  uint64_t width_ns() const { return width_ns_; }
  const std::vector<Interval>& intervals() const { return intervals_; }

 private:
  static constexpr size_t kIntervals = 512;
  uint64_t width_ns_ = 1000;
  std::vector<Interval> intervals_;
};

class ViewCollector final : public EventSink {
 public:
  using Json = nlohmann::ordered_json;

  /// Time begins now.
  explicit ViewCollector(std::string program);
  void take(const EngineEvent& event) override;
  /// Returns all that was collected when the run has ended, and keeps nothing. Reads the source files.
  Json finish();

 private:
  struct Exit {
    uint64_t taken = 0;
    uint64_t forced = 0;
    Json links = Json::array();
  };
  struct Source {
    std::string file;
    std::string module;
  };
  struct Seen {
    Json json;
    std::vector<Exit> exits;
    uint32_t root = 0;
    bool is_evicted = false;
  };

  void note(const RecordEvent& event);
  void note(const AbortEvent& event);
  void note(const PassEvent& event);
  void note(const OptimizeEvent&) {}
  void note(const AssembleEvent& event);
  void note(const CompileEvent& event);
  void note(const LinkEvent& event);
  void note(const DispatchEvent& event);
  void note(const ExitEvent& event);
  void note(const ForceEvent& event);
  void note(const MemoEvent&) {}
  void note(const EvictEvent& event);
  void note(const FlushEvent& event);
  void note(const CollectEvent& event);
  void note(const EndEvent&) {}
  void note(const std::monostate&) {}

  uint32_t index_of_trace(uint32_t number) const { return first_of_generation_ + number; }
  Seen& seen(ExitAddress exit) { return traces_[index_of_trace(exit.trace)]; }
  int64_t parent_of(const Trace& trace) const;
  Json start_of(const Trace& trace);
  int64_t code_index(const Code* code);
  Json code_json(const Code& code);
  int64_t source_index(const Loc& loc, const Code& code);
  Json position(const uint32_t* pc);
  Json ir_rows(const Trace& trace);
  Json machine_rows(const AssembleEvent& event) const;
  Json exit(const ExitSite& site, const ExitEntry& entry);
  Json frame(const ExitEntry& entry, size_t index);
  Json virtual_value(const VirtualValue& value);
  Json place(const Location& location);
  void end_recording(const Trace& trace, int64_t made, const char* reason);
  void evict(uint32_t index);
  void lose(const char* what, uint64_t traces);

  const std::string program_;
  const uint64_t start_ns_;
  uint64_t own_ns_ = 0;        ///< spent in `take`
  uint64_t now_ns_ = 0;        ///< of the event that is taken, since the run began, without own_ns_
  uint64_t recording_ns_ = 0;  ///< the same of the last recording's start
  uint64_t compiling_ns_ = 0;  ///< ... and of its end
  std::vector<Seen> traces_;
  uint32_t first_of_generation_ = 0;  ///< index of trace 0
  uint32_t generation_ = 0;           ///< number of flushes so far
  Json stages_ = Json::array();       ///< of the trace that is being compiled
  Json made_;                         ///< ... once it has machine code
  Json recordings_ = Json::array();
  Json dispatch_ = Json::array();
  Json lost_ = Json::array();
  Heat heat_;
  // The code objects of natives are gone when the run has ended, so they are described when they are first mentioned.
  Json codes_ = Json::array();
  std::unordered_map<const Code*, int64_t> code_indices_;
  std::map<const uint32_t*, const Code*> code_by_start_;
  std::vector<Source> sources_;
  std::unordered_map<Symbol, int64_t> source_indices_;
};

}  // namespace fble
