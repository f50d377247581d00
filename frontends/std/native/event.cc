// /Std/Io/Thread%: events. Most of them is in Fble; here is what waits for the cases of an event, and commits one.
// Tested by tests/std/Threads.
#include <algorithm>

#include "frontends/std/native/channel.h"
#include "frontends/std/native/file_waiting.h"
#include "frontends/std/native/waiting.h"
#include "frontends/std/register_std.h"
#include "interp/choice.h"
#include "interp/machine_state.h"

namespace fble {
namespace {

/// *(CaseKind@ kind, Any@ object, Any@ item, (Any@) { A@; } finish)
constexpr uint32_t kCaseFields = 4;

/// What there is to know of the cases of an event before one happens.
struct Look {
  size_t count = 0;
  std::optional<uint32_t> happened;  ///< the case to take of those that have happened
  std::optional<uint32_t> earliest;  ///< the case with the first time
  uint64_t wait = UINT64_MAX;        ///< nanoseconds until then
};

/// Returns null, with an error, if the word is no task.
Task* task_of(NativeCall& call, Word word) {
  Task* task = handle_resource<Task>(word);
  if (task == nullptr) fail_handle(call, word, "task");
  return task;
}

/// Returns whether the case has happened; nothing, with an error, if it is none.
std::optional<bool> has_happened(NativeCall& call, const CaseView& view, uint64_t& time) {
  switch (view.kind) {
    case CaseKind::kReceive:
    case CaseKind::kSend: {
      const Channel* channel = channel_of(call, view.object);
      if (channel == nullptr) return std::nullopt;
      return view.kind == CaseKind::kReceive ? channel->can_receive() : channel->can_send();
    }
    case CaseKind::kEnding: {
      const Task* task = task_of(call, view.object);
      if (task == nullptr) return std::nullopt;
      return task->outcome != TaskOutcome::kNone;
    }
    case CaseKind::kAfter: break;
  }
  const Read<IntValue> read = read_int(view.object, call.int_form());
  if (read.error != ReadError::kNone) {
    fail_read(call, read.error, "time");
    return std::nullopt;
  }
  time = read.value.negative ? 0 : read.value.overflow ? UINT64_MAX - 1 : read.value.magnitude;
  return false;
}

/// Looks at all cases. Of those that have happened it takes the first from the number `first` on, or else the first of
/// all. Returns false, with an error, if the argument is no list of cases.
bool look(NativeCall& call, uint32_t first, Look& found) {
  ListReader cases(call.arg(0));
  Word word;
  while (cases.next(word)) {
    const auto index = static_cast<uint32_t>(found.count++);
    const std::optional<CaseView> view = view_case(word);
    if (!view) {
      fail_read(call, is_placeholder(word) ? ReadError::kUndefined : ReadError::kShape, "event");
      return false;
    }
    uint64_t time = UINT64_MAX;
    const std::optional<bool> happened = has_happened(call, *view, time);
    if (!happened) return false;
    if (*happened && (!found.happened || (*found.happened < first && index >= first))) found.happened = index;
    if (time < found.wait) {
      found.wait = time;
      found.earliest = index;
    }
  }
  if (cases.error() == ReadError::kNone) return true;
  fail_read(call, cases.error(), "event");
  return false;
}

/// Returns the number of items in a list of cases.
std::optional<uint32_t> count_cases(NativeCall& call) {
  ListReader cases(call.arg(0));
  uint32_t count = 0;
  for (Word word; cases.next(word);) ++count;
  if (cases.error() == ReadError::kNone) return count;
  fail_read(call, cases.error(), "event");
  return std::nullopt;
}

// Outcome@<A@> of a thread that has ended: +(A@ done, String@ failed, Unit@ stopped).
constexpr uint32_t kOutcomes = 3;

size_t outcome_words(const Task& task) { return object_words(1) + list_words(task.failure.size()); }

/// Takes outcome_words(task).
Word outcome_word(NativeCall& call, const Task& task) {
  switch (task.outcome) {
    case TaskOutcome::kDone: return call.make_union(0, kOutcomes, task.value);
    case TaskOutcome::kFailed: return call.make_union(1, kOutcomes, make_string(call, decode_name(task.failure)));
    default: return packed_enum(2, kOutcomes);
  }
}

/// Has the case happen that can, without waiting. Returns the result of Commit.
Word take(NativeCall& call, uint32_t index) {
  const auto chosen = [&] { return view_case(case_at(call.arg(0), index)); };
  const CaseView view = *chosen();
  const size_t words =
      view.kind == CaseKind::kEnding ? outcome_words(*handle_resource<Task>(view.object)) : kExchangeWords;
  if (!call.reserve(words + object_words(2))) return kOutOfMemory;
  const auto [kind, object, item] = *chosen();
  Word answer = kUnitWord;
  switch (kind) {
    case CaseKind::kReceive: answer = receive_now(call, *handle_resource<Channel>(object)); break;
    case CaseKind::kSend: answer = send_now(call, *handle_resource<Channel>(object), item); break;
    case CaseKind::kEnding: answer = outcome_word(call, *handle_resource<Task>(object)); break;
    case CaseKind::kAfter: break;
  }
  return chosen_word(call, case_at(call.arg(0), index), answer);
}

/// Makes the choice for which the thread waits.
std::unique_ptr<Choice> choice_of(NativeCall& call, size_t count) {
  auto choice = std::make_unique<Choice>(call.thread(), count);
  ListReader cases = ListReader::again(call.arg(0));
  Word word;
  for (uint32_t index = 0; cases.next(word); ++index) {
    const CaseView view = *view_case(word);
    if (view.kind == CaseKind::kAfter) continue;
    if (view.kind == CaseKind::kEnding) {
      choice->add(handle_resource<Task>(view.object)->waiting, index, Wait::kJoin, nullptr);
      continue;
    }
    Channel& channel = *handle_resource<Channel>(view.object);
    const bool receives = view.kind == CaseKind::kReceive;
    choice->add(receives ? channel.receivers : channel.senders, index, receives ? Wait::kReceive : Wait::kSend,
                &channel);
  }
  return choice;
}

/// Commit : <@ A@>(List@<Case@<A@>> cases) { External@<*(Case@<A@> case, Any@ answer)>; }
///
/// Waits until one of the cases can happen, and has it happen. If several can, it takes any; a time only if no other
/// can.
Word commit(NativeCall& call) {
  Scheduler& scheduler = scheduler_of(call);
  const std::unique_ptr<Choice> before = finished<Choice>(call);
  const bool is_late = took_too_long(call);
  uint32_t first = 0;
  if (before != nullptr) {
    first = before->woken_by;
  } else {
    const std::optional<uint32_t> count = count_cases(call);
    if (!count) return 0;
    if (*count > 1) first = scheduler.random_case(*count);
  }
  Look found;
  if (!look(call, first, found)) return 0;
  if (found.happened) return take(call, *found.happened);
  if (found.earliest && (is_late || found.wait == 0)) return take(call, *found.earliest);

  if (!call.charge(found.count * sizeof(ChoiceCase))) return kOutOfMemory;
  publish_output(call);
  std::unique_ptr<Choice> choice = choice_of(call, found.count);
  if (before != nullptr) {
    choice->deadline = before->deadline;
  } else if (found.earliest) {
    const int64_t now = scheduler.now();
    choice->deadline = now + static_cast<int64_t>(std::min(found.wait, static_cast<uint64_t>(INT64_MAX - 1 - now)));
  }
  return scheduler.wait_for_choice(call.carrier(), std::move(choice));
}

/// Erase : <@ A@>(A@ value) { Any@; }, and back
Word same(NativeCall& call) { return call.arg(0); }

constexpr const char* kThread = "/Std/Io/Thread%";
constexpr NativeRow kRows[] = {
    {kThread, "Commit", 2, NativeEffect::kMayBlock, commit},
    {kThread, "Erase", 1, NativeEffect::kPure, same},
    {kThread, "Recover", 1, NativeEffect::kPure, same},
};

}  // namespace

std::optional<CaseView> view_case(Word word) {
  if (!is_pointer(word) || as_object(word)->kind() != ObjectKind::kStruct) return std::nullopt;
  const Object& object = *as_object(word);
  if (object.count() != kCaseFields) return std::nullopt;
  const Read<uint32_t> kind = read_enum(object.fields[0], kCaseKinds);
  if (kind.error != ReadError::kNone) return std::nullopt;
  return CaseView{static_cast<CaseKind>(kind.value), object.fields[1], object.fields[2]};
}

Word chosen_word(NativeCall& call, Word chosen, Word answer) {
  const Word fields[] = {chosen, answer};
  return call.make_struct(fields);
}

Word case_at(Word list, uint32_t index) {
  ListReader cases = ListReader::again(list);
  Word word = 0;
  for (uint32_t i = 0; i <= index; ++i) cases.next(word);
  return word;
}

std::span<const NativeRow> event_natives() { return kRows; }

}  // namespace fble
