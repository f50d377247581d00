#include "frontends/std/register_std.h"

namespace fble {

void register_std(NativeTable& natives) {
  natives.add(channel_natives());
  natives.add(clock_natives());
  natives.add(debug_natives());
  natives.add(directory_natives());
  natives.add(env_natives());
  natives.add(event_natives());
  natives.add(file_natives());
  natives.add(int_natives());
  natives.add(io_natives());
  natives.add(list_natives());
  natives.add(map_natives());
  natives.add(socket_natives());
  natives.add(thread_natives());
}

void register_spec_tests(NativeTable& natives) { natives.add(spec_natives()); }

}  // namespace fble
