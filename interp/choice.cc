#include "interp/choice.h"

namespace fble {

void Choice::add(WaiterList& target, uint32_t index, Wait wait, const MadeHere* object) {
  FBLE_ASSERT(cases_.size() < cases_.capacity());
  ChoiceCase& added = cases_.emplace_back();
  added.is_case = true;
  added.choice = this;
  added.target = &target;
  added.index = index;
  added.wait = wait;
  added.object = object;
}

void Choice::enter() {
  for (ChoiceCase& each : cases_) each.target->push(each);
}

void Choice::withdraw() {
  for (ChoiceCase& each : cases_) each.target->remove(each);
}

}  // namespace fble
