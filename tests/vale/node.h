// What is searched, and the one interface of all variants: a table of functions for each kind of node.
//
// Tested by tests/vale/vale_test.py.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vale/chunk.h"
#include "tests/vale/task.h"

namespace vale {

/// What a search comes to.
struct Tally {
  int64_t hits = 0;   ///< files that have the word
  int64_t files = 0;  ///< files that were searched

  Tally& operator+=(const Tally& other) {
    hits += other.hits;
    files += other.files;
    return *this;
  }
};

struct Node;
struct Context;

/// Searches a node. `is_concurrent` is 1 if the caller runs on a stack of computed size, else 0.
using Search = Tally(int64_t is_concurrent, Node& node, Context& context);

/// The functions of a kind of node: what a virtual call chooses from.
struct Kind {
  /// By `is_concurrent`: the function itself, and its wrapper, which runs it on a chunk of stack of its own.
  Search* search[2];
  /// What search[0] needs: a virtual thread begins there.
  const StackNeed* need;
  /// The same search as a coroutine.
  Task<Tally> (*search_task)(Node& node, Context& context);
};

struct Node {
  const Kind* kind = nullptr;
  std::string path;
};

extern const Kind kText;    ///< a file: its bytes
extern const Kind kJson;    ///< a file: the strings that are values in it
extern const Kind kFolder;  ///< a folder: all that it has
// For measurements (dive.h):
extern const Kind kCrowd;
extern const Kind kDive;

class Runtime;

/// A search as a whole.
struct Context {
  std::string_view word;
  Runtime& runtime;

  // Any thread may add to these.
  std::mutex mutex{};
  std::vector<std::string> names{};     ///< of files that have the word
  std::vector<std::string> problems{};  ///< sentences

  void add_name(const Node& node);
  void add_problem(const Node& node, std::string_view problem);
};

/// The virtual call.
inline Tally search(int64_t is_concurrent, Node& node, Context& context) {
  return node.kind->search[is_concurrent](is_concurrent, node, context);
}

}  // namespace vale
