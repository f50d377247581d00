#include "gc/heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "gc/activity.h"
#include "gc/clock.h"
#include "gc/params.h"

namespace fble {

namespace {

bool is_between(Word word, const Word* start, const Word* end) {
  return word - reinterpret_cast<Word>(start) < reinterpret_cast<Word>(end) - reinterpret_cast<Word>(start);
}

NativeResource* resource_of(const Object* object) { return reinterpret_cast<NativeResource*>(object->fields[0]); }

/// Returns whether the header is that of a handle on a TracedResource.
bool is_traced(Word header) {
  constexpr Word kShape = Object::make_header(ObjectKind::kNative, 1, kTracedTag);
  constexpr Word kFlags = Word{0xf} << 4;
  return (header & ~kFlags) == kShape;
}
TracedResource& traced_resource_of(const Object* object) { return *static_cast<TracedResource*>(resource_of(object)); }

}  // namespace

void system_out_of_memory() {
  if (const std::new_handler handler = std::get_new_handler(); handler != nullptr) handler();
  throw std::bad_alloc();
}

// ---- figures ----------------------------------------------------------------

uint32_t PauseHistogram::bucket_of(uint64_t ns) {
  if (ns < kSteps) return static_cast<uint32_t>(ns);
  const int power = std::bit_width(ns) - std::bit_width(kSteps);
  return static_cast<uint32_t>(power) * kSteps + static_cast<uint32_t>(ns >> power);
}

uint64_t PauseHistogram::middle_of(uint32_t bucket) {
  if (bucket < 2 * kSteps) return bucket;
  const uint32_t power = bucket / kSteps - 1;
  return (uint64_t{bucket % kSteps + kSteps} << power) + (uint64_t{1} << power) / 2;
}

uint64_t PauseHistogram::median_ns() const {
  uint64_t below = 0;
  for (uint32_t bucket = 0; bucket < std::size(counts_); ++bucket) {
    below += counts_[bucket];
    if (2 * below > total_) return middle_of(bucket);
  }
  return 0;
}

// ---- the mark stack ---------------------------------------------------------

__attribute__((noinline)) void MarkStack::next_chunk() {
  if (chunk_ != nullptr) full_.push_back(std::move(chunk_));
  chunk_ = spare_ != nullptr ? std::move(spare_) : std::make_unique_for_overwrite<Object*[]>(kMarkStackChunk);
  begin_ = top_ = chunk_.get();
  end_ = begin_ + kMarkStackChunk;
}

__attribute__((noinline)) void MarkStack::previous_chunk() {
  spare_ = std::move(chunk_);
  chunk_ = std::move(full_.back());
  full_.pop_back();
  begin_ = chunk_.get();
  top_ = end_ = begin_ + kMarkStackChunk;
}

// ---- set-up -----------------------------------------------------------------

Heap::Heap(const HeapOptions& options) : options_(options) {
  options_.nursery_bytes = std::max(options_.nursery_bytes, kSmallestNurseryBytes);
  if (options_.nursery_bytes <= kSlabBytes) {
    options_.nursery_bytes = std::min(options_.nursery_bytes, kSlabWords * sizeof(Word));
  }
  old_.slabs().set_exact(is_exact());
  old_.slabs().frozen().set_verify(options_.verify);
  usual_words_ = options_.nursery_bytes / sizeof(Word);
  resize_nursery(usual_words_);
  marking_threshold_words_ = 2 * kMinGrowthWords;
  stress_countdown_ = options_.stress;
}

Heap::~Heap() {
  for (Object* object : young_natives_) delete resource_of(object);
  for (Object* object : old_natives_) delete resource_of(object);
}

void Heap::leave_slab() {
  old_.slabs().leave(slab_);
  slab_ = nullptr;
}

/// Requires: the nursery is empty.
void Heap::resize_nursery(size_t words) {
  if (words > moved_words_ || moved_words_ > 2 * std::max(words, kSlabWords)) {
    moved_.reset(new (std::nothrow) Object*[words / 2]);  // no object has less than two words
    if (moved_ == nullptr) system_out_of_memory();
    moved_words_ = words;
  }
  nursery_ = nullptr;
  if (words <= kSlabWords) {
    if (slab_ != nullptr && static_cast<size_t>(slab_->end() - slab_->top) < words) {
      leave_slab();
    }
    if (slab_ == nullptr) slab_ = old_.slabs().take();
    if (slab_ != nullptr) {
      nursery_memory_.reset();
      nursery_ = slab_->top;
    }
  }
  if (nursery_ == nullptr) {
    nursery_memory_.reset(new (std::nothrow) Word[words]);
    if (nursery_memory_ == nullptr) system_out_of_memory();
    nursery_ = nursery_memory_.get();
  }
  nursery_end_ = nursery_ + words;
  limit_ = options_.stress != 0 ? nursery_ : nursery_end_;
}

// ---- visiting ---------------------------------------------------------------

namespace {

/// Requires: words >= 2.
inline void copy_words(Word* copy, Object* object, Word header, size_t words) {
  copy[0] = header;
  copy[1] = object->fields[0];
#pragma clang loop vectorize(disable) unroll(disable)
  for (size_t i = 2; i < words; ++i) copy[i] = object->fields[i - 1];
  object->header = reinterpret_cast<Word>(copy);
}

}  // namespace

/// Requires: the word points into the nursery.
void Collector::visit_young(Word& word) {
  Object* object = as_object(word);
  const Word header = object->header;
  if (object->is_forwarded()) {
    word = header;
    return;
  }
  if (sharing_) return move_shared(word);
  const size_t words = object->size_words();
  Word* copy = heap_.old_.allocate(words);
  copy_words(copy, object, header, words);
  *moved_++ = reinterpret_cast<Object*>(copy);
  word = reinterpret_cast<Word>(copy);
}

/// Returns the old object for an object whose fields are old: an equal one, or a copy.
inline Object* Collector::close(Object* object, Word header, bool is_defined) {
  // Objects with two fields are frequent and have code of their own.
  return header >> 32 == 2 ? close_with<2>(object, header, is_defined) : close_with<0>(object, header, is_defined);
}

template <uint32_t kCount>
__attribute__((noinline)) Object* Collector::close_with(Object* object, Word header, bool is_defined) {
  const uint32_t count = kCount != 0 ? kCount : static_cast<uint32_t>(header >> 32);
  const ObjectKind kind = Object::kind_of(header);
  Object** entry = nullptr;
  if (is_defined && count <= kMostSharedFields && kind < ObjectKind::kNative) {
    const SharedObjects::Found found = heap_.shared_.find(header, object->fields, count, heap_.old_.slabs().range());
    if (found.object != nullptr) {
      if (marking_) mark_root(found.object);
      heap_.found_words_ += object_words(count);
      return found.object;
    }
    entry = found.entry;
  }
  Word* copy = heap_.old_.allocate(object_words(count));
  copy[0] = header;
  for (uint32_t i = 0; i < count; ++i) copy[1 + i] = object->fields[i];
  if (entry != nullptr) *entry = reinterpret_cast<Object*>(copy);
  return reinterpret_cast<Object*>(copy);
}

/// Returns whether all fields of an object are old and defined. Updates fields whose objects have moved.
inline bool Collector::can_close(Object* object) {
  const Word header = object->header;
  const size_t count = header >> 32;
  for (size_t i = Object::first_value(header); i < count; ++i) {
    const Word word = object->fields[i];
    if (!is_pointer(word)) {
      if (is_placeholder(word)) return false;
    } else if (word - nursery_ < nursery_bytes_) {
      if (!as_object(word)->is_forwarded()) return false;
      object->fields[i] = as_object(word)->header;
    } else if (marking_) {
      return false;
    }
  }
  return true;
}

/// Moves an object of the nursery after everything that it reaches, so that equal objects have equal
/// fields when they are looked up.
__attribute__((noinline)) void Collector::move_shared(Word& word) {
  // An object on the stack is open. If it is met again, it is part of a cycle: it gets its place in the
  // old space immediately and is not looked up.
  struct Open {
    uint32_t offset;  // in the nursery, in words
    uint32_t next : 31;
    uint32_t undefined : 1;  // holds a placeholder, so it will change
  };
  static_assert(sizeof(Open) == sizeof(Object*));
  Open* const bottom = reinterpret_cast<Open*>(moved_);
  Open* top = bottom;
  auto open = [&](Object* object) {
    const Word offset = (reinterpret_cast<Word>(object) - nursery_) / sizeof(Word);
    *top++ = {static_cast<uint32_t>(offset), object->first_value() & 0x7fffffff, 0};
    object->header |= kOpenFlag;
  };
  open(as_object(word));
  while (top != bottom) {
    Open& entry = top[-1];
    Object* object = reinterpret_cast<Object*>(nursery_ + Word{entry.offset} * sizeof(Word));
    const bool placed = object->is_forwarded();
    const Word header = placed ? object->forwarded_to()->header : object->header & ~Word{kOpenFlag};
    const uint32_t count = static_cast<uint32_t>(header >> 32);
    uint32_t i = entry.next;
    Object* inner = nullptr;
    for (; i < count; ++i) {
      Word& field = object->fields[i];
      if (!is_pointer(field)) {
        if (is_placeholder(field)) entry.undefined = 1;
        continue;
      }
      Object* target = as_object(field);
      if (field - nursery_ >= nursery_bytes_) {
        if (marking_) mark_root(target);
        continue;
      }
      if (!target->is_forwarded()) {
        if ((target->header & kOpenFlag) == 0) {
          if (!can_close(target)) {
            inner = target;
            break;
          }
          target->header = reinterpret_cast<Word>(close(target, target->header, true));
          field = target->header;
          continue;
        }
        const size_t words = target->size_words();
        Word* copy = heap_.old_.allocate(words);
        copy[0] = target->header & ~Word{kOpenFlag};
        target->header = reinterpret_cast<Word>(copy);
      }
      field = target->header;
    }
    entry.next = i & 0x7fffffff;
    if (inner != nullptr) {
      open(inner);
      continue;
    }
    const bool undefined = entry.undefined;
    --top;
    if (object->is_forwarded()) {
      Word* copy = reinterpret_cast<Word*>(object->forwarded_to());
      for (uint32_t f = 0; f < count; ++f) copy[1 + f] = object->fields[f];
    } else {
      object->header = reinterpret_cast<Word>(close(object, header, !undefined));
    }
  }
  word = as_object(word)->header;
}

void Collector::visit_fields(Object* object) {
  visit_pointers(object, object->header, [&](Word& word) { visit(word); });
}

void Collector::visit_values(TracedResource& resource) {
  resource.visit_values([this](Word& word) { visit(word); });
}

/// Visits what has changed since the last collection.
void Collector::visit_reported() {
  for (Object* object : heap_.remembered_) visit_fields(object);
  for (TracedResource* resource : heap_.written_) visit_values(*resource);
  heap_.forget_reports();
}

void Collector::visit_moved() {
  if (sharing_) {
    while (moved_ != heap_.moved_.get()) visit_fields(*--moved_);
  } else if (marking_) {
    visit_moved_unshared<true>();
  } else {
    visit_moved_unshared<false>();
  }
}

/// Visits the moved objects while survivors are only copied, not looked up. The last object that a moved object refers
/// to is visited next, without the stack, so a list is copied from its head.
template <bool kMarking>
void Collector::visit_moved_unshared() {
  Object** const bottom = heap_.moved_.get();
  Object** top = moved_;
  OldSpace& old = heap_.old_;
  const uintptr_t nursery = nursery_;
  const size_t nursery_bytes = nursery_bytes_;
  while (top != bottom) {
    Object* object = *--top;
    while (object != nullptr) {
      Object* next = nullptr;
      const Word header = object->header;
      visit_pointers(object, header, [&](Word& word) {
        Object* target = as_object(word);
        if (word - nursery >= nursery_bytes) {
          if (kMarking) mark_root(target);
          return;
        }
        const Word target_header = target->header;
        if ((target_header & 1) == 0) {
          word = target_header;
          return;
        }
        const size_t words = (target_header >> 32) + 1;
        Word* copy = old.allocate(words);
        copy_words(copy, target, target_header, words);
        word = reinterpret_cast<Word>(copy);
        if (next != nullptr) *top++ = next;
        next = reinterpret_cast<Object*>(copy);
      });
      object = next;
    }
  }
  moved_ = top;
}

__attribute__((noinline)) void Collector::mark_root(Object* object) {
  Slabs& slabs = heap_.old_.slabs();
  if (slabs.contains(object) ? slabs.mark(object) : !object->is_permanent() && OldSpace::mark_in_block(object)) {
    heap_.mark_stack_.push(object);
  }
}

namespace {

__attribute__((noinline)) bool mark_maybe_frozen(Slabs& slabs, const Object* object) { return slabs.mark(object); }

}  // namespace

/// Marks what the mark stack reaches, up to `words` words of objects, and subtracts the words that it has visited from
/// `words`. Returns true if nothing is left to mark.
///
/// An object that is found is prefetched and enters a ring; when it leaves the ring, it is in the cache. Where there is
/// only one object to continue with, as in a list, the ring is bypassed.
bool Collector::mark_reached(size_t& words) {
  OldSpace& old = heap_.old_;
  Slabs& slabs = old.slabs();
  FrozenSlabs& frozen = slabs.frozen();
  // Compiled twice, so that objects are not asked whether they are frozen while none is.
  const auto mark_all = [&](auto some_frozen) {
    constexpr bool kAreSomeFrozen = some_frozen.value;
    Object* ring[kFetchAhead];
    size_t first = 0;
    size_t count = 0;
    MarkStack& stack = heap_.mark_stack_;
    const SlabRange range = slabs.range();
    // Returns the object, or if it is frozen its decoded copy.
    auto view = [&](Object* object) {
      if (!kAreSomeFrozen || !range.contains(object)) [[likely]]
        return object;
      return const_cast<Object*>(frozen.view(object));
    };
    auto mark = [&](Object* object) __attribute__((always_inline)) {
      if (range.contains(object)) {
        return kAreSomeFrozen ? mark_maybe_frozen(slabs, object) : Slabs::mark_present(range.slab_of(object), object);
      }
      return !object->is_permanent() && old.mark_in_block(object);
    };
    auto take = [&] {
      Object* object = ring[first];
      first = (first + 1) % kFetchAhead;
      --count;
      return mark(object) ? object : nullptr;
    };
    auto put = [&](Object* object) {
      __builtin_prefetch(object);
      __builtin_prefetch(OldSpace::block_of(object));
      if (count == kFetchAhead) {
        if (Object* reached = take()) stack.push(reached);
      }
      ring[(first + count++) % kFetchAhead] = object;
    };
    ptrdiff_t left = static_cast<ptrdiff_t>(std::min<size_t>(words, PTRDIFF_MAX));
    // Follows objects that refer to one other object each. Returns the first that does not, or null at the end.
    auto follow = [&](Object* object) -> Object* {
      while (left > 0) {
        const Object* content = view(object);
        if ((content->header & kNotData) != 0) break;
        const size_t fields = content->header >> 32;
        Word next = 0;
        if (fields == 2) [[likely]] {  // a cell
          const Word head = content->fields[0];
          next = content->fields[1];
          if (is_pointer(next)) {
            if (is_pointer(head)) return object;
          } else {
            next = head;
            if (!is_pointer(next)) next = 0;
          }
          left -= 3;
        } else {
          for (const Word *field = content->fields, *end = field + fields; field != end; ++field) {
            if (!is_pointer(*field)) continue;
            if (next != 0) return object;
            next = *field;
          }
          left -= static_cast<ptrdiff_t>(1 + fields);
        }
        if (next == 0 || !mark(as_object(next))) return nullptr;
        object = as_object(next);
      }
      return object;
    };
    do {
      Object* object = nullptr;
      if (count > kFetchAhead / 2 || stack.empty()) {
        if (count == 0) {
          words = static_cast<size_t>(left);
          return true;
        }
        object = take();
        if (object != nullptr && count == 0 && stack.empty()) object = follow(object);
        if (object == nullptr) continue;
      } else {
        object = stack.pop();
      }
      const FrozenSlabs::Pin pin(frozen, kAreSomeFrozen && range.contains(object) ? range.slab_of(object) : nullptr);
      object = view(object);
      const Word header = object->header;
      visit_pointers(object, header, [&](Word& word) { put(as_object(word)); });
      if (is_traced(header)) [[unlikely]] {
        visit_values(traced_resource_of(object));
      }
      left -= static_cast<ptrdiff_t>(1 + (header >> 32));
    } while (left > 0);
    words = 0;
    while (count > 0) {
      if (Object* reached = take()) stack.push(reached);
    }
    return stack.empty();
  };
  return frozen.any() ? mark_all(std::true_type()) : mark_all(std::false_type());
}

// ---- minor collections ------------------------------------------------------

/// Decides whether the nursery is adopted instead of collected, and counts the adoption.
bool Heap::should_adopt(const Word* ap) {
  if (slab_ == nullptr || nursery_ != slab_->top) return false;
  if (options_.stress != 0) return stats_.minor_collections % kStressAdoptPeriod == 0;
  // If equal survivors are frequent, adopting would keep all of them.
  if (old_.used_words() * sizeof(Word) >= options_.share_from_bytes && !shared_.is_backing_off()) return false;
  const size_t young = static_cast<size_t>(ap - nursery_);
  const size_t size = static_cast<size_t>(nursery_end_ - nursery_);
  if (adoptions_ == 0 || young < size - size / kAdoptDeadOneIn) return false;
  --adoptions_;
  return true;
}

/// Adapts adoption and the nursery's size after a collection of `young_words` words.
void Heap::note_survival(size_t young_words) {
  const size_t size = static_cast<size_t>(nursery_end_ - nursery_);
  if (young_words < size - size / kAdoptDeadOneIn) return;
  const size_t smallest = options_.nursery_bytes / sizeof(Word);
  if (promoted_words_ >= young_words - young_words / kAdoptDeadOneIn) {
    next_adoptions_ = std::min(2 * next_adoptions_ + 1, kMostAdoptions);
    adoptions_ = std::min(next_adoptions_, 1 + old_.used_words() / (kAdoptedOneIn * smallest));
    times_too_small_ = 0;
    usual_words_ = smallest;
    return;
  }
  adoptions_ = next_adoptions_ = 0;
  if (promoted_words_ < young_words / kSurvivingOneIn) {
    times_too_small_ = 0;
    if (promoted_words_ < young_words / kNurseryShrinkOneIn) usual_words_ = smallest;
  } else if (++times_too_small_ >= kTimesTooSmall && options_.stress == 0 && options_.max_bytes == 0) {
    usual_words_ = kNurseryGrowth * smallest;
  }
}

/// Makes the nursery's content old where it is, instead of collecting it, and moves the nursery to fresh
/// memory. No pointer changes, so only the marker needs the roots.
void Heap::adopt(Word* ap, RootReporter& roots) {
  Word* const start = nursery_;
  promoted_words_ = static_cast<size_t>(ap - start);
  old_.slabs().adopt(slab_, ap);
  // Under stress, adopted nurseries are nearly empty: the rest of the slab serves the next ones.
  const size_t usual = options_.nursery_bytes / sizeof(Word);
  const size_t rest = static_cast<size_t>(slab_->end() - slab_->top);
  const bool leaves_early =
      options_.stress != 0 && ++stress_adoptions_ % kStressSlabPeriod == 0 && old_.slabs().count() < kStressMostSlabs;
  const bool stays = rest >= usual / 4 && !leaves_early;
  if (!stays) leave_slab();
  resize_nursery(stays ? std::min(rest, usual) : usual);
  if (marking_) {
    Collector collector(*this);
    old_.slabs().mark_all(start, ap);
    for (Word* at = start; at != ap;) {
      Object* object = reinterpret_cast<Object*>(at);
      const Word header = object->header;
      visit_pointers(object, header, [&](Word& word) {
        if (!is_between(word, start, ap)) collector.mark_root(as_object(word));
      });
      at += 1 + (header >> 32);
    }
    roots.report_roots(collector, true);
    collector.visit_reported();
    for (const Object* object : young_natives_) {
      if (is_traced(object->header)) collector.visit_values(traced_resource_of(object));
    }
  } else {
    roots.roots_are_old();
    forget_reports();
  }
  old_natives_.insert(old_natives_.end(), young_natives_.begin(), young_natives_.end());
  young_natives_.clear();
  shared_.note_moved(promoted_words_);
  stats_.adopted_bytes += promoted_words_ * sizeof(Word);
  stats_.survived_bytes += promoted_words_ * sizeof(Word);
  if (survival_ != nullptr) survival_->after_minor_collection(true);
}

/// Forgets what was reported as changed: the nursery is about to be empty.
void Heap::forget_reports() {
  remembered_.clear();
  for (TracedResource* resource : written_) resource->is_noted = false;
  written_.clear();
}

/// Keeps the young natives that have moved and releases the others. The values that a traced native holds move, too,
/// and there may be other natives among them.
void Heap::move_natives(Collector& collector) {
  size_t left = young_natives_.size();
  for (size_t before = left + 1; left < before;) {
    before = left;
    left = 0;
    for (size_t i = 0; i < before; ++i) {
      Object* object = young_natives_[i];
      if (!object->is_forwarded()) {
        young_natives_[left++] = object;
        continue;
      }
      Object* moved = object->forwarded_to();
      old_natives_.push_back(moved);
      if (!is_traced(moved->header)) continue;
      collector.visit_values(traced_resource_of(moved));
      collector.visit_moved();
    }
  }
  for (size_t i = 0; i < left; ++i) delete resource_of(young_natives_[i]);
  young_natives_.clear();
}

void Heap::minor_collection(Word* ap, RootReporter& roots) {
  const Doing doing(Activity::kCollectMinor);
  const size_t young_words = static_cast<size_t>(ap - nursery_);
  stats_.allocated_bytes += young_words * sizeof(Word);
  ++stats_.minor_collections;
  promoted_words_ = found_words_ = 0;
  if (ap == nursery_ && !marking_) {
    forget_reports();
    roots.roots_are_old();
    return;
  }
  if (should_adopt(ap)) return adopt(ap, roots);
  const size_t old_words = old_.used_words();
  const size_t handed_out = old_.handed_out_words();
  old_.slabs().set_filling(options_.stress == 0 && old_bytes() >= options_.freeze_from_bytes);
  sharing_ = options_.stress != 0 ? stats_.minor_collections % kStressUnsharedPeriod != 0
                                  : old_words * sizeof(Word) >= options_.share_from_bytes;
  sharing_ = sharing_ && shared_.begin(old_words, marking_);
  Collector collector(*this);
  roots.report_roots(collector, true);
  collector.visit_reported();
  collector.visit_moved();
  move_natives(collector);
  promoted_words_ = old_.handed_out_words() - handed_out;
  if (sharing_) {
    shared_.end(promoted_words_, found_words_);
  } else {
    shared_.note_moved(promoted_words_);
  }
  sharing_ = false;
  note_survival(young_words);
  stats_.shared_bytes += found_words_ * sizeof(Word);
  stats_.survived_bytes += promoted_words_ * sizeof(Word);
  if (survival_ != nullptr) survival_->after_minor_collection(false);
#ifndef NDEBUG
  std::fill(nursery_, ap, kPoison);
#endif
}

// ---- marking ----------------------------------------------------------------

void Heap::start_marking(RootReporter& roots) {
  old_.sweep_some(SIZE_MAX);
  marking_ = true;
  frames_marked_ = all_marked_ = false;
  most_stack_words_ = 0;
  old_.begin_marking();
  shared_.begin_forgetting();
  if (survival_ != nullptr) survival_->marking_begins();
  Collector collector(*this);
  roots.report_roots(collector, false);
  roots.begin_frames(collector);
}

/// Requires: the nursery is empty.
void Heap::mark_some(size_t words, RootReporter& roots) {
  Collector collector(*this);
  const bool all = words == SIZE_MAX;
  if (!frames_marked_) {
    const size_t frames = options_.stress != 0 ? kStressFramesPerStep : kFramesPerStep;
    frames_marked_ = roots.report_frames(collector, all ? SIZE_MAX : frames);
  }
  if (!collector.mark_reached(words) || !frames_marked_) return;
  const size_t entries = options_.stress != 0 ? kStressForgetEntries : kForgetEntries;
  if (!shared_.forget_unmarked(old_, all ? SIZE_MAX : entries)) return;
  if (!all_marked_) finish_roots(roots);
  if (release_natives(all ? SIZE_MAX : options_.stress != 0 ? kStressNativesPerStep : kNativesPerStep))
    finish_marking();
}

void Heap::finish_roots(RootReporter& roots) {
  Collector collector(*this);
  roots.report_roots(collector, false);
  size_t unlimited = SIZE_MAX;
  collector.mark_reached(unlimited);
  all_marked_ = true;
  natives_seen_ = 0;
}

/// Checks up to `count` natives and releases the dead ones. Returns whether all have been checked. Natives that become
/// old meanwhile are marked.
bool Heap::release_natives(size_t count) {
  for (; natives_seen_ < old_natives_.size() && count > 0; --count) {
    Object*& object = old_natives_[natives_seen_];
    if (old_.is_marked(object)) {
      ++natives_seen_;
      continue;
    }
    delete resource_of(object);
    object = old_natives_.back();
    old_natives_.pop_back();
  }
  return natives_seen_ == old_natives_.size();
}

void Heap::finish_marking() {
  if (old_natives_.capacity() > kFewestNatives && old_natives_.size() < old_natives_.capacity() / 4) {
    old_natives_.shrink_to_fit();
  }
  if (survival_ != nullptr) survival_->marking_ends(old_);
  marking_ = all_marked_ = false;
  old_.end_marking();
  used_at_marking_words_ = old_.used_words();
  ++stats_.full_collections;
  marking_threshold_words_ = SIZE_MAX;  // set after the sweep has counted what is live
}

void Heap::finish_cycle(RootReporter& roots) {
  while (marking_) mark_some(SIZE_MAX, roots);
  old_.sweep_some(SIZE_MAX);
}

void Heap::full_collection(RootReporter& roots) {
  const Doing doing(Activity::kCollectFull);
  finish_cycle(roots);
  start_marking(roots);
  finish_cycle(roots);
  marking_threshold_words_ = 0;
  collector_step(roots);
}

/// Does one step of marking or sweeping. Requires: the nursery is empty.
void Heap::collector_step(RootReporter& roots) {
  const Doing doing(Activity::kCollectFull);
  const bool stress = options_.stress != 0;
  if (stress || old_bytes() >= options_.freeze_from_bytes) old_.freeze_some(promoted_words_, stress);
  const bool has_returned_all = old_.return_some_memory();
  if (has_returned_all && is_returning_) is_tidying_ = is_returning_ = false;
  if (marking_) {
    mark_some(kMarkPerPromoted * promoted_words_ + (stress ? kStressMarkWords : kMinMarkWords), roots);
    return;
  }
  if (old_.sweeping()) {
    const size_t least = stress ? kStressSweepBlocks : kMinSweepBlocks;
    old_.sweep_some(std::max(least, promoted_words_ * sizeof(Word) / kBlockBytes * 8));
    if (old_.sweeping()) return;
    if (is_tidying_) old_.forget_wanted();
    is_returning_ = is_tidying_;
  }
  const size_t used = old_.used_words();
  if (marking_threshold_words_ == SIZE_MAX || marking_threshold_words_ == 0) {
    // Where little was dead, the next marking would find little, too: data that only grows is marked again when it has
    // doubled.
    const bool is_growing = used >= used_at_marking_words_ - used_at_marking_words_ / kGrowingDeadOneIn;
    const size_t growth = is_growing ? used : std::max(used / 2, std::min(used, kDoublingWords));
    marking_threshold_words_ = used + std::max(kMinGrowthWords, growth);
  }
  const bool has_lost_much = roots.has_lost_much();
  is_tidying_ = is_tidying_ || has_lost_much;
  // The call stack is in use and is marked, too, so the old space may grow by its size.
  if (used >= marking_threshold_words_ + most_stack_words_ || stress || has_lost_much) start_marking(roots);
}

// ---- entry points -----------------------------------------------------------

void Heap::note_peaks(const RootReporter& roots) {
  stats_.peak_live_bytes = std::max<uint64_t>(stats_.peak_live_bytes, old_bytes() + roots.stack_bytes());
}

bool Heap::is_within_limit(const RootReporter& roots) const {
  if (options_.max_bytes == 0) return true;
  const size_t nursery_bytes = static_cast<size_t>(nursery_end_ - nursery_) * sizeof(Word);
  return nursery_bytes + bytes_without_nursery(roots) <= options_.max_bytes;
}

Word* Heap::make_room(Word* ap, size_t words, RootReporter& roots) {
  bool full = false;
  if (options_.stress != 0) {
    if (--stress_countdown_ != 0 && static_cast<size_t>(nursery_end_ - ap) >= words) {
      limit_ = ap + words;
      return ap;
    }
    stress_countdown_ = options_.stress;
    // A large heap is marked and checked less often, so that tests finish.
    const size_t period =
        options_.stress_full_period <= 1
            ? 1
            : std::max<size_t>(options_.stress_full_period,
                               (old_.used_words() + roots.stack_bytes() / sizeof(Word)) / kStressWordsPerCollection);
    full = ++stress_collections_ >= period;
    if (full) stress_collections_ = 0;
  }
  const uint64_t start = now_ns();
  const size_t young_bytes = static_cast<size_t>(ap - nursery_) * sizeof(Word);
  most_stack_words_ = std::max(most_stack_words_, roots.stack_bytes() / sizeof(Word));
  stats_.peak_bytes = std::max<uint64_t>(stats_.peak_bytes, young_bytes + bytes_without_nursery(roots));
  minor_collection(ap, roots);
  if (full) {
    full_collection(roots);
  } else {
    collector_step(roots);
  }
  note_peaks(roots);
  if (options_.verify) verify();

  limit_ = options_.stress != 0 ? nursery_ : nursery_end_;
  if (options_.max_bytes != 0 && words > options_.max_bytes / sizeof(Word)) return nullptr;
  const size_t smallest = options_.nursery_bytes / sizeof(Word);
  const size_t size = static_cast<size_t>(nursery_end_ - nursery_);
  // An object larger than the nursery gets a nursery of its own size, once.
  if (words > size) {
    resize_nursery(words);
  } else if (words <= usual_words_ && size != usual_words_ && size >= smallest) {
    resize_nursery(usual_words_);  // adopting has left a smaller one of the slab
  }
  if (!is_within_limit(roots)) {
    full_collection(roots);
    if (!is_within_limit(roots)) return nullptr;
  }
  limit_ = options_.stress != 0 ? nursery_ + words : nursery_end_;
  note_pause(start);
  return nursery_;
}

void Heap::note_pause(uint64_t start) {
  const uint64_t end = now_ns();
  const uint64_t pause = end - start;
  stats_.total_pause_ns += pause;
  stats_.longest_pause_ns = std::max(stats_.longest_pause_ns, pause);
  stats_.pauses.note(pause);
  if (pause_listener_) pause_listener_(start, end);
}

Word* Heap::collect_all(Word* ap, RootReporter& roots) {
  minor_collection(ap, roots);
  old_.slabs().set_exact(true);
  full_collection(roots);
  old_.slabs().set_exact(is_exact());
  note_peaks(roots);
  if (options_.verify) verify();
  limit_ = options_.stress != 0 ? nursery_ : nursery_end_;
  return nursery_;
}

Word* Heap::tidy_up(Word* ap, RootReporter& roots) {
  const uint64_t start = now_ns();
  minor_collection(ap, roots);
  collector_step(roots);
  if (options_.verify) verify();
  limit_ = options_.stress != 0 ? nursery_ : nursery_end_;
  note_pause(start);
  return nursery_;
}

void Heap::verify() {
  if (old_.sweeping()) return;  // dead objects may point anywhere
  old_.put_back_runs();
  const Slabs::Starts in_slabs(old_.slabs());
  auto is_live = [&](const Object* object) {
    if (old_.slabs().contains(object)) return in_slabs.contains(object);
    const Block* block = OldSpace::block_of(object);
    const uint32_t index = block->index_of(object);
    return index < block->cell_count && (block->live[index / 64] >> (index % 64) & 1) != 0;
  };
  FrozenSlabs& frozen = old_.slabs().frozen();
  old_.for_each([&](Object* at) {
    const FrozenSlabs::Pin pin(frozen, old_.slabs().contains(at) ? old_.slabs().slab_of(at) : nullptr);
    const Object* object = frozen.look(at);
    if (object->is_forwarded()) FBLE_BUG("heap verify: forwarded object in the old space");
    const auto check = [&](const Word& word) {
      if (word == 0) FBLE_BUG("heap verify: null field");
      if (!is_pointer(word)) return;
      const Object* place = as_object(word);
      if (in_nursery(place)) FBLE_BUG("heap verify: old object points into the nursery");
      const Object* target = frozen.look(place);
      if (target->is_forwarded()) FBLE_BUG("heap verify: field points to a moved object");
      if (!target->is_permanent() && !is_live(place)) FBLE_BUG("heap verify: field points to a free cell");
    };
    for (uint32_t i = object->first_value(); i < object->count(); ++i) check(object->fields[i]);
    // Dead handles may have been released already.
    const bool is_released = all_marked_ && !old_.is_marked(at);
    if (is_traced(object->header) && !is_released) traced_resource_of(object).visit_values(check);
  });
  if (marking_) return;
  shared_.for_each([&](const Object* object) {
    if (!is_live(object)) FBLE_BUG("heap verify: the sharing table has a free cell");
  });
}

}  // namespace fble
