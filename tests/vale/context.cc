#include <fmt/format.h>

#include "tests/vale/node.h"

namespace vale {

void Context::add_name(const Node& node) {
  const std::scoped_lock lock(mutex);
  names.push_back(node.path);
}

void Context::add_problem(const Node& node, std::string_view problem) {
  const std::scoped_lock lock(mutex);
  problems.push_back(fmt::format("{}: {}", node.path, problem));
}

}  // namespace vale
