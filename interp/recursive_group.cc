#include "interp/recursive_group.h"

namespace fble {

void RecursiveGroups::declare(uint32_t count, Word* slots) {
  open_.push_back(pending_.size());
  for (uint32_t i = 0; i < count; ++i) slots[i] = make_placeholder(next_placeholder + i);
  next_placeholder += count;
}

int RecursiveGroups::define(uint32_t count, Word* slots, const uint32_t* value_slots, const Word* frame,
                            Globals& globals, Heap& heap) {
  const uint64_t first = next_placeholder - count;
  auto in_group = [&](Word word) { return is_placeholder(word) && placeholder_id(word) >= first; };
  // A definition may be a variable of the group: follow the chain to a value.
  // A chain longer than the group is a cycle.
  std::vector<Word> values(count);
  for (uint32_t i = 0; i < count; ++i) {
    Word word = frame[value_slots[i]];
    for (uint32_t steps = 0; in_group(word); ++steps) {
      if (steps > count) return static_cast<int>(i);
      word = frame[value_slots[placeholder_id(word) - first]];
    }
    values[i] = word;
  }
  const size_t begin = open_.back();
  open_.pop_back();
  size_t keep = begin;
  for (size_t at = begin; at < pending_.size(); ++at) {
    const Pending entry = pending_[at];
    bool still_pending = false;
    auto patch = [&](Word& word) {
      // A promise becomes the field, which may be a variable of the group again.
      while (in_group(word)) {
        const Word value = values[placeholder_id(word) - first];
        if (!is_promise(word)) {
          word = value;
        } else if (is_placeholder(value)) {
          word = value | promise_bits(promised_index(word), promised_count(word));
        } else {
          word = struct_field(value, promised_index(word), promised_count(word));
        }
      }
      still_pending |= is_placeholder(word);
    };
    if (entry.object == nullptr) {
      patch(globals.words[entry.global]);
      globals.note_written(entry.global);
    } else {
      for (uint32_t i = entry.object->first_value(); i < entry.object->count(); ++i) patch(entry.object->fields[i]);
      heap.remember(entry.object);
    }
    if (still_pending) pending_[keep++] = entry;
  }
  pending_.resize(keep);
  next_placeholder = first;
  for (uint32_t i = 0; i < count; ++i) slots[i] = values[i];
  return -1;
}

void RecursiveGroups::visit(Collector& collector) {
  for (Pending& entry : pending_) {
    if (entry.object == nullptr) continue;
    Word word = from_object(entry.object);
    collector.visit(word);
    entry.object = as_object(word);
  }
}

}  // namespace fble
