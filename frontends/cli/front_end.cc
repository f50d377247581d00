// Tested by tests/unit/frontends/cli/front_end_test.cc.
#include "frontends/cli/front_end.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include "frontends/cli/image_places.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/search_path.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/image/image_store.h"
#include "frontends/fble/image/manifest.h"
#include "frontends/fble/loader.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/module_interfaces.h"
#include "frontends/fble/program_bundle.h"
#include "frontends/fble/program_images.h"
#include "frontends/fble/typecheck.h"

namespace fble {
namespace {

ModulePath main_type_module() {
  ModulePath path;
  for (const char* word : {"Std", "Io", "Cli"}) path.words.emplace_back(word);
  return path;
}

const Module* find_module(const Program& program, const ModulePath& path) {
  const auto found = std::ranges::find(program.modules, path, &Module::path);
  return found == program.modules.end() ? nullptr : *found;
}

/// Checks that the main module's value is a program, by its image or by comparing types. If it is not, prints its type.
bool check_is_program(const Program& program, const CheckedProgram& checked, const ModulePath& main) {
  const Module* module = find_module(program, main);
  const Module* type_module = find_module(program, main_type_module());
  const Digest* interface = type_module == nullptr ? nullptr : checked.interfaces->of(*type_module);
  if (module->image != nullptr && interface != nullptr && module->image->is_program_of(*interface)) return true;
  bool is_program = false;
  run_on_big_stack([&] {
    const std::optional<bool> has_type = module_has_type(checked, main, main_type_module(), Symbol("Main"));
    is_program = has_type.value_or(false);
    if (is_program) return;
    print_error(fmt::format("module {} is not a program: its type is {}, expected {}.Main@{}", main.str(),
                            module_type_text(checked, main), main_type_module().str(),
                            has_type.has_value() ? "" : " (which the search path does not have)"));
  });
  return is_program;
}

/// Opens the user's cache, if the options allow it.
void open_cache(const Options& options, ImageStore& images) {
  if (options.no_cache) return;
  const std::string folder = image_cache_folder();
  if (!folder.empty()) images.set_cache(ImageCache::open(folder));
}

/// Opens the files of images that the options allow. Returns whether there may be images.
bool open_images(const Options& options, ImageStore& images) {
  for (const std::string& file : options.images) {
    const std::string problem = images.add_file(file);
    if (!problem.empty()) print_message("warning: the images in {} are not used: {}\n", file, problem);
  }
  if (options.no_cache) return !options.images.empty();
  images.add_file(library_image_file());
  return true;
}

/// Returns the key of the manifest for what the command does with the module; nothing if there can be none.
std::optional<Digest> manifest_key(const FrontEndOptions& front_end, const MainModule& main) {
  const std::optional<Digest> command = command_digest();
  std::error_code problem;
  const std::string folder = std::filesystem::current_path(problem).string();
  if (!command || problem) return std::nullopt;
  Digester digester;
  digester.add(kManifestMagic).add(*command).add(folder);
  digester.add(front_end.must_be_program ? "program" : "module").add(front_end.only_checks ? "check" : "run");
  digester.add(main.path.str()).add(std::to_string(main.others.size()));
  for (const ModulePath& other : main.others) digester.add(other.str());
  for (const std::string& root : main.roots) digester.add(root);
  return digester.finish();
}

/// Stores images of the modules that were checked from their sources. `code` is the lowered program; null if only a
/// part of it was lowered.
void store_images(const Program& program, const CheckedProgram& checked, const ModulePath& main,
                  const ProgramCode* code, const Diagnostics& diagnostics, ImageStore& images) {
  const bool has_new = std::ranges::any_of(
      program.modules, [](const Module* module) { return module->image == nullptr && module->source_key.has_value(); });
  if (!has_new || images.cache() == nullptr) return;
  std::unique_ptr<ProgramCode> lowered;
  if (code == nullptr) {
    lowered = lower_sources(checked.modules);
    code = lowered.get();
  }
  std::optional<ProgramMark> mark;
  const Module* type_module = find_module(program, main_type_module());
  const Digest* interface = type_module == nullptr ? nullptr : checked.interfaces->of(*type_module);
  if (interface != nullptr && module_has_type(checked, main, main_type_module(), Symbol("Main")).value_or(false)) {
    mark = {find_module(program, main), *interface};
  }
  for (const auto& [key, image] : make_images(program, checked, *code, diagnostics, mark ? &*mark : nullptr)) {
    images.cache()->write(key, image);
  }
}

/// Finds the modules below the folders of -I and -p. Returns false after a message.
bool find_all_modules(const Options& options, MainModule& main) {
  std::vector<FoundModule> found = all_modules(options.roots);
  if (found.empty()) {
    print_error("there are no modules below the folders of -I and -p");
    return false;
  }
  main = {std::move(found.front().path), with_library(options.roots), {}};
  for (auto other = found.begin() + 1; other != found.end(); ++other) main.others.push_back(std::move(other->path));
  return true;
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

/// Compiles one module, or several, with all that they depend on, and prints the messages.
class ModuleCompiler {
 public:
  ModuleCompiler(const Options& options, const FrontEndOptions& front_end, const MainModule& main)
      : options_(options), front_end_(front_end), main_(main.path) {
    load_ = {.roots = main.roots, .purpose = front_end.purpose, .more_mains = main.others, .keep_failed = true};
    if (front_end.must_be_program) load_.types_of.push_back(main_type_module());
    open_cache(options, images_);
    const bool is_run_or_checked = front_end.only_checks || front_end.purpose == LoadFor::kExecution;
    if (images_.cache() != nullptr && options.images.empty() && is_run_or_checked && !front_end.lowered) {
      manifest_key_ = manifest_key(front_end, main);
    }
  }

  /// Returns null after an error.
  std::unique_ptr<ProgramCode> compile() {
    if (manifest_key_) {
      if (std::unique_ptr<ProgramCode> code = from_manifest()) return code;
    }
    if (open_images(options_, images_)) load_.images = &images_;
    for (;;) {
      BadImage bad;
      std::unique_ptr<ProgramCode> code = compile_once(bad);
      if (bad.image == nullptr) return code;
      // Nothing has been printed yet.
      images_.reject(*bad.image);
      diagnostics_ = {};
    }
  }

  std::vector<std::string> take_files() { return std::move(files_); }

 private:
  /// Repeats the run that wrote the manifest: makes the same program and prints the same messages. Returns null if
  /// there is no manifest, or if what it relies on has changed.
  std::unique_ptr<ProgramCode> from_manifest() {
    const std::unique_ptr<MappedFile> file = images_.cache()->read(*manifest_key_);
    if (file == nullptr) return nullptr;
    std::optional<Manifest> manifest = parse_manifest(file->bytes(), *command_digest());
    if (!manifest) return nullptr;
    const std::optional<FactsNow> now = check_manifest(*manifest);
    if (!now || !are_unseen(now->other_content, *manifest)) return nullptr;
    std::string problem;
    std::unique_ptr<ProgramCode> code =
        front_end_.only_checks ? std::make_unique<ProgramCode>() : link_bundle(manifest->bundle, problem);
    if (code == nullptr) return nullptr;
    if (now->has_settled) images_.cache()->write(*manifest_key_, print_manifest(*manifest, *command_digest()));
    print_message(manifest->messages);
    for (const FileFact& fact : manifest->facts) {
      if (fact.kind == FactKind::kRead) files_.push_back(fact.name);
    }
    return code;
  }

  /// Returns whether no other module can see that these files have changed: their modules have images that mention the
  /// same modules, have the same interfaces, and no messages.
  bool are_unseen(const std::vector<uint32_t>& other_content, const Manifest& manifest) {
    if (other_content.empty()) return true;
    const auto modules = parse_manifest_modules(manifest.modules, manifest.facts.size());
    if (!modules) return false;
    size_t found = 0;
    for (const ManifestModule& module : *modules) {
      const auto changed = std::ranges::count_if(module.sources, [&](uint32_t source) {
        return source != 0 && std::ranges::binary_search(other_content, source - 1);
      });
      if (changed == 0) continue;
      found += static_cast<size_t>(changed);
      if (module.has_messages || !has_image(module, *modules, manifest.facts)) return false;
    }
    return found == other_content.size();
  }

  /// Returns whether there is an image of the sources whose interface and mentions are those of `module`.
  bool has_image(const ManifestModule& module, const std::vector<ManifestModule>& modules,
                 const std::vector<FileFact>& facts) {
    Diagnostics ignored;
    const std::optional<ModulePath> path = parse_module_path(module.path, ignored);
    if (!path) return false;
    SourceDigests sources;
    if (module.sources[0] != 0) sources.header = facts[module.sources[0] - 1].digest;
    if (module.sources[1] != 0) sources.value = facts[module.sources[1] - 1].digest;
    const std::optional<Digest> key = source_key(*path, sources);
    const ModuleImage* image = key ? images_.find(*key) : nullptr;
    if (image == nullptr || image->interface() != module.interface || image->has_messages()) return false;
    return std::ranges::equal(image->mentions({}), module.mentions, [&](const ImageMention& now, uint32_t before) {
      return now.mention.path.str() == modules[before].path && now.interface == modules[before].interface;
    });
  }

  void store_manifest(const Program& program, const CheckedProgram& checked, const ProgramCode& code) {
    if (!manifest_key_) return;
    std::optional<GroupedFacts> facts = group_by_folder(program.facts);
    if (!facts) return;
    std::optional<std::string> bundle;
    if (!front_end_.only_checks) {
      bundle = make_bundle(program, checked, code);
      if (!bundle) return;
    }
    Manifest manifest{.facts = std::move(facts->facts), .messages = diagnostics_.render()};
    std::vector<std::string> lines;
    for (const FolderFacts& folder : facts->folders) lines.push_back(print_folder_lines(folder));
    for (size_t i = 0; i < lines.size(); ++i) {
      manifest.folders.push_back({facts->folders[i].name, facts->folders[i].stamp, lines[i]});
    }
    std::string modules;
    if (front_end_.only_checks) modules = manifest_modules(program, checked, manifest.facts);
    manifest.modules = modules;
    if (bundle) manifest.bundle = *bundle;
    images_.cache()->write(*manifest_key_, print_manifest(manifest, *command_digest()));
  }

  /// Returns the lines of all modules for the manifest; an empty string if one of them has no interface.
  static std::string manifest_modules(const Program& program, const CheckedProgram& checked,
                                      const std::vector<FileFact>& facts) {
    std::unordered_map<std::string_view, uint32_t> sources;  // from 1
    for (uint32_t i = 0; i < facts.size(); ++i) {
      if (facts[i].kind == FactKind::kRead) sources.emplace(facts[i].name, i + 1);
    }
    std::unordered_map<const Module*, uint32_t> indices;
    std::vector<ManifestModule> modules;
    for (size_t i = 0; i < program.modules.size(); ++i) {
      const Module& module = *program.modules[i];
      const Digest* interface = checked.interfaces->of(module);
      if (interface == nullptr) return "";
      ManifestModule line{.path = module.path.str(), .interface = *interface};
      for (const auto& [file, source] :
           {std::pair{module.files.header, &line.sources[0]}, {module.files.value, &line.sources[1]}}) {
        if (!file.empty_text()) *source = sources.at(file.str());
      }
      line.has_messages = module.load_messages.first != module.load_messages.end ||
                          checked.messages[i].first != checked.messages[i].end;
      for (const Module* dep : module.deps) line.mentions.push_back(indices.at(dep));
      indices.emplace(&module, static_cast<uint32_t>(i));
      modules.push_back(std::move(line));
    }
    return print_manifest_modules(modules);
  }

  std::unique_ptr<ProgramCode> compile_once(BadImage& bad) {
    ProgramLoader loader(main_, load_, diagnostics_);
    const bool is_loaded = loader.load_images();
    std::unique_ptr<Program> program;
    if (is_loaded) program = loader.load_all();
    // Neither parsing nor checking will recurse, so no thread with a large stack is started.
    if (is_loaded && images_count(*program)) return compile(*program, bad);
    std::unique_ptr<ProgramCode> code;
    run_on_big_stack([&] {
      if (!is_loaded) program = loader.load_all();
      code = compile(*program, bad);
    });
    return code;
  }

  /// Sets `bad`, and prints nothing, if an image cannot be used after all.
  std::unique_ptr<ProgramCode> compile(Program& program, BadImage& bad) {
    const std::unique_ptr<CheckedProgram> checked = typecheck(program, diagnostics_);
    std::unique_ptr<ProgramCode> code;
    if (checked != nullptr) {
      code = lower(*checked, bad);
      if (code == nullptr) return nullptr;
    }
    print_message(diagnostics_.render());
    if (checked == nullptr) return nullptr;
    if (front_end_.must_be_program && !check_is_program(program, *checked, main_)) return nullptr;
    files_ = program.files;
    const bool is_whole = front_end_.purpose == LoadFor::kExecution;
    store_images(program, *checked, main_, is_whole ? code.get() : nullptr, diagnostics_, images_);
    store_manifest(program, *checked, *code);
    if (front_end_.lowered) front_end_.lowered(program, *checked, *code);
    return code;
  }

  /// Lowers what the command has asked for. Returns null and sets `bad` if an image cannot be used.
  std::unique_ptr<ProgramCode> lower(CheckedProgram& checked, BadImage& bad) const {
    if (front_end_.only_checks) return std::make_unique<ProgramCode>();
    // Modules that were loaded only for their types come after the main module and are not run.
    while (!(checked.modules.back().path == main_)) checked.modules.pop_back();
    if (front_end_.purpose == LoadFor::kExecution) return lower_program(checked.modules, bad);
    // Shows the module alone; its dependencies are only named.
    return lower_program({checked.modules.back()}, bad);
  }

  const Options& options_;
  const FrontEndOptions& front_end_;
  const ModulePath& main_;
  std::optional<Digest> manifest_key_;  ///< nothing if no manifest is used
  LoadOptions load_;
  ImageStore images_;
  Diagnostics diagnostics_;
  std::vector<std::string> files_;
};

}  // namespace

bool find_main_module(const Options& options, MainModule& main) {
  if (options.all) return find_all_modules(options, main);
  if (options.file.empty()) {
    Diagnostics diagnostics;
    std::optional<ModulePath> path = parse_module_path(options.module, diagnostics);
    print_message(diagnostics.render());
    if (!path) return false;
    main = {std::move(*path), with_library(options.roots), {}};
    return true;
  }
  if (access(options.file.c_str(), R_OK) != 0) {
    print_error(fmt::format("cannot read file '{}': {}", options.file, std::strerror(errno)));
    return false;
  }
  FileModule found = locate_file(options.file, options.roots);
  main = {std::move(found.path), std::move(found.roots), {}};
  return true;
}

std::unique_ptr<ProgramCode> compile_module(const Options& options, const FrontEndOptions& front_end, Status& status) {
  // Syntax and types are allocated in small pieces and freed together: memory is taken in
  // large steps, and none is returned to the system in between.
  mallopt(M_TOP_PAD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);

  std::vector<std::string> files;
  std::unique_ptr<ProgramCode> code;
  MainModule main;
  if (find_main_module(options, main)) {
    status = Status::kCompileError;
    ModuleCompiler compiler(options, front_end, main);
    code = compiler.compile();
    files = compiler.take_files();
  } else {
    status = Status::kUsageError;
  }
  if (!front_end.only_checks) {
    // Syntax and types are freed: the program that runs now can use their memory.
    mallopt(M_TOP_PAD, 128 << 10);
    mallopt(M_TRIM_THRESHOLD, 128 << 10);
    malloc_trim(0);
  }
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
