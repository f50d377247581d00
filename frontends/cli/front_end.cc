// Tested by tests/unit/frontends/cli/front_end_test.cc.
#include "frontends/cli/front_end.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "frontends/cli/image_places.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/search_path.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/image/image_store.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/program_images.h"
#include "frontends/fble/typecheck.h"

namespace fble {
namespace {

ModulePath main_type_module() {
  ModulePath path;
  for (const char* word : {"Std", "Io", "Cli"}) path.words.emplace_back(word);
  return path;
}

/// Returns whether the main module's value is a program; if not, prints its type.
bool check_is_program(const CheckedProgram& checked, const ModulePath& main) {
  const std::optional<bool> is_program = module_has_type(checked, main, main_type_module(), Symbol("Main"));
  if (is_program.value_or(false)) return true;
  print_error(fmt::format("module {} is not a program: its type is {}, expected {}.Main@{}", main.str(),
                          module_type_text(checked, main), main_type_module().str(),
                          is_program.has_value() ? "" : " (which the search path does not have)"));
  return false;
}

/// Opens the images that the options allow. Returns whether there may be some.
bool open_images(const Options& options, ImageStore& images) {
  for (const std::string& file : options.images) {
    const std::string problem = images.add_file(file);
    if (!problem.empty()) print_message("warning: the images in {} are not used: {}\n", file, problem);
  }
  if (options.no_cache) return !options.images.empty();
  images.add_file(library_image_file());
  const std::string folder = image_cache_folder();
  if (!folder.empty()) images.set_cache(ImageCache::open(folder));
  return true;
}

/// Stores images of the modules that were checked from their sources. `code` is what was lowered; null if that was not
/// the whole program.
void store_images(const Program& program, const CheckedProgram& checked, const ProgramCode* code,
                  const Diagnostics& diagnostics, ImageStore& images) {
  const bool has_new = std::ranges::any_of(
      program.modules, [](const Module* module) { return module->image == nullptr && module->key.has_value(); });
  if (!has_new || images.cache() == nullptr) return;
  std::unique_ptr<ProgramCode> whole;
  if (code == nullptr) {
    whole = lower_program(checked);
    code = whole.get();
  }
  for (const auto& [key, image] : make_images(program, checked, *code, diagnostics)) images.cache()->write(key, image);
}

/// Returns a file name as GNU make reads it among the files of a rule.
///
/// A backslash removes the special meaning of the letter after it, and is itself
/// special only before such a letter. So backslashes are doubled there and nowhere
/// else. '%' has no meaning in this place. A newline, '=' and ';' cannot be written at
/// all; '?' matches them (and in the worst case further files).
std::string escape_for_make(const std::string& name) {
  std::string escaped;
  size_t backslashes = 0;  // at the end of the result so far
  for (const char letter : name) {
    const bool is_first = escaped.empty();
    if (std::string_view(" \t#:|*?[]").find(letter) != std::string_view::npos) escaped.append(backslashes + 1, '\\');
    if (letter == '$') escaped += '$';
    if (letter == '~' && is_first) escaped += "./";
    backslashes = letter == '\\' ? backslashes + 1 : 0;
    escaped += letter == '\n' || letter == '=' || letter == ';' ? '?' : letter;
  }
  return escaped;
}

}  // namespace

bool find_main_module(const Options& options, MainModule& main) {
  if (options.file.empty()) {
    Diagnostics diagnostics;
    std::optional<ModulePath> path = parse_module_path(options.module, diagnostics);
    print_message(diagnostics.render());
    if (!path) return false;
    main = {std::move(*path), with_library(options.roots)};
    return true;
  }
  if (access(options.file.c_str(), R_OK) != 0) {
    print_error(fmt::format("cannot read file '{}': {}", options.file, std::strerror(errno)));
    return false;
  }
  FileModule found = locate_file(options.file, options.roots);
  main = {std::move(found.path), std::move(found.roots)};
  return true;
}

std::unique_ptr<ProgramCode> compile_module(const Options& options, const FrontEndOptions& front_end, Status& status) {
  // Syntax and types are allocated in small pieces and freed together: memory is taken in
  // large steps, and none is returned to the system in between.
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);

  std::unique_ptr<ProgramCode> code;
  std::vector<std::string> files;
  ImageStore images;
  Diagnostics diagnostics;
  run_on_big_stack([&] {
    MainModule main;
    status = Status::kUsageError;
    if (!find_main_module(options, main)) return;
    LoadOptions load{.roots = main.roots, .purpose = front_end.purpose, .keep_failed = true};
    if (front_end.must_be_program) load.types_of.push_back(main_type_module());
    if (open_images(options, images)) load.images = &images;

    status = Status::kCompileError;
    const std::unique_ptr<Program> program = load_program(main.path, load, diagnostics);
    const std::unique_ptr<CheckedProgram> checked = typecheck(*program, diagnostics);
    print_message(diagnostics.render());
    if (checked == nullptr) return;
    if (front_end.must_be_program && !check_is_program(*checked, main.path)) return;
    files = program->files;
    // Modules that were loaded only for their types come after the main module and are not run.
    while (!(checked->modules.back().path == main.path)) checked->modules.pop_back();
    if (front_end.purpose == LoadFor::kModule) {
      store_images(*program, *checked, nullptr, diagnostics, images);
      // Shows the module alone; its dependencies are only named.
      checked->modules.erase(checked->modules.begin(), checked->modules.end() - 1);
    }
    code = lower_program(*checked);
    if (front_end.purpose == LoadFor::kExecution) store_images(*program, *checked, code.get(), diagnostics, images);
    if (front_end.lowered) front_end.lowered(*program, *checked, *code);
  });
  // Syntax and types are freed: the program that runs now can use their memory.
  mallopt(M_TOP_PAD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
  malloc_trim(0);
  if (code == nullptr) return nullptr;

  if (!options.deps_file.empty() && !save_file(options.deps_file, dependency_rule(options.deps_target, files))) {
    status = Status::kOtherError;
    return nullptr;
  }
  status = Status::kOk;
  return code;
}

std::string dependency_rule(const std::string& target, const std::vector<std::string>& files) {
  constexpr size_t kColumns = 80;
  std::string rule = target + ":";
  size_t column = rule.size();
  for (const std::string& file : files) {
    const std::string name = escape_for_make(file);
    if (column + 1 + name.size() > kColumns) {
      rule += " \\\n";
      column = 1;
    }
    rule += " " + name;
    column += 1 + name.size();
  }
  return rule + "\n";
}

}  // namespace fble
