// Searches that wait where they are: for OS threads, on their own stacks, and for virtual threads, on chunks. This is
// what an author writes, and what Vale's compiler would make of it: `is_concurrent` is passed down, virtual and
// recursive calls choose by it, and libc is called on the carrier's stack. stack_need.py reads the code that comes of
// this file.
#include "tests/vale/search.h"

#include <cstring>

#include "tests/vale/dive.h"
#include "tests/vale/folder.h"
#include "tests/vale/json_scan.h"
#include "tests/vale/runtime.h"
#include "tests/vale/text.h"

namespace vale {
namespace {

using What = Operation::What;

/// Reads a file. Its bytes are null if that fails; then there is a problem.
Text read_file(int64_t is_concurrent, Node& node, Context& context) {
  Operation operation{.what = What::kOpen, .data = node.path.data()};
  vale_wait_for(is_concurrent, operation);
  Text text;
  if (operation.result >= 0) {
    operation.descriptor = static_cast<int>(operation.result);
    operation.what = What::kRead;
    do {
      on_carrier(is_concurrent, [&] { text.grow(); });
      operation.data = text.bytes + text.size;
      operation.size = text.capacity - text.size;
      vale_wait_for(is_concurrent, operation);
      if (operation.result > 0) text.size += static_cast<size_t>(operation.result);
    } while (operation.result > 0 && text.size == text.capacity);
    on_carrier(is_concurrent, [&] { context.runtime.close(operation.descriptor); });
  }
  if (operation.result < 0) {
    on_carrier(is_concurrent, [&] {
      context.add_problem(node, std::strerror(static_cast<int>(-operation.result)));
      text.drop();
    });
  }
  return text;
}

/// Ends the search of a file that was read.
Tally finish(int64_t is_concurrent, Node& node, Context& context, Text& text, bool found) {
  on_carrier(is_concurrent, [&] {
    if (found) context.add_name(node);
    text.drop();
  });
  return {.hits = found ? 1 : 0, .files = 1};
}

}  // namespace

Tally search_text(int64_t is_concurrent, Node& node, Context& context) {
  Text text = read_file(is_concurrent, node, context);
  if (text.bytes == nullptr) return {};
  bool found = false;
  on_carrier(is_concurrent, [&] { found = contains({text.bytes, text.size}, context.word); });
  return finish(is_concurrent, node, context, text, found);
}

Tally search_json(int64_t is_concurrent, Node& node, Context& context) {
  Text text = read_file(is_concurrent, node, context);
  if (text.bytes == nullptr) return {};
  JsonScan scan{.at = text.bytes, .end = text.bytes + text.size};
  if (!scan_json(is_concurrent, scan, context)) {
    on_carrier(is_concurrent, [&] {
      context.add_problem(node, "not JSON");
      text.drop();
    });
    return {};
  }
  return finish(is_concurrent, node, context, text, scan.found);
}

Tally search_folder(int64_t is_concurrent, Node& node, Context& context) {
  ListOperation list{{.what = What::kList}, &node, &context};
  vale_wait_for(is_concurrent, list);
  Join join;
  Tally here;
  for (Node& entry : list.folder->nodes) {
    bool forked = false;
    on_carrier(is_concurrent, [&] { forked = context.runtime.fork(entry, context, join); });
    if (!forked) here += search(is_concurrent, entry, context);
  }
  Operation operation{.what = What::kJoin, .join = &join};
  vale_wait_for(is_concurrent, operation);
  on_carrier(is_concurrent, [&] { delete list.folder; });
  here += join.tally;
  return here;
}

Tally search_crowd(int64_t is_concurrent, Node& node, Context& context) {
  Join join;
  on_carrier(is_concurrent, [&] { fork_all(static_cast<Crowd&>(node), context, join); });
  Operation operation{.what = What::kJoin, .join = &join};
  vale_wait_for(is_concurrent, operation);
  return join.tally;
}

Tally search_dive(int64_t is_concurrent, Node& node, Context& context) {
  auto& dive = static_cast<Dive&>(node);
  if (dive.below != nullptr) {
    Tally tally = search(is_concurrent, *dive.below, context);
    ++tally.files;
    return tally;
  }
  Operation operation{.what = What::kYield, .descriptor = dive.number};
  for (int64_t i = 0; i < dive.yields; ++i) vale_wait_for(is_concurrent, operation);
  if (dive.descriptor >= 0) {
    char byte = 0;
    operation = {.what = What::kRead, .descriptor = dive.descriptor, .data = &byte, .size = 1};
    vale_wait_for(is_concurrent, operation);
  }
  return {.hits = 0, .files = 1};
}

}  // namespace vale
