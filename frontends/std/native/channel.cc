// /Std/Io/Thread%: channels.
//
// A channel is the one place where values change while a program runs. Threads that wait at it keep what they send in
// their frames. So only the items that wait in the channel itself are the collector's business.
//
// Tested by tests/std/Threads in all modes, and tests/unit/interp/scheduler_test.cc.
#include <deque>

#include "frontends/std/native/values.h"
#include "frontends/std/register_std.h"
#include "interp/machine_state.h"
#include "interp/scheduler.h"

namespace fble {
namespace {

/// It holds at most `capacity` items. Threads wait to receive only while it is empty, and to send only while it is
/// full; nothing waits once it is closed.
class Channel final : public TracedResource {
 public:
  explicit Channel(uint64_t limit) : capacity(limit) {}
  void visit_values(const std::function<void(Word&)>& visit) override {
    for (Word& item : items) visit(item);
  }

  const uint64_t capacity;
  std::deque<Word> items;
  ThreadList receivers;
  ThreadList senders;
  bool is_closed = false;
};

/// The argument of Send that is the item.
constexpr uint32_t kItem = 1;

Scheduler& scheduler(NativeCall& call) { return call.machine().scheduler; }

/// Null, with an error, if the first argument is no channel.
Channel* channel_arg(NativeCall& call) {
  Channel* channel = handle_resource<Channel>(call.arg(0));
  if (channel == nullptr) fail_handle(call, call.arg(0), "channel");
  return channel;
}

/// Channel : <@ T@>(Int@ capacity) { External@<Channel@<T@>>; }
Word make_channel(NativeCall& call) {
  const Read<IntValue> capacity = read_int(call.arg(0), call.int_form());
  if (capacity.error != ReadError::kNone) return fail_read(call, capacity.error, "capacity");
  if (capacity.value.negative) return call.fail("the capacity of a channel is negative");
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  return call.make_native(std::make_unique<Channel>(capacity.value.overflow ? UINT64_MAX : capacity.value.magnitude));
}

/// Just(item); takes object_words(1).
Word just_word(NativeCall& call, Word item) { return call.make_union(0, 2, item); }

/// Send : <@ T@>(Channel@<T@> channel, T@ item) { External@<Bool@>; }
Word send(NativeCall& call) {
  Channel* channel = channel_arg(call);
  if (channel == nullptr) return 0;
  if (channel->is_closed) return bool_word(false);
  if (!channel->receivers.empty()) {
    if (!call.reserve(object_words(1))) return kOutOfMemory;
    scheduler(call).wake(*channel->receivers.first(), just_word(call, call.arg(kItem)));
    return bool_word(true);
  }
  if (channel->items.size() < channel->capacity) {
    channel->items.push_back(call.arg(kItem));
    call.machine().heap.note_written(*channel);
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
  if (!channel->senders.empty()) {
    VirtualThread& sender = *channel->senders.first();
    channel->items.push_back(scheduler(call).argument(sender, kItem));
    call.machine().heap.note_written(*channel);
    scheduler(call).wake(sender, bool_word(true));
  }
  const Word item = channel->items.front();
  channel->items.pop_front();
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
