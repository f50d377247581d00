// The engine's events as values: the log prints them, the viewer collects them, tests compare them.
//
// An event mentions data of the engine by reference. They are as the row of events.def says while the sink takes the
// event, and a sink copies what it needs later. Without sinks an event costs a comparison.
//
// Tested by tests/unit/jit/engine/trace_engine_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "gc/heap.h"
#include "jit/engine/compiled_traces.h"
#include "jit/engine/memo.h"
#include "jit/ir/trace.h"

namespace fble {

struct RecordEvent {
  const Trace& trace;  ///< its first snapshot, if there is one yet, has the place
};

struct AbortEvent {
  const Trace& trace;
  AbortReason reason;
  bool is_interrupted;  ///< the place where the recording began is not the cause
};

struct PassEvent {
  const char* name;    ///< "recording" or a pass of jit/opt/pipeline.h
  const Trace& trace;  ///< as the pass has left it
};

struct OptimizeEvent {
  const Trace& trace;
};

/// A recording that is compiled again, without a loop, has this event twice.
struct AssembleEvent {
  const Trace& trace;
  const AssembledTrace& code;
};

struct CompileEvent {
  const Trace& trace;
  TraceLink link;
  const CompiledTrace& compiled;
};

struct LinkEvent {
  ExitAddress from;
  uint32_t to;          ///< number of the trace
  Recorder::Tags tags;  ///< if there are some, a dispatch table leads there for these only
};

struct DispatchEvent {
  ExitAddress from;
  DispatchNode node;
  uint32_t width;  ///< of the tag, in bits
};

/// The row of --stats that counts an exit.
enum class ExitKind : uint8_t { kGuard, kYield, kReturn, kDeoptPoint };

struct ExitEvent {
  ExitAddress exit;
  ExitKind kind;
};

struct ForceEvent {
  ExitAddress exit;
  bool has_left;  ///< something had changed, so machine code was left
};

struct MemoEvent {
  const Memo& memo;
};

struct EvictEvent {
  std::span<const uint32_t> roots;  ///< numbers of the trees' first traces
  CodeAssumption assumption;
  uint32_t number;
};

struct FlushEvent {
  size_t traces;
  size_t bytes;
};

struct CollectEvent {
  uint64_t start_ns;  ///< gc/clock.h
  uint64_t end_ns;
  const HeapStats& stats;
};

struct EndEvent {
  size_t record_bytes;  ///< see CompiledTraces::record_bytes
};

/// The alternatives are in the order of the rows; the last one is none of them and never sent.
using EngineEvent = std::variant<
#define FBLE_ENGINE_EVENT(Name, text, doc) Name##Event,
#include "jit/engine/events.def"
#undef FBLE_ENGINE_EVENT
    std::monostate>;

/// Returns the text of the event's row.
const char* event_text(const EngineEvent& event);

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void take(const EngineEvent& event) = 0;
};

/// Passes each event on to sinks, which outlive it.
class EventSinks final : public EventSink {
 public:
  void add(EventSink& sink) { sinks_.push_back(&sink); }
  void take(const EngineEvent& event) override {
    for (EventSink* sink : sinks_) sink->take(event);
  }

 private:
  std::vector<EventSink*> sinks_;
};

}  // namespace fble
