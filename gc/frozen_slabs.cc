#include "gc/frozen_slabs.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "gc/old_space.h"
#include "gc/slab_codec.h"
#include "gc/without_signals.h"

namespace fble {

std::atomic<bool> has_frozen_slabs{false};

// ---- faults -----------------------------------------------------------------
//
// A signal handler may access the heap, so signals are blocked while the state of slabs changes.

namespace {

/// The signal stack of an OS thread.
class SignalStack {
 public:
  SignalStack() = default;
  ~SignalStack() {
    if (memory_.begin() == nullptr) return;
    stack_t stack{};
    if (sigaltstack(nullptr, &stack) != 0 || stack.ss_sp != memory_.begin()) return;
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

  void set_up() {
    stack_t stack{};
    if (sigaltstack(nullptr, &stack) != 0 || (stack.ss_flags & SS_DISABLE) == 0) return;
    if (memory_.begin() == nullptr) memory_ = Mapping(kFaultStackBytes);
    if (memory_.begin() == nullptr) return;
    stack = {};
    stack.ss_sp = memory_.begin();
    stack.ss_size = kFaultStackBytes;
    sigaltstack(&stack, nullptr);
  }

 private:
  Mapping memory_;
};

thread_local SignalStack signal_stack;

}  // namespace

void set_up_signal_stack() { signal_stack.set_up(); }

/// All instances that have frozen slabs, for the handler.
class Registry {
 public:
  static void add(FrozenSlabs* slabs) {
    const WithoutSignals without;
    const Lock lock;
    slabs->next_ = first;
    first = slabs;
    if (has_frozen_slabs.exchange(true)) return;
    struct sigaction action{};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &before);
  }

  static void remove(FrozenSlabs* slabs) {
    const WithoutSignals without;
    const Lock lock;
    FrozenSlabs** at = &first;
    while (*at != slabs) at = &(*at)->next_;
    *at = slabs->next_;
  }

 private:
  /// Held for a few instructions. No code that holds it accesses a heap.
  struct Lock {
    Lock() {
      while (busy.test_and_set(std::memory_order_acquire)) {}
    }
    ~Lock() { busy.clear(std::memory_order_release); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
  };

  static FrozenSlabs* find(const void* address) {
    const Lock lock;
    for (FrozenSlabs* slabs = first; slabs != nullptr; slabs = slabs->next_) {
      if (slabs->range_.contains(address)) return slabs;
    }
    return nullptr;
  }

