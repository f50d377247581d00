// /Std/Io/Thread%: channels.
//
// A channel is the one place where values change while a program runs. Threads that wait at it keep what they send in
// their frames. So only the items that wait in the channel itself are the collector's business.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#include <algorithm>
#include <utility>
#include <vector>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "interp/carrier.h"
#include "interp/scheduler.h"

namespace fble {
namespace {

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

/// It holds at most `capacity` items. Threads wait to receive only while it is empty, and to send only while it is
/// full; nothing waits once it is closed.
class Channel final : public TracedResource {
 public:
  static void* operator new(size_t bytes, ThreadStore& store) { return store.new_object(bytes); }
  static void operator delete(void* channel) { Cells::give(channel); }
  explicit Channel(uint64_t limit) : capacity(limit) {}
  void visit_values(const std::function<void(Word&)>& visit) override { items.for_each(visit); }

  const uint64_t capacity;
  WordQueue items;
  ThreadList receivers;
  ThreadList senders;
  bool is_closed = false;
};

/// The argument of Send that is the item.
constexpr uint32_t kItem = 1;

Scheduler& scheduler(NativeCall& call) { return call.carrier().machine.scheduler; }

/// Null, with an error, if the first argument is no channel.
Channel* channel_arg(NativeCall& call) {
  Channel* channel = handle_resource<Channel>(call.arg(0));
  if (channel == nullptr) fail_handle(call, call.arg(0), "channel");
  return channel;
}

/// Puts an item into the channel itself.
void put(NativeCall& call, Channel& channel, Word item) {
  channel.items.push(item);
  if (is_pointer(item)) call.carrier().machine.heap.note_written(channel);
}

/// Channel : <@ T@>(Int@ capacity) { External@<Channel@<T@>>; }
Word make_channel(NativeCall& call) {
  const Read<IntValue> capacity = read_int(call.arg(0), call.int_form());
  if (capacity.error != ReadError::kNone) return fail_read(call, capacity.error, "capacity");
  if (capacity.value.negative) return call.fail("the capacity of a channel is negative");
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_native(std::unique_ptr<Channel>(
      new (call.machine().threads) Channel(capacity.value.overflow ? UINT64_MAX : capacity.value.magnitude)));
}

/// Just(item); takes object_words(1).
Word just_word(NativeCall& call, Word item) {
  const Word packed = is_packed(item) ? pack_union(item, tag_width(2), 0) : 0;
  return packed != 0 ? packed : call.make_union(0, 2, item);
}

/// Send : <@ T@>(Channel@<T@> channel, T@ item) { External@<Bool@>; }
Word send(NativeCall& call) {
  Channel* channel = channel_arg(call);
  if (channel == nullptr) return 0;
  if (channel->is_closed) return bool_word(false);
  if (!channel->receivers.empty()) {
    if (!call.reserve(object_words(1))) return kOutOfMemory;
    scheduler(call).note_sent(call.arg(kItem));
    scheduler(call).wake(*channel->receivers.first(), just_word(call, call.arg(kItem)));
    return bool_word(true);
  }
  if (channel->items.size() < channel->capacity) {
    scheduler(call).note_sent(call.arg(kItem));
    put(call, *channel, call.arg(kItem));
    return bool_word(true);
  }
  return scheduler(call).park(call.carrier(), channel->senders, Wait::kSend);
}

/// Receive : <@ T@>(Channel@<T@> channel) { External@<Maybe@<T@>>; }
Word receive(NativeCall& call) {
  Channel* channel = channel_arg(call);
  if (channel == nullptr) return 0;
  if (channel->items.empty() && channel->senders.empty()) {
    if (channel->is_closed) return nothing_word();
    return scheduler(call).park(call.carrier(), channel->receivers, Wait::kReceive);
  }
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  Word item = channel->items.empty() ? 0 : channel->items.pop();
  if (!channel->senders.empty()) {
    VirtualThread& sender = *channel->senders.first();
    const Word sent = scheduler(call).argument(sender, kItem);
    scheduler(call).note_sent(sent);
    if (item == 0) {
      item = sent;
    } else {
      put(call, *channel, sent);
    }
    scheduler(call).wake(sender, bool_word(true));
  }
  return just_word(call, item);
}

/// Close : <@ T@>(Channel@<T@> channel) { External@<Unit@>; }
Word close_channel(NativeCall& call) {
  Channel* channel = channel_arg(call);
  if (channel == nullptr) return 0;
  channel->is_closed = true;
  scheduler(call).wake_all(channel->receivers, nothing_word());
  scheduler(call).wake_all(channel->senders, bool_word(false));
  return kUnitWord;
}

constexpr const char* kThread = "/Std/Io/Thread%";
constexpr NativeRow kRows[] = {
    {kThread, "Channel", 2, NativeEffect::kWritesWorld, make_channel},
    {kThread, "Send", 3, NativeEffect::kMayBlock, send},
    {kThread, "Receive", 2, NativeEffect::kMayBlock, receive},
    {kThread, "Close", 2, NativeEffect::kWritesWorld, close_channel},
};

}  // namespace

std::span<const NativeRow> channel_natives() { return kRows; }

}  // namespace fble
