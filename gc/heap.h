// The heap: a nursery where objects are allocated by moving a pointer, and an old space for survivors.
//
// Objects do not change after they are made, so no old object points to a new one. The one exception is the
// definition of recursive values, which reports the objects that it patches (`remember`). Values also change in
// resources outside of the heap, such as channels, which are reported as well (`note_written`). A minor collection
// therefore visits only the roots and what was reported, and moves what it reaches to the old space. The
// root reporter knows which roots can hold new pointers: call frames below the watermark cannot.
//
// The old space is marked in steps that ride on minor collections. Each step is bounded by what that collection
// promoted. The mutator cannot hide an object from the marker. It can reach an unmarked old object only through a
// frame that was not scanned yet, a global, or a patched object. Frames and globals are visited before marking
// ends; patched objects are reported. Objects that are promoted during marking are marked at once, and their
// fields are visited as they move. A marking starts when the old space has grown by a fixed share since the last
// one, so marking costs a constant share of allocation.
//
// A nursery is adopted instead of collected when nearly all of the ones before it survived: all of it becomes old
// where it is (gc/slabs.h). Every few nurseries one is collected, which shows whether this is still so. Garbage
// that is promoted this way is small compared with the old space.
//
// A nursery of which a part survives again and again, but too little to adopt, doubles: its objects would have
// died in a larger one. It shrinks when next to nothing survives.
//
// Survivors of a large heap are looked up among the old objects: equal ones become one (gc/shared_objects.h).
//
// gc/params.def has the tunables.
//
// Tested by tests/unit/gc/heap_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gc/object.h"
#include "gc/old_space.h"
#include "gc/shared_objects.h"

namespace fble {

class Heap;

/// Passes the words that the collector starts from to `Collector::visit`.
class RootReporter {
 public:
  virtual ~RootReporter() = default;
  /// Visits roots. `minor`: those that may have changed since the last collection, frames included. Otherwise:
  /// all roots except those of report_frames. Each collection during a marking is minor, too.
  virtual void report_roots(class Collector& collector, bool minor) = 0;
  /// Replaces report_roots in a minor collection of an empty nursery: no root is new.
  virtual void roots_are_old() {}
  /// Returns the bytes of call stack in use.
  virtual size_t stack_bytes() const = 0;
  /// Returns whether most of what the roots held is gone since the last marking began.
  virtual bool has_lost_much() const { return false; }
  /// Returns the bytes of the tables that say which slots of frames are roots.
  virtual size_t table_bytes() const { return 0; }

  /// Marking visits the call stack in steps, and other roots of which there may be many. `begin_frames` visits the
  /// running frame. `report_frames` visits up to `count` more, or as much else, and returns true when nothing is left.
  virtual void begin_frames(class Collector& collector) { static_cast<void>(collector); }
  virtual bool report_frames(class Collector& collector, size_t count) {
    static_cast<void>(collector);
    static_cast<void>(count);
    return true;
  }
};

/// Sees from inside of collections what survives. Objects must not be changed.
class SurvivalObserver {
 public:
  virtual ~SurvivalObserver() = default;
  /// A minor collection is about to end: of the nursery's objects, the survivors are forwarded. If it is adopted, all
  /// of them are old where they are.
  virtual void after_minor_collection(bool is_adopted) = 0;
  virtual void marking_begins() = 0;
  /// A marking has reached all that is alive, and nothing is swept yet.
  virtual void marking_ends(const OldSpace& old) = 0;
};

struct HeapOptions {
  size_t nursery_bytes = 256 * 1024;  ///< may double; tests use as little as 64
  /// The limit for nursery, old space, call stack, its tables and what is held outside together; 0 for none.
  size_t max_bytes = 0;
  /// Collects at every n-th allocation on the slow path; 0 for off.
  unsigned stress = 0;
  /// Under stress, every n-th collection is a full one; fewer with a large heap.
  unsigned stress_full_period = 8;
  /// Equal survivors become one when the old space has at least this size.
  size_t share_from_bytes = 2 << 20;
  /// Slabs that are not used for a while are frozen when the old space has at least this size.
  size_t freeze_from_bytes = size_t{64} << 20;
  /// Checks the whole heap after each collection, and poisons dead slots of call frames.
  bool verify = false;
};

/// Counts pauses by length, in buckets that are an eighth of a power of two wide. Quantiles are exact to 7 %.
class PauseHistogram {
 public:
  void note(uint64_t ns) {
    ++counts_[bucket_of(ns)];
    ++total_;
  }
  /// Returns the middle of the median pause's bucket, in ns; 0 if there were no pauses.
  uint64_t median_ns() const;

 private:
  static constexpr uint32_t kSteps = 8;  ///< per power of two
  static uint32_t bucket_of(uint64_t ns);
  static uint64_t middle_of(uint32_t bucket);

