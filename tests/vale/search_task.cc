// Searches as coroutines, which the compiler cuts at each co_await. Whatever calls one that may wait must be one, too.
#include <cstring>

#include "tests/vale/cooperative.h"
#include "tests/vale/dive.h"
#include "tests/vale/folder.h"
#include "tests/vale/json_scan.h"
#include "tests/vale/runtime.h"
#include "tests/vale/search.h"
#include "tests/vale/text.h"

namespace vale {
namespace {

using What = Operation::What;

/// Awaits the end of an operation.
struct Done {
  Operation& operation;

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    operation.waiter = waiter.address();
    cooperative()->start(operation);
  }
  void await_resume() {}
};

Task<Text> read_file(Node& node, Context& context) {
  Operation operation{.what = What::kOpen, .data = node.path.data()};
  co_await Done{operation};
  Text text;
  if (operation.result >= 0) {
    operation.descriptor = static_cast<int>(operation.result);
    operation.what = What::kRead;
    do {
      text.grow();
      operation.data = text.bytes + text.size;
      operation.size = text.capacity - text.size;
      co_await Done{operation};
      if (operation.result > 0) text.size += static_cast<size_t>(operation.result);
    } while (operation.result > 0 && text.size == text.capacity);
    context.runtime.close(operation.descriptor);
  }
  if (operation.result < 0) {
    context.add_problem(node, std::strerror(static_cast<int>(-operation.result)));
    text.drop();
  }
  co_return text;
}

Tally finish(Node& node, Context& context, Text& text, bool found) {
  if (found) context.add_name(node);
  text.drop();
  return {.hits = found ? 1 : 0, .files = 1};
}

}  // namespace

Task<Tally> search_text_task(Node& node, Context& context) {
  Text text = co_await read_file(node, context);
  if (text.bytes == nullptr) co_return {};
  const bool found = contains({text.bytes, text.size}, context.word);
  co_return finish(node, context, text, found);
}

Task<Tally> search_json_task(Node& node, Context& context) {
  Text text = co_await read_file(node, context);
  if (text.bytes == nullptr) co_return {};
  // It waits for nothing, so it is called as it is.
  JsonScan scan{.at = text.bytes, .end = text.bytes + text.size};
  if (!scan_json(0, scan, context)) {
    context.add_problem(node, "not JSON");
    text.drop();
    co_return {};
  }
  co_return finish(node, context, text, scan.found);
}

Task<Tally> search_folder_task(Node& node, Context& context) {
  ListOperation list{{.what = What::kList}, &node, &context};
  co_await Done{list};
  Join join;
  Tally here;
  for (Node& entry : list.folder->nodes) {
    if (!context.runtime.fork(entry, context, join)) here += co_await entry.kind->search_task(entry, context);
  }
  Operation operation{.what = What::kJoin, .join = &join};
  co_await Done{operation};
  delete list.folder;
  here += join.tally;
  co_return here;
}

Task<Tally> search_crowd_task(Node& node, Context& context) {
  Join join;
  fork_all(static_cast<Crowd&>(node), context, join);
  Operation operation{.what = What::kJoin, .join = &join};
  co_await Done{operation};
  co_return join.tally;
}

Task<Tally> search_dive_task(Node& node, Context& context) {
  auto& dive = static_cast<Dive&>(node);
  if (dive.below != nullptr) {
    Tally tally = co_await dive.below->kind->search_task(*dive.below, context);
    ++tally.files;
    co_return tally;
  }
  Operation operation{.what = What::kYield, .descriptor = dive.number};
  for (int64_t i = 0; i < dive.yields; ++i) co_await Done{operation};
  if (dive.descriptor >= 0) {
    char byte = 0;
    operation = {.what = What::kRead, .descriptor = dive.descriptor, .data = &byte, .size = 1};
    co_await Done{operation};
  }
  co_return Tally{.hits = 0, .files = 1};
}

}  // namespace vale
