// /Std/Io/Thread%: channels.
#include "frontends/std/native/channel.h"

#include "frontends/std/native/waiting.h"
#include "frontends/std/register_std.h"
#include "interp/choice.h"
#include "interp/machine_state.h"

namespace fble {
namespace {

static_assert(kExchangeWords == 1 + 1 + 1 + 2, "Just of the item, and the answer for an event");

/// The argument of Send that is the item.
constexpr uint32_t kItem = 1;

/// Just(item); takes object_words(1).
Word just_word(NativeCall& call, Word item) {
  const Word packed = is_packed(item) ? pack_union(item, tag_width(2), 0) : 0;
  return packed != 0 ? packed : call.make_union(0, 2, item);
}

/// Ends the wait of the thread or the event with the answer.
void answer(NativeCall& call, Waiter& waiter, Word word) {
  if (!waiter.is_case) return scheduler_of(call).wake(static_cast<VirtualThread&>(waiter), word);
  auto& chosen = static_cast<ChoiceCase&>(waiter);
  const Word cases = scheduler_of(call).argument(chosen.choice->thread, 0);
  scheduler_of(call).commit(chosen, chosen_word(call, case_at(cases, chosen.index), word));
}

/// Returns the item that the thread or the event waits to send.
Word item_of(NativeCall& call, Waiter& sender) {
  if (!sender.is_case) return scheduler_of(call).argument(static_cast<VirtualThread&>(sender), kItem);
  const auto& waiting = static_cast<const ChoiceCase&>(sender);
  return view_case(case_at(scheduler_of(call).argument(waiting.choice->thread, 0), waiting.index))->item;
}

/// Puts an item into the channel itself.
void put(NativeCall& call, Channel& channel, Word item) {
  channel.items.push(item);
  if (is_pointer(item)) call.machine().heap.note_written(channel);
}

/// Channel : <@ T@>(Int@ capacity) { External@<Channel@<T@>>; }
Word make_channel(NativeCall& call) {
  const Read<IntValue> capacity = read_int(call.arg(0), call.int_form());
  if (capacity.error != ReadError::kNone) return fail_read(call, capacity.error, "capacity");
  if (capacity.value.negative) return call.fail("the capacity of a channel is negative");
  if (!call.reserve(object_words(1))) return kOutOfMemory;
  auto channel = std::unique_ptr<Channel>(new (call.machine().threads)
                                              Channel(capacity.value.overflow ? UINT64_MAX : capacity.value.magnitude));
  channel->made = innermost_line(call.pc(), call.fp());
  return call.make_native(std::move(channel));
}

/// Send : <@ T@>(Channel@<T@> channel, T@ item) { External@<Bool@>; }
Word send(NativeCall& call) {
  Channel* channel = channel_of(call, call.arg(0));
  if (channel == nullptr) return 0;
  if (!channel->can_send()) return scheduler_of(call).park(call.carrier(), channel->senders, Wait::kSend);
  if (!call.reserve(kExchangeWords)) return kOutOfMemory;
  return send_now(call, *channel, call.arg(kItem));
}

/// Receive : <@ T@>(Channel@<T@> channel) { External@<Maybe@<T@>>; }
Word receive(NativeCall& call) {
  Channel* channel = channel_of(call, call.arg(0));
  if (channel == nullptr) return 0;
  if (!channel->can_receive()) return scheduler_of(call).park(call.carrier(), channel->receivers, Wait::kReceive);
  if (!call.reserve(kExchangeWords)) return kOutOfMemory;
  return receive_now(call, *channel);
}

/// Close : <@ T@>(Channel@<T@> channel) { External@<Unit@>; }
Word close_channel(NativeCall& call) {
  Channel* channel = channel_of(call, call.arg(0));
  if (channel == nullptr) return 0;
  channel->is_closed = true;
  scheduler_of(call).wake_all(channel->receivers, nothing_word());
  scheduler_of(call).wake_all(channel->senders, bool_word(false));
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

Channel* channel_of(NativeCall& call, Word word) {
  Channel* channel = handle_resource<Channel>(word);
  if (channel == nullptr) fail_handle(call, word, "channel");
  return channel;
}

Word receive_now(NativeCall& call, Channel& channel) {
  if (channel.items.empty() && channel.senders.empty()) return nothing_word();
  Word item = channel.items.empty() ? 0 : channel.items.pop();
  if (!channel.senders.empty()) {
    Waiter& sender = *channel.senders.first();
    const Word sent = item_of(call, sender);
    scheduler_of(call).note_sent(sent);
    if (item == 0) {
      item = sent;
    } else {
      put(call, channel, sent);
    }
    answer(call, sender, bool_word(true));
  }
  return just_word(call, item);
}

Word send_now(NativeCall& call, Channel& channel, Word item) {
  if (channel.is_closed) return bool_word(false);
  scheduler_of(call).note_sent(item);
  if (!channel.receivers.empty()) {
    answer(call, *channel.receivers.first(), just_word(call, item));
  } else {
    put(call, channel, item);
  }
  return bool_word(true);
}

std::span<const NativeRow> channel_natives() { return kRows; }

}  // namespace fble
