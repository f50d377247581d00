// Channels: what Send, Receive and events do with them.
//
// A channel is the one place where values change while a program runs. Threads that wait at it keep what they send in
// their frames. So only the items that wait in the channel itself are the collector's business.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "frontends/std/native/values.h"
#include "interp/scheduler.h"

namespace fble {

/// A queue of words. Its memory follows their number.
class WordQueue {
 public:
  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  void push(Word word) {
    if (count_ == places_.size()) resize(std::max(kFewestPlaces, 2 * count_));
    at(count_++) = word;
  }
  Word pop() {
    const Word word = at(0);
    ++first_;
    if (--count_ < places_.size() / 4 && places_.size() > kFewestPlaces) resize(places_.size() / 2);
    return word;
  }
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (size_t i = 0; i < count_; ++i) visit(at(i));
  }

 private:
  static constexpr size_t kFewestPlaces = 4;  // a power of 2, as all numbers of places are

  Word& at(size_t index) { return places_[(first_ + index) & (places_.size() - 1)]; }
  void resize(size_t size) {
    std::vector<Word> places(size);
    for (size_t i = 0; i < count_; ++i) places[i] = at(i);
    places_ = std::move(places);
    first_ = 0;
  }

  std::vector<Word> places_;
  size_t first_ = 0;  ///< the place of the first word, modulo their number
  size_t count_ = 0;
};

/// It holds at most `capacity` items. Threads and events wait to receive only while it is empty, and to send only
/// while it is full; nothing waits once it is closed.
class Channel final : public TracedResource, public MadeHere {
 public:
  static void* operator new(size_t bytes, ThreadStore& store) { return store.new_object(bytes); }
  static void operator delete(void* channel) { Cells::give(channel); }
  explicit Channel(uint64_t limit) : capacity(limit) {}
  void visit_values(const std::function<void(Word&)>& visit) override { items.for_each(visit); }

  bool can_receive() const { return !items.empty() || !senders.empty() || is_closed; }
  bool can_send() const { return items.size() < capacity || !receivers.empty() || is_closed; }

  const uint64_t capacity;
  WordQueue items;
  WaiterList receivers;
  WaiterList senders;
  bool is_closed = false;
};

/// Returns null, with an error, if the word is no channel.
Channel* channel_of(NativeCall& call, Word word);

/// The words that `receive_now` and `send_now` may take.
inline constexpr size_t kExchangeWords = 5;

/// Receives without waiting. Returns a Maybe@: Nothing if the channel is closed and empty. Requires: can_receive,
/// and kExchangeWords reserved.
Word receive_now(NativeCall& call, Channel& channel);
/// Sends without waiting. Returns a Bool@: False if the channel is closed. Requires: can_send, and kExchangeWords
/// reserved.
Word send_now(NativeCall& call, Channel& channel, Word item);

// The cases of an event, as Commit gets them (Case@ in /Std/Io/Thread%).

enum class CaseKind : uint8_t { kReceive, kSend, kAfter, kEnding };
inline constexpr uint32_t kCaseKinds = 4;

/// *(CaseKind@ kind, Any@ object, Any@ item, (Any@) { A@; } finish)
struct CaseView {
  CaseKind kind;
  Word object;  ///< the channel, the time or the task
  Word item;    ///< that is to be sent
};
/// Returns the case that the word is; nothing if it is none.
std::optional<CaseView> view_case(Word word);

/// Returns what Commit has: *(Case@<A@> case, Any@ answer). Takes object_words(2).
Word chosen_word(NativeCall& call, Word chosen, Word answer);
/// Returns the case with the number in a list of cases that has been read before.
Word case_at(Word list, uint32_t index);

}  // namespace fble
