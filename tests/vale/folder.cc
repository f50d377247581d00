#include "tests/vale/folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/vale/operation.h"

namespace vale {
namespace {

/// The type of an entry, as readdir has it; some file systems do not tell.
unsigned char type_of(const dirent& entry, const std::string& path) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat facts{};
  if (lstat(path.c_str(), &facts) != 0) return DT_UNKNOWN;
  return IFTODT(facts.st_mode);
}

/// The kind of an entry; null if it is not searched.
const Kind* kind_of(unsigned char type, std::string_view name) {
  if (type == DT_DIR) return &kFolder;
  if (type != DT_REG) return nullptr;
  if (name.ends_with(".txt")) return &kText;
  if (name.ends_with(".json")) return &kJson;
  return nullptr;
}

}  // namespace

Folder* read_folder(const Node& node, Context& context) {
  auto* folder = new Folder;
  DIR* stream = opendir(node.path.c_str());
  if (stream == nullptr) {
    context.add_problem(node, std::strerror(errno));
    return folder;
  }
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    std::string path = node.path + "/" + entry->d_name;
    const Kind* kind = kind_of(type_of(*entry, path), name);
    if (kind != nullptr) folder->nodes.push_back({kind, std::move(path)});
  }
  closedir(stream);
  std::ranges::sort(folder->nodes, {}, &Node::path);
  return folder;
}

void list_folder(Operation& operation) {
  auto& list = static_cast<ListOperation&>(operation);
  list.folder = read_folder(*list.node, *list.context);
}

}  // namespace vale
