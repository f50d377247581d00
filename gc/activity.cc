#include "gc/activity.h"

namespace fble {

const char* activity_text(Activity activity) {
  constexpr const char* kTexts[] = {
#define FBLE_ACTIVITY(Name, text, doc) text,
#include "gc/activities.def"
#undef FBLE_ACTIVITY
  };
  return kTexts[static_cast<size_t>(activity)];
}

}  // namespace fble
