// Tested by tests/unit/frontends/cli/search_path_test.cc.
#include "frontends/cli/search_path.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "frontends/cli/messages.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/file_facts.h"
#include "frontends/fble/parser.h"

namespace fble {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".fble";
/// The stack that parsing needs at most: for each byte, since each may begin a nested expression, and for everything
/// else.
constexpr size_t kStackPerByte = 4096;
constexpr size_t kStackOfParser = size_t{256} << 10;

bool path_exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

bool has_std(const std::string& root) { return path_exists(root + "/Std") || path_exists(root + "/Std.fble"); }

/// Returns whether the folder has a /Std of its own: one of the modules directly below /Std that the library has, too.
/// Other modules below /Std, such as tests, are added to the /Std in use.
bool replaces(const std::string& root, const std::string& library) {
  if (path_exists(root + "/Std.fble")) return true;
  if (!path_exists(root + "/Std")) return false;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(library) / "Std", ignored)) {
    const fs::path name = entry.path().filename();
    if (name.extension() == ".fble" && path_exists((fs::path(root) / "Std" / name).string())) return true;
  }
  return false;
}

std::string library_folder() {
  if (const char* given = std::getenv("FBLE_JIT_STD"); given != nullptr && *given != '\0') return given;
  static const std::string found = [] {
    std::string installed = (fs::path(data_folder()) / "fble-jit" / "std").string();
    return has_std(installed) ? installed : std::string(FBLE_STD_DIR);
  }();
  return found;
}

ModulePath module_path_of(const fs::path& relative) {
  ModulePath path;
  for (const fs::path& part : relative) path.words.emplace_back(part.string());
  return path;
}

/// The folders that were looked for, so that each is looked for once.
class SoughtFolders {
 public:
  bool has(std::string name) {
    const auto [found, is_new] = there_.try_emplace(std::move(name), false);
    if (is_new) found->second = path_exists(found->first);
    return found->second;
  }

 private:
  std::map<std::string, bool> there_;
};

/// Returns whether one of the folders has a file for the module.
bool is_found(const ModulePath& module, const std::vector<std::string>& roots, SoughtFolders& folders) {
  std::string relative;
  for (const Symbol word : module.words) relative += "/" + word.str();
  return std::ranges::any_of(roots, [&](const std::string& root) {
    // Most folders have nothing that begins with the first word of the path.
    if (module.words.size() > 1 && !folders.has(root + "/" + module.words.front().str())) return false;
    return path_exists(root + relative + ".fble") || path_exists(root + relative + ".fble.@");
  });
}

std::vector<ModuleMention> mentions_of(const std::string& file) {
  std::string text;
  std::optional<FileStamp> stamp;
  if (read_file(file, text, stamp) != ReadStatus::kRead) return {};
  Arena arena;
  Diagnostics ignored;  // reported when the module is loaded
  std::vector<ModuleMention> mentions;
  run_with_stack(text.size() * kStackPerByte + kStackOfParser,
                 [&] { parse_source(text, Symbol(file), arena, ignored, mentions); });
  return mentions;
}

/// Returns all folders above a file, the nearest first, as the user would write them.
std::vector<fs::path> folders_above(const fs::path& file) {
  std::vector<fs::path> folders;
  fs::path above = fs::absolute(file).lexically_normal().parent_path();
  fs::path shown = file.parent_path();
  for (;;) {
    folders.push_back(shown.empty() ? fs::path(".") : shown);
    if (!above.has_relative_path()) return folders;
    above = above.parent_path();
    const bool no_name_left = shown.empty() || shown.filename() == "..";
    shown = shown.is_absolute() || no_name_left ? above : shown.parent_path();
  }
}

std::vector<std::string> with_first(const fs::path& first, const std::vector<std::string>& roots) {
  std::vector<std::string> all{first.string()};
  all.insert(all.end(), roots.begin(), roots.end());
  return with_library(std::move(all));
}

/// Returns the module's name as a path below the root, which is absolute; nothing if the file is not below it.
std::optional<fs::path> module_below(const std::string& file, const fs::path& root) {
  const fs::path module = fs::absolute(file.substr(0, file.size() - kSuffix.size())).lexically_normal();
  fs::path relative = module.lexically_relative(root.lexically_normal());
  if (relative.empty() || *relative.begin() == "..") return std::nullopt;
  return relative;
}

FileModule module_in(const fs::path& folder, const std::string& file, const std::vector<std::string>& roots) {
  return {with_first(folder, roots), module_path_of(*module_below(file, fs::absolute(folder)))};
}