  static void on_signal(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    if (info->si_code == SEGV_ACCERR) {
      FrozenSlabs* slabs = find(info->si_addr);
      if (slabs != nullptr && slabs->on_fault(info->si_addr)) {
        errno = saved_errno;
        return;
      }
    }
    if ((before.sa_flags & SA_SIGINFO) != 0) {
      before.sa_sigaction(signal, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
      before.sa_handler(signal);
    } else {
      // The access is made again, and ends the process as if this handler were not there.
      std::signal(signal, SIG_DFL);
    }
    errno = saved_errno;
  }

  static inline FrozenSlabs* first = nullptr;
  static inline std::atomic_flag busy;
  static inline struct sigaction before{};
};

/// Runs in the signal handler. What it interrupts may be the marker or a native, never a change of the state here.
bool FrozenSlabs::on_fault(const void* address) {
  Slab* slab = range_.slab_of(address);
  if (!slab->is_frozen) return false;
  slab->thaws = static_cast<uint8_t>(slab->thaws + 1);
  const bool stays = slab->is_hot();
  price_ += stays ? kThawPrice : 1;
  ++stats_.thawed_slabs;
  if (!stays) {
    // The oldest of the window makes room, and memory.
    Slab*& place = window_[window_at_];
    window_at_ = (window_at_ + 1) % kWindowSlabs;
    if (place != nullptr && place->is_in_window) {
      place->is_in_window = false;
      if (!place->is_frozen) take_memory(place);
    }
    slab->is_in_window = true;
    place = slab;
  }
  thaw(slab);
  return true;
}

// ---- memory -----------------------------------------------------------------

FrozenSlabs::~FrozenSlabs() {
  if (!has_begun_) return;
  Registry::remove(this);
  for (size_t i = 0; i < range_.bytes / kSlabBytes && coded_ != 0; ++i) {
    Slab* slab = &range_.table[i];
    if (slab->code == nullptr) continue;
    std::free(slab->code);
    slab->code = nullptr;
    --coded_;
  }
  // The next owner of the range finds it without protection, and in one piece.
  mmap(reinterpret_cast<void*>(range_.start), range_.bytes, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/// Returns false if the system does not provide what is needed.
bool FrozenSlabs::begin() {
  if (has_begun_) return true;
  views_ = Mapping((kViews + 1) * kSlabBytes);  // the last one is for checks
  pool_ = Mapping((kPooledSlabs + 1) * kSlabBytes);
  scratch_ = std::make_unique_for_overwrite<uint8_t[]>(kMostCodeBytes);
  if (views_.begin() == nullptr || pool_.begin() == nullptr) return false;
  pool_start_ =
      reinterpret_cast<Word*>((reinterpret_cast<uintptr_t>(pool_.begin()) + kSlabBytes - 1) & ~(kSlabBytes - 1));
  has_begun_ = true;
  Registry::add(this);
  set_up_signal_stack();
  return true;
}

/// Makes the addresses of a slab fault and moves its memory to the pool, or returns it to the system.
void FrozenSlabs::take_memory(Slab* slab) {
  if (verify_) {
    decode_objects(slab->code, slab->code_bytes, slab->words(), view_words(kViews));
    const size_t bytes = static_cast<size_t>(slab->top - slab->words()) * sizeof(Word);
    if (std::memcmp(view_words(kViews), slab->words(), bytes) != 0) {
      FBLE_BUG("heap verify: an encoded slab was written to");
    }
  }
  if (pooled_ < kPooledSlabs &&
      mremap(slab->start, kSlabBytes, kSlabBytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
             pool_slot(pooled_)) != MAP_FAILED) {
    ++pooled_;
  }
  slab->is_frozen = true;
  if (mmap(slab->start, kSlabBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
      MAP_FAILED) {
    if (slab->is_moved) --moved_;
    slab->is_moved = false;
    return;
  }
  // The system is out of mappings: the slab stays.
  slab->is_frozen = false;
  decode_objects(slab->code, slab->code_bytes, slab->words(), slab->words());
}

/// Makes the addresses of a slab usable. What is there then is not defined.
void FrozenSlabs::bring_memory(Slab* slab) {
  if (pooled_ != 0 && moved_ < kMostMovedSlabs &&
      mremap(pool_slot(pooled_ - 1), kSlabBytes, kSlabBytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
             slab->start) != MAP_FAILED) {
    --pooled_;
    if (!slab->is_moved) ++moved_;
    slab->is_moved = true;
    return;
  }
  if (mprotect(slab->start, kSlabBytes, PROT_READ | PROT_WRITE) != 0) system_out_of_memory();
}

void FrozenSlabs::thaw(Slab* slab) {
  bring_memory(slab);
  slab->is_frozen = false;
  decode_objects(slab->code, slab->code_bytes, slab->words(), slab->words());
}

void FrozenSlabs::unprotect(Slab* slab) {
  if (!slab->is_protected) return;
  const WithoutSignals without;
  bring_memory(slab);
  slab->is_protected = false;
}

// ---- freezing ---------------------------------------------------------------

bool FrozenSlabs::encode(Slab* slab) {
  if (slab->code != nullptr) return true;
  const size_t words = static_cast<size_t>(slab->top - slab->words());
  const size_t limit = std::clamp(words * sizeof(Word) / kCodeOneIn, kLeastCodeBytes, kMostCodeBytes);
  const size_t bytes = encode_objects(slab->words(), slab->top, scratch_.get(), limit);
  if (bytes == 0) return false;
  slab->code = static_cast<uint8_t*>(std::malloc(bytes));
  if (slab->code == nullptr) return false;
  std::memcpy(slab->code, scratch_.get(), bytes);
  slab->code_bytes = static_cast<uint32_t>(bytes);
  slab->peeks = 0;
  ++coded_;
  ++stats_.frozen_slabs;
  stats_.code_bytes += bytes;
  return true;
}

bool FrozenSlabs::freeze(Slab* slab) {
  if (slab->is_frozen) return true;
  if (slab->code == nullptr && coded_ >= kMostCodedSlabs) return false;
  if (!begin()) return false;
  // The words that will change are placeholders. Raw data may look like them.
  const bool may_change = std::any_of(slab->words(), slab->top, is_placeholder);
  if (may_change || !encode(slab)) {
    ++stats_.kept_slabs;
    slab->thaws = kMostThaws;
    price_ += kUnlikePrice;
    return false;
  }
  const WithoutSignals without;
  slab->is_in_window = false;
  take_memory(slab);
  return slab->is_frozen;
}

void FrozenSlabs::forget_code(Slab* slab) {
  if (slab->code != nullptr && !slab->is_frozen && !slab->is_in_window) discard_code(slab, true);
}

void FrozenSlabs::discard_code(Slab* slab, bool keep_objects) {
  const WithoutSignals without;
  close_view(slab);
  slab->is_in_window = false;
  if (slab->is_frozen) {
    if (keep_objects) {
      thaw(slab);
    } else {
      slab->is_frozen = false;
      slab->is_protected = true;
    }
  }
  std::free(slab->code);
  slab->code = nullptr;
  --coded_;
}

// ---- views ------------------------------------------------------------------

void FrozenSlabs::close_view(Slab* slab) {
  if (slab->view == 0) return;
  viewed_[slab->view - 1] = nullptr;
  slab->view = 0;
}

/// A signal may thaw the slab meanwhile. Its code stays, and so does its view.
__attribute__((noinline)) const Object* FrozenSlabs::view_frozen(Slab* slab, const Object* object, bool counts) {
  if (slab->view == 0) {
    if (counts && ++slab->peeks >= kMostPeeks) {
      // Its objects are met in an order that decodes it again and again.
      price_ += kThawPrice;
      slab->thaws = kMostThaws;
      discard_code(slab, true);
      return object;
    }
    if (viewed_[next_view_] != nullptr && viewed_[next_view_] == pinned_) next_view_ = (next_view_ + 1) % kViews;
    if (viewed_[next_view_] != nullptr) close_view(viewed_[next_view_]);
    viewed_[next_view_] = slab;
    slab->view = static_cast<uint8_t>(next_view_ + 1);
    decode_objects(slab->code, slab->code_bytes, slab->words(), view_words(next_view_));
    next_view_ = (next_view_ + 1) % kViews;
    ++stats_.peeks;
  }
  return reinterpret_cast<const Object*>(view_words(slab->view - 1u) +
                                         (reinterpret_cast<const Word*>(object) - slab->words()));
}

}  // namespace fble