  uint32_t counts_[64 * kSteps] = {};
  uint64_t total_ = 0;
};

struct HeapStats {
  uint64_t minor_collections = 0;
  uint64_t full_collections = 0;  ///< completed markings of the old space
  uint64_t allocated_bytes = 0;   ///< in the nursery, up to the last collection
  uint64_t survived_bytes = 0;    ///< moved by minor collections, or adopted
  uint64_t adopted_bytes = 0;     ///< the part of these that became old without moving
  uint64_t shared_bytes = 0;      ///< replaced by an equal object of the old space
  uint64_t peak_bytes = 0;        ///< nursery in use and all else that the limit counts, seen at collections
  uint64_t peak_held_bytes = 0;   ///< see Heap::hold
  uint64_t peak_live_bytes = 0;   ///< live objects and call stack after a collection
  uint64_t longest_pause_ns = 0;
  uint64_t total_pause_ns = 0;
  PauseHistogram pauses;
};

/// Holds objects that are marked and whose fields are not visited yet. It grows in chunks, since moving a stack of
/// many megabytes would be a pause.
class MarkStack {
 public:
  bool empty() const { return top_ == begin_ && full_.empty(); }
  void push(Object* object) {
    if (top_ == end_) next_chunk();
    *top_++ = object;
  }
  /// Requires: !empty().
  Object* pop() {
    if (top_ == begin_) previous_chunk();
    return *--top_;
  }

 private:
  using Chunk = std::unique_ptr<Object*[]>;
  void next_chunk();
  void previous_chunk();

  std::vector<Chunk> full_;
  Chunk chunk_;
  Chunk spare_;               ///< spares allocations to a stack that crosses a chunk's edge repeatedly
  Object** begin_ = nullptr;  ///< of chunk_
  Object** top_ = nullptr;
  Object** end_ = nullptr;
};

class Heap {
 public:
  explicit Heap(const HeapOptions& options);
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Return where allocation starts, and the first address that it must not pass.
  Word* nursery_start() const { return nursery_; }
  Word* limit() const { return limit_; }

  /// Makes room for `words` words at the returned address, by a collection if necessary. `ap` is the current
  /// allocation pointer. Afterwards all pointers into the nursery are stale, except those that the reporter
  /// reported. Returns null when the memory limit is reached; a caller that needs less may then allocate at
  /// `nursery_start`.
  Word* make_room(Word* ap, size_t words, RootReporter& roots);

  /// Counts bytes that the program has caused to be allocated outside the heap against the limit, until they are
  /// released. A collection may be necessary to stay within it: see `is_within_limit`.
  void hold(size_t bytes) {
    held_bytes_ += bytes;
    stats_.peak_held_bytes = std::max<uint64_t>(stats_.peak_held_bytes, held_bytes_);
  }
  void release(size_t bytes) { held_bytes_ -= bytes; }
  /// Returns whether everything fits into the limit, garbage included.
  bool is_within_limit(const RootReporter& roots) const;

  /// Runs a full collection to its end. Returns the new allocation pointer.
  Word* collect_all(Word* ap, RootReporter& roots);

  /// Returns whether memory is to be returned to the system because the roots have lost much. Collections do a part
  /// of it each, and so does `tidy_up`, for while the program waits.
  bool is_tidying() const { return is_tidying_; }
  /// Requires: roots.has_lost_much() or is_tidying(). Returns the new allocation pointer, like make_room.
  Word* tidy_up(Word* ap, RootReporter& roots);

  bool in_nursery(const Object* object) const {
    return reinterpret_cast<uintptr_t>(object) - reinterpret_cast<uintptr_t>(nursery_) <
           reinterpret_cast<uintptr_t>(nursery_end_) - reinterpret_cast<uintptr_t>(nursery_);
  }

  /// Remembers an object whose placeholders have been replaced.
  void remember(Object* object) {
    if (!in_nursery(object)) remembered_.push_back(object);
  }

  /// Registers a new object of kind kNative.
  void register_native(Object* object) { young_natives_.push_back(object); }

  /// Notes that a value has been stored in the resource: the next minor collection visits its values.
  void note_written(TracedResource& resource) {
    if (resource.is_noted) return;
    resource.is_noted = true;
    written_.push_back(&resource);
  }

  const HeapStats& stats() const { return stats_; }
  const FreezeStats& freeze_stats() const { return old_.slabs().frozen().stats(); }
  void reset_peaks() { stats_.peak_bytes = stats_.peak_live_bytes = 0; }
  size_t old_bytes() const { return old_.used_words() * sizeof(Word); }
  const HeapOptions& options() const { return options_; }
  void set_stress(unsigned stress) { options_.stress = stress_countdown_ = stress; }

  /// Called after each pause with its start and end (gc/clock.h), if not empty.
  using PauseListener = std::function<void(uint64_t start_ns, uint64_t end_ns)>;
  void set_pause_listener(PauseListener listener) { pause_listener_ = std::move(listener); }
  /// The observer outlives the heap, or is replaced by null.
  void set_survival_observer(SurvivalObserver* observer) { survival_ = observer; }