/// Finds the nearest folder above the file from where all modules that it mentions are found.
std::optional<FileModule> locate_by_mentions(const std::string& file, const std::vector<ModuleMention>& mentions,
                                             const std::vector<std::string>& roots) {
  const std::vector<fs::path> folders = folders_above(file);
  SoughtFolders sought;
  for (const fs::path& folder : folders) {
    const std::vector<std::string> all = with_first(folder, roots);
    // A folder further up must have one of the modules.
    const bool useful = folder == folders.front() || std::ranges::any_of(mentions, [&](const ModuleMention& mention) {
                          return is_found(mention.path, {folder.string()}, sought);
                        });
    const bool complete = std::ranges::all_of(
        mentions, [&](const ModuleMention& mention) { return is_found(mention.path, all, sought); });
    if (useful && complete) return module_in(folder, file, roots);
  }
  return std::nullopt;
}

}  // namespace

std::string data_folder() {
  static const std::string found = [] {
    std::error_code problem;
    const fs::path command = fs::read_symlink("/proc/self/exe", problem);
    return problem ? std::string() : (command.parent_path() / FBLE_DATA_FROM_COMMAND).lexically_normal().string();
  }();
  return found;
}

std::string find_package(const std::string& package) {
  std::vector<fs::path> folders;
  if (const char* list = std::getenv("FBLE_PACKAGE_PATH")) {
    std::string_view rest = list;
    for (;;) {
      const size_t end = rest.find(':');
      folders.emplace_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  folders.push_back(fs::path(data_folder()) / "fble");
  for (const fs::path& folder : folders) {
    std::string found = (folder / package).string();
    if (path_exists(found)) return found;
  }
  return "";
}

std::vector<std::string> with_library(std::vector<std::string> roots) {
  std::string library = library_folder();
  // Most libraries have this module; then the folders need not be listed. The library that others are built on comes
  // last in most search paths.
  const std::string common = "/Std/Unit.fble";
  const auto has_common = [&](const std::string& root) { return path_exists(root + common); };
  if (std::any_of(roots.rbegin(), roots.rend(), has_common) && has_common(library)) return roots;
  if (std::ranges::none_of(roots, [&](const std::string& root) { return replaces(root, library); })) {
    roots.push_back(std::move(library));
  }
  return roots;
}

FileModule locate_file(const std::string& file, const std::vector<std::string>& roots) {
  const std::string name = fs::path(file).lexically_normal().string();
  std::error_code problem;
  const std::string target = fs::canonical(file, problem).string();
  const bool is_module = target.ends_with(kSuffix);  // also false for a file that is not there

  for (const std::string& root : roots) {
    if (const auto below = module_below(name, fs::absolute(root))) {
      return {with_first(root, roots), module_path_of(*below)};
    }
  }
  const std::vector<std::string> all = with_library(roots);
  if (const auto below = module_below(name, fs::absolute(all.back()))) {
    // The module belongs to our library, but is shown as the user has written it.
    const auto words = static_cast<size_t>(std::distance(below->begin(), below->end()));
    return module_in(folders_above(name)[words - 1], name, roots);
  }
  for (const std::string& root : all) {
    const auto below = is_module ? module_below(target, fs::weakly_canonical(root, problem)) : std::nullopt;
    if (below) return {with_first(root, roots), module_path_of(*below)};
  }

  const std::vector<ModuleMention> mentions = mentions_of(file);
  if (std::optional<FileModule> found = locate_by_mentions(name, mentions, roots)) return *std::move(found);
  if (is_module) {
    if (std::optional<FileModule> found = locate_by_mentions(target, mentions, roots)) return *std::move(found);
  }
  return module_in(folders_above(name).front(), name, roots);
}

std::vector<FoundModule> all_modules(const std::vector<std::string>& roots) {
  std::map<std::string, FoundModule> found;
  for (const std::string& root : roots) {
    std::error_code problem;
    fs::recursive_directory_iterator each(root, fs::directory_options::skip_permission_denied, problem);
    for (; !problem && each != fs::recursive_directory_iterator(); each.increment(problem)) {
      const fs::path& file = each->path();
      std::error_code ignored;
      if (each->is_directory(ignored) && file.filename().string().starts_with('.')) each.disable_recursion_pending();
      if (file.extension() != ".fble" || !each->is_regular_file(ignored)) continue;
      fs::path relative = file.lexically_relative(root);
      relative.replace_extension();
      ModulePath path;
      for (const fs::path& part : relative) path.words.emplace_back(part.string());
      std::string name = path.str();
      name.pop_back();  // so that /A% comes before /A/B%
      found.try_emplace(std::move(name), FoundModule{std::move(path), file.string()});
    }
    if (problem) print_error(fmt::format("cannot search folder '{}': {}", root, problem.message()));
  }
  std::vector<FoundModule> modules;
  for (auto& [name, module] : found) modules.push_back(std::move(module));
  return modules;
}

}  // namespace fble
