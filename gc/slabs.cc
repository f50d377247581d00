#include "gc/slabs.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "gc/params.h"

namespace fble {

namespace {

/// Returns the bytes of slabs, of the table for them, and of the unaligned ends.
size_t bytes_to_reserve(size_t slab_bytes) { return slab_bytes + slab_bytes / kSlabBytes * sizeof(Slab) + kSlabBytes; }

}  // namespace

void Slabs::reserve() {
  tried_ = true;
  // Where the system refuses the large sizes, it need not be asked again for what is kept.
  for (size_t bytes = kMostSlabBytes; bytes >= kFewestSlabBytes && reserved_.begin() == nullptr; bytes /= 2) {
    reserved_ = Mapping::kept(bytes_to_reserve(bytes));
  }
  for (size_t bytes = kMostSlabBytes; bytes >= kFewestSlabBytes; bytes /= 2) {
    if (reserved_.begin() == nullptr) reserved_ = Mapping::not_zeroed(bytes_to_reserve(bytes));
    if (reserved_.begin() == nullptr || reserved_.bytes() != bytes_to_reserve(bytes)) continue;
    fresh_ = (reinterpret_cast<uintptr_t>(reserved_.begin()) + kSlabBytes - 1) & ~(kSlabBytes - 1);
    range_ = {fresh_, bytes, reinterpret_cast<Slab*>(fresh_ + bytes)};
    return;
  }
}

Slab* Slabs::take() {
  if (!tried_) reserve();
  Slab* slab = nullptr;
  if (!free_.empty()) {
    slab = free_.back();
    free_.pop_back();
    returned_ = std::min(returned_, free_.size());
  } else {
    if (fresh_ == range_.start + range_.bytes) return nullptr;
    slab = slab_of(reinterpret_cast<void*>(fresh_));
    *slab = Slab{};
    slab->start = reinterpret_cast<Word*>(fresh_);
    fresh_ += kSlabBytes;
    slab->is_protected = frozen_.any();  // memory of another slab costs less than new pages
  }
  frozen_.unprotect(slab);
  // Mark bits are clear: the sweep that frees a slab clears them.
  slab->top = slab->words();
  slab->used_words = slab->live_words = 0;
  slab->position = Slab::kNowhere;
  slab->is_nursery = true;
  slab->thaws = 0;
  slab->number = ++taken_;
  return slab;
}

void Slabs::leave(Slab* slab) {
  slab->is_nursery = false;
  if (slab->position == Slab::kNowhere) free_.push_back(slab);
}

void Slabs::adopt(Slab* slab, Word* end) {
  if (end == slab->top) return;
  if (slab->position == Slab::kNowhere) {
    add(slab);
  } else if (slab->epoch != epoch_) {
    sweep(slab);  // or what is new would count as dead
  }
  const size_t words = static_cast<size_t>(end - slab->top);
  slab->used_words += words;
  used_words_ += words;
  slab->top = end;
}

/// Adds a slab that counts as swept: it goes before the part of the list that the sweep has not visited yet.
void Slabs::add(Slab* slab) {
  slab->epoch = epoch_;
  slab->position = slabs_.size();
  slabs_.push_back(slab);
  if (sweep_at_ + 1 < slabs_.size()) {
    Slab* moved = slabs_[sweep_at_];
    std::swap(slabs_[sweep_at_], slabs_.back());
    std::swap(moved->position, slab->position);
    ++sweep_at_;
  } else {
    sweep_at_ = slabs_.size();
  }
}

bool Slabs::open() {
  Slab* slab = is_filling_ ? take() : nullptr;
  if (slab == nullptr) return false;
  slab->is_nursery = false;
  slab->top = slab->end();
  add(slab);
  make_hole(slab->words(), kSlabWords);
  return true;
}

/// Returns the slab at freeze_at_ if it can be frozen and has not been in use lately, else null.
Slab* Slabs::next_to_freeze(bool stress) {
  if (slabs_.empty()) return nullptr;
  if (freeze_at_ >= slabs_.size()) freeze_at_ = 0;
  Slab* slab = slabs_[freeze_at_++];
  frozen_.forget_code(slab);
  if (slab->is_frozen || slab->is_in_window || slab->is_nursery || slab->epoch != epoch_) return nullptr;
  const size_t words = static_cast<size_t>(slab->top - slab->words());
  if (slab->used_words < words - words / kFrozenHolesOneIn || words == 0) return nullptr;
  if (stress) return slab;
  const bool is_young = slab->number + kYoungSlabs > taken_;
  return is_young || slab->is_hot() || words < kSlabWords - kSlabWords / 8 ? nullptr : slab;
}

void Slabs::freeze_some(size_t promoted, bool stress, const std::function<bool(const Slab*)>& is_in_use) {
  if (stress && ++stress_turns_ % kStressFreezePeriod != 0) return;
  constexpr auto kSlab = static_cast<ptrdiff_t>(kSlabWords);
  constexpr ptrdiff_t kMost = static_cast<ptrdiff_t>(kMostFreezeCredit) * kSlab;
  const auto price = static_cast<ptrdiff_t>(frozen_.take_price());
  credit_ = std::clamp(credit_ + static_cast<ptrdiff_t>(kFreezePerPromoted * promoted) - price, -kMost, kMost);
  size_t left = stress ? 1 : kMostFreezes;
  for (size_t tries = kFreezeTries; tries > 0 && left > 0 && (stress || credit_ >= kSlab); --tries) {
    Slab* slab = next_to_freeze(stress);
    if (slab == nullptr || is_in_use(slab)) continue;
    --left;
    credit_ -= kSlab;
    frozen_.freeze(slab);
  }
}

// ---- holes ------------------------------------------------------------------

/// Sets or clears the mark of a cell that may hold no object yet.
void Slabs::set_mark(const Object* object, bool is_marked) {
  const size_t granule = granule_of(object);
  uint64_t& bits = slab_of(object)->mark[granule / 64];
  const uint64_t bit = uint64_t{1} << (granule % 64);
  bits = is_marked ? bits | bit : bits & ~bit;
}

/// Sets all bits of the range, also those of granules in which no object starts; they are never read.
void Slabs::mark_all(const Word* start, const Word* end) {
  if (start == end) return;
  Slab* slab = slab_of(start);
  slab->live_words += static_cast<size_t>(end - start);
  // If an object starts after `end` in the same granule, none before `end` does.
  const size_t last = static_cast<size_t>(end - slab->words()) * sizeof(Word) / kGranuleBytes;
  for (size_t granule = granule_of(reinterpret_cast<const Object*>(start)); granule < last;) {
    const size_t count = std::min(64 - granule % 64, last - granule);
    slab->mark[granule / 64] |= (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << (granule % 64);
    granule += count;
  }
}

void Slabs::make_hole(Word* at, size_t words) {
  Object* hole = reinterpret_cast<Object*>(at);
  hole->header = Object::make_header(ObjectKind::kBytes, static_cast<uint32_t>(words - 1), 0, kHoleFlag);
  if (words < 2) return;  // too small for any object
  Object*& list = holes_[std::min(words, kHoleSizes - 1)];
  hole->fields[0] = reinterpret_cast<Word>(list);
  list = hole;
}

bool Slabs::take_run(size_t words, Word*& next, Word*& end, bool marking) {
  for (size_t size = std::min(words, kHoleSizes - 1); size < kHoleSizes; ++size) {
    Object* hole = holes_[size];
    if (hole == nullptr) continue;
    Slab* slab = slab_of(hole);
    if (slab->code != nullptr) {  // it must not change
      holes_[size--] = reinterpret_cast<Object*>(frozen_.look(hole)->fields[0]);
      continue;
    }
    const size_t hole_words = hole->size_words();
    if (hole_words < words) continue;
    holes_[size] = reinterpret_cast<Object*>(hole->fields[0]);
    const size_t cells = std::min(hole_words / words, kMostCells);
    const size_t taken = cells * words;
    next = reinterpret_cast<Word*>(hole);
    end = next + taken;
    if (taken != hole_words) make_hole(end, hole_words - taken);
    slab->used_words += taken;
    used_words_ += taken;
    if (marking) {
      for (Word* cell = next; cell != end; cell += words) set_mark(reinterpret_cast<Object*>(cell), true);
      slab->live_words += taken;
    }
    return true;
  }
  return false;
}

void Slabs::put_back_run(Word* next, Word* end, size_t words, bool marking) {
  Slab* slab = slab_of(next);
  const size_t rest = static_cast<size_t>(end - next);
  slab->used_words -= rest;
  used_words_ -= rest;
  if (marking) {
    for (Word* cell = next; cell != end; cell += words) set_mark(reinterpret_cast<Object*>(cell), false);
    slab->live_words -= rest;
  }
  make_hole(next, rest);
}

// ---- after marking ----------------------------------------------------------

void Slabs::end_marking() {
  wanted_ = std::max({slabs_.size(), wanted_ - wanted_ / kForgetWantedOneIn, kKeptSlabs});
  ++epoch_;
  sweep_at_ = 0;
  std::fill(std::begin(holes_), std::end(holes_), nullptr);  // they are found anew
}

void Slabs::sweep(Slab* slab) {
  const size_t words = static_cast<size_t>(slab->top - slab->words());
  used_words_ -= slab->used_words;
  if (slab->live_words >= (exact_ ? words : words - words / 8)) {
    slab->used_words = words;
  } else {
    if (slab->live_words != 0 || slab->is_nursery) carve(slab);
    slab->used_words = slab->live_words;
  }
  used_words_ += slab->used_words;
  if (slab->live_words != 0) std::memset(slab->mark, 0, sizeof(slab->mark));
  slab->live_words = 0;
  slab->epoch = epoch_;
  slab->thaws /= 2;
  slab->peeks = 0;
}

/// Turns unmarked objects into holes.
void Slabs::carve(Slab* slab) {
  frozen_.discard(slab);
  Word* gap = nullptr;
  for (Word* at = slab->words(); at != slab->top;) {
    const Object* object = reinterpret_cast<Object*>(at);
    const size_t words = object->size_words();
    if (!is_marked(object)) {
      if (gap == nullptr) gap = at;
    } else if (gap != nullptr) {
      make_hole(gap, static_cast<size_t>(at - gap));
      gap = nullptr;
    }
    at += words;
#ifndef NDEBUG
    // Poisons dead objects, so that a use of one is noticed. The gap's header is written last.
    if (gap != nullptr) std::fill(at - words, at, kPoison);
#endif
  }
  if (gap != nullptr) make_hole(gap, static_cast<size_t>(slab->top - gap));
}

/// Requires: a sweep is pending.
void Slabs::sweep_one() {
  Slab* slab = slabs_[sweep_at_];
  if (slab->epoch != epoch_) sweep(slab);
  if (slab->used_words == 0 && !slab->is_nursery) {
    release(slab);
  } else {
    ++sweep_at_;
  }
}

/// Requires: the slab is at sweep_at_, where the last one takes its place.
void Slabs::release(Slab* slab) {
  frozen_.release(slab);
  slabs_[slab->position] = slabs_.back();
  slabs_[slab->position]->position = slab->position;
  slabs_.pop_back();
  free_.push_back(slab);
}

bool Slabs::return_some_memory() {
  const auto has_more = [&] { return returned_ < free_.size() && slabs_.size() + free_.size() - returned_ > wanted_; };
  for (size_t count = kReturnedSlabsPerStep; count > 0 && has_more(); --count) {
    madvise(free_[returned_++]->start, kSlabBytes, MADV_DONTNEED);
  }
  return !has_more();
}

void Slabs::forget_wanted() { wanted_ = std::max(slabs_.size(), kKeptSlabs); }

}  // namespace fble