 private:
  friend class Collector;

  void minor_collection(Word* ap, RootReporter& roots);
  void start_marking(RootReporter& roots);
  void mark_some(size_t words, RootReporter& roots);
  void finish_roots(RootReporter& roots);
  bool release_natives(size_t count);
  void finish_marking();
  void finish_cycle(RootReporter& roots);
  void full_collection(RootReporter& roots);
  void collector_step(RootReporter& roots);
  void resize_nursery(size_t words);
  void leave_slab();
  bool should_adopt(const Word* ap);
  void adopt(Word* ap, RootReporter& roots);
  void note_survival(size_t young_words);
  void forget_reports();
  void move_natives(class Collector& collector);
  void note_peaks(const RootReporter& roots);
  void note_pause(uint64_t start);
  /// Returns what counts against the limit, except for the nursery.
  size_t bytes_without_nursery(const RootReporter& roots) const {
    return old_bytes() + roots.stack_bytes() + roots.table_bytes() + held_bytes_;
  }
  void verify();
  /// Returns whether all dead objects must be known as soon as a marking has ended.
  bool is_exact() const { return options_.verify || options_.max_bytes != 0; }

  HeapOptions options_;
  std::unique_ptr<Word[]> nursery_memory_;
  Slab* slab_ = nullptr;  ///< the nursery's slab, unless it is in nursery_memory_
  Word* nursery_ = nullptr;
  Word* nursery_end_ = nullptr;
  Word* limit_ = nullptr;
  OldSpace old_;
  size_t marking_threshold_words_ = 0;  ///< a marking starts when the old space has this size
  bool marking_ = false;
  bool frames_marked_ = false;
  bool all_marked_ = false;  ///< the marking under way has reached all that is alive
  size_t natives_seen_ = 0;  ///< the first of old_natives_, which it has found alive
  bool is_tidying_ = false;
  bool is_returning_ = false;         ///< all that is left of it is to return memory
  bool sharing_ = false;              ///< this minor collection looks for equal objects
  size_t promoted_words_ = 0;         ///< by the last minor collection
  size_t used_at_marking_words_ = 0;  ///< the old space's size when the last marking ended
  size_t most_stack_words_ = 0;       ///< the largest call stack since the last marking started
  size_t adoptions_ = 0;              ///< nurseries to adopt before one is collected again
  size_t next_adoptions_ = 0;         ///< the number of these the last time
  size_t usual_words_ = 0;            ///< the nursery's size, unless one object is larger
  unsigned times_too_small_ = 0;      ///< nurseries in a row that were too small
  size_t found_words_ = 0;            ///< survivors that had an equal object already
  size_t moved_words_ = 0;            ///< the largest nursery for which moved_ has room
  std::unique_ptr<Object*[]>
      moved_;  ///< a stack of objects whose fields are not visited yet; empty between collections
  MarkStack mark_stack_;
  SharedObjects shared_;
  std::vector<Object*> remembered_;
  std::vector<TracedResource*> written_;
  std::vector<Object*> young_natives_;
  std::vector<Object*> old_natives_;
  size_t held_bytes_ = 0;
  unsigned stress_countdown_ = 0;
  unsigned stress_collections_ = 0;
  unsigned stress_adoptions_ = 0;
  HeapStats stats_;
  PauseListener pause_listener_;
  SurvivalObserver* survival_ = nullptr;
};

/// A collection in progress. It moves and marks what is visited.
class Collector {
 public:
  explicit Collector(Heap& heap)
      : heap_(heap),
        nursery_(reinterpret_cast<uintptr_t>(heap.nursery_)),
        nursery_bytes_(reinterpret_cast<uintptr_t>(heap.nursery_end_) - nursery_),
        marking_(heap.marking_),
        sharing_(heap.sharing_),
        moved_(heap.moved_.get()) {}

  /// Visits one root and updates it to the object's new place.
  void visit(Word& word) {
    if (!is_pointer(word)) return;
    if (word - nursery_ < nursery_bytes_) {
      visit_young(word);
    } else if (marking_) {
      mark_root(as_object(word));
    }
  }
  void visit_range(Word* words, size_t count) {
    for (size_t i = 0; i < count; ++i) visit(words[i]);
  }

 private:
  friend class Heap;
  void visit_young(Word& word);
  void visit_fields(Object* object);
  void visit_reported();
  void visit_values(TracedResource& resource);
  void visit_moved();
  template <bool kMarking>
  void visit_moved_unshared();
  void move_shared(Word& word);
  Object* close(Object* object, Word header, bool is_defined);
  template <uint32_t kCount>
  Object* close_with(Object* object, Word header, bool is_defined);
  bool can_close(Object* object);
  void mark_root(Object* object);
  bool mark_reached(size_t& words);

  Heap& heap_;
  const uintptr_t nursery_;
  const size_t nursery_bytes_;
  const bool marking_;
  const bool sharing_;
  Object** moved_;  ///< the top of Heap::moved_
};

}  // namespace fble
