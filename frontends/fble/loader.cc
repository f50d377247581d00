// Tested by tests/unit/frontends/fble/loader_test.cc.
#include "frontends/fble/loader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/image/image_store.h"
#include "frontends/fble/image/module_key.h"
#include "frontends/fble/invisible.h"
#include "frontends/fble/parser.h"

namespace fble {
namespace {

/// Visits modules depth first. The path from the main module to the current
/// one is kept in `pending_`, not on the stack, as it may be of any length.
class Loader {
 public:
  Loader(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics)
      : options_(options), diagnostics_(diagnostics) {
    program_->arena = std::make_shared<Arena>();
    mains_.insert(main);
    mains_.insert(options.more_mains.begin(), options.more_mains.end());
    enter({main, root_loc(main)});
  }

  /// Loads until the end, or until a module has to be parsed if that is not allowed. Returns whether it is the end.
  bool run(bool may_parse) {
    do {
      while (!pending_.empty()) {
        Pending& current = pending_.back();
        if (current.to_parse) {
          if (!may_parse) return false;
          parse(current);
        } else if (current.next < current.mentions.size()) {
          // A copy: a module that is entered moves `current`.
          const ModuleMention mention = current.mentions[current.next++];
          visit(mention);
        } else {
          leave();
        }
      }
    } while (enter_next());
    return true;
  }

  std::unique_ptr<Program> take_program() { return std::move(program_); }

 private:
  struct Entry {
    Module* module;
    bool loaded;  ///< false while it is pending
  };
  /// A file of a module, as far as it could be read.
  struct SourceFile {
    Symbol file;
    ReadStatus status;
    std::string text;  ///< or the reason of a failure
    Digest digest;     ///< of the text, if images are used
  };
  struct Pending {
    Entry* entry;
    std::optional<SourceFile> header;
    std::optional<SourceFile> value;
    bool reads_value;  ///< the module's value is needed
    std::vector<ModuleMention> mentions;
    size_t next;
    std::optional<ModuleMention> to_parse;  ///< what has led here, until the sources are parsed
  };

  static Loc root_loc(const ModulePath& path) { return {Symbol("'" + path.str() + "'"), 1, 1}; }

  /// Enters the next main module, or the next that is loaded for its type. Returns whether there is one.
  bool enter_next() {
    while (next_main_ < options_.more_mains.size()) {
      const ModulePath& path = options_.more_mains[next_main_++];
      if (entries_.contains(path)) continue;
      enter({path, root_loc(path)});
      return true;
    }
    while (next_type_ < options_.types_of.size() && diagnostics_.error_count() == 0) {
      const ModulePath& path = options_.types_of[next_type_++];
      if (entries_.contains(path) || !has_file(path)) continue;
      enter({path, root_loc(path)});
      return true;
    }
    return false;
  }

  void visit(const ModuleMention& mention) {
    auto found = entries_.find(mention.path);
    if (found == entries_.end()) {
      enter(mention);
    } else if (found->second.loaded) {
      pending_.back().entry->module->deps.push_back(found->second.module);
    } else {
      diagnostics_.error(mention.loc, fmt::format("module {} recursively depends on itself", mention.path.str()));
      pending_.back().entry->module->deps.push_back(found->second.module);
      pending_.back().entry->module->failed = true;
    }
  }

  /// Reads the files of a module not seen before and makes it pending.
  void enter(const ModuleMention& mention) {
    Module* module = program_->arena->make<Module>();
    module->path = mention.path;
    Entry* entry = &entries_.emplace(mention.path, Entry{module, false}).first->second;
    pending_.push_back({entry, {}, {}, false, {}, 0, {}});
    Pending& current = pending_.back();

    module->load_messages.first = diagnostics_.messages().size();
    current.header = read_source(mention.path, ".fble.@");
    current.reads_value = !current.header || options_.purpose == LoadFor::kExecution || mains_.contains(mention.path);
    if (current.reads_value) current.value = read_source(mention.path, ".fble");
    const bool is_complete = current.value.has_value() || !current.reads_value;
    if (is_complete && find_image(current)) {
      module->image->repeat_load_messages(module->files, diagnostics_);
      module->load_messages.end = diagnostics_.messages().size();
    } else {
      current.to_parse = mention;
    }
  }

  /// Parses the sources of a pending module.
  void parse(Pending& current) {
    Module* module = current.entry->module;
    const ModuleMention mention = *std::exchange(current.to_parse, std::nullopt);
    const size_t errors_before = diagnostics_.error_count();
    if (current.header) use_source(mention, *current.header, module->type);
    if (current.value) {
      use_source(mention, *current.value, module->value);
    } else if (current.reads_value) {
      diagnostics_.error(mention.loc, fmt::format("module {} not found", mention.path.str()));
    }
    current.header.reset();
    current.value.reset();
    module->failed = diagnostics_.error_count() > errors_before;
    module->load_messages.end = diagnostics_.messages().size();
  }

  void leave() {
    Pending& current = pending_.back();
    Entry* entry = current.entry;
    Module* module = entry->module;
    module->mentions = std::move(current.mentions);
    pending_.pop_back();
    entry->loaded = true;
    program_->modules.push_back(module);
    if (!pending_.empty()) pending_.back().entry->module->deps.push_back(module);
  }

  // ---- images -----------------------------------------------------------------

  /// Looks for an image of the pending module's sources. If there is one, takes it and its mentions.
  bool find_image(Pending& current) {
    Module* module = current.entry->module;
    if (current.header) module->files.header = current.header->file;
    if (current.value) module->files.value = current.value->file;
    if (options_.images == nullptr) return false;
    SourceDigests sources;
    for (const auto& [source, digest] :
         {std::pair{&current.header, &sources.header}, {&current.value, &sources.value}}) {
      if (!*source) continue;
      if ((*source)->status == ReadStatus::kFailed) return false;
      *digest = (*source)->digest;
    }
    const std::optional<Digest> key = source_key(module->path, sources);
    if (!key) return false;
    module->source_key = key;
    module->image = options_.images->find(*key);
    if (module->image == nullptr) return false;
    for (const auto& [source, text] :
         {std::pair{&current.header, &module->header_text}, {&current.value, &module->value_text}}) {
      if (*source) *text = {(*source)->file, std::move((*source)->text)};
    }
    for (ImageMention& item : module->image->mentions(module->files)) {
      current.mentions.push_back(std::move(item.mention));
    }
    return true;
  }

  // ---- files ------------------------------------------------------------------

  /// Returns the name of the module's file below a root; nothing if no file can have that name.
  static std::optional<std::string> relative_name(const ModulePath& path, std::string_view suffix) {
    std::string relative;
    for (Symbol word : path.words) {
      // Such a word would lead to the file of another module.
      if (word.str().find_first_of(std::string_view("/\0", 2)) != std::string::npos) return std::nullopt;
      relative += '/';
      relative += word.str();
    }
    relative += suffix;
    return relative;
  }

  /// Returns the roots that may hold the module: on a long search path, most
  /// have no folder for its first word. Requires that the module can have a
  /// file.
  const std::vector<std::string>& roots_of(const ModulePath& path) {
    if (path.words.size() < 2) return options_.roots;
    auto [found, is_new] = roots_by_word_.try_emplace(path.words.front());
    if (is_new) {
      for (const std::string& root : options_.roots) {
        if (is_there(root + "/" + path.words.front().str())) found->second.push_back(root);
      }
    }
    return found->second;
  }

  bool is_there(std::string name) {
    const bool there = access(name.c_str(), F_OK) == 0;
    program_->facts.push_back({there ? FactKind::kThere : FactKind::kMissing, std::move(name), {}, {}});
    return there;
  }

  bool has_file(const ModulePath& path) {
    for (std::string_view suffix : {".fble.@", ".fble"}) {
      const std::optional<std::string> relative = relative_name(path, suffix);
      if (!relative) return false;
      for (const std::string& root : roots_of(path)) {
        if (is_there(root + *relative)) return true;
      }
    }
    return false;
  }

  /// Reads one file of a module. Returns nothing if there is none.
  std::optional<SourceFile> read_source(const ModulePath& path, std::string_view suffix) {
    std::optional<std::string> relative = relative_name(path, suffix);
    if (!relative) return std::nullopt;
    for (const std::string& root : roots_of(path)) {
      std::string name = root + *relative;
      std::string text;
      std::optional<FileStamp> stamp;
      const ReadStatus status = read_file(name, text, stamp);
      if (status == ReadStatus::kMissing) {
        program_->facts.push_back({FactKind::kMissing, std::move(name), {}, {}});
        continue;
      }
      program_->files.push_back(name);
      SourceFile source{Symbol(name), status, std::move(text), {}};
      if (options_.images != nullptr) source.digest = digest_of(source.text);
      program_->facts.push_back({FactKind::kRead, std::move(name), stamp, source.digest});
      return source;
    }
    return std::nullopt;
  }

  /// Parses a file of the pending module, or reports that it could not be read.
  void use_source(const ModuleMention& mention, const SourceFile& source, const Expr*& syntax) {
    if (source.status == ReadStatus::kFailed) {
      diagnostics_.error(mention.loc, fmt::format("unable to read {} of module {}: {}", source.file.str(),
                                                  mention.path.str(), source.text));
      return;
    }
    Pending& current = pending_.back();
    std::vector<ModuleMention> mentions;
    warn_invisible(source.text, source.file, diagnostics_);
    const size_t messages_before = diagnostics_.messages().size();
    syntax = parse_source(source.text, source.file, *program_->arena, diagnostics_, mentions);
    if (syntax == nullptr) diagnostics_.sort_from(messages_before);
    current.entry->module->loc = Loc{source.file, 1, 0};
    for (ModuleMention& mention : mentions) {
      if (!mentions_again(current.mentions, mention)) current.mentions.push_back(std::move(mention));
    }
  }

  /// Returns whether the header file has mentioned the module before the value file does.
  static bool mentions_again(const std::vector<ModuleMention>& earlier, const ModuleMention& mention) {
    for (const ModuleMention& other : earlier) {
      if (other.loc.file == mention.loc.file) return false;
      if (other.path == mention.path) return true;
    }
    return false;
  }

  const LoadOptions& options_;
  Diagnostics& diagnostics_;
  std::unique_ptr<Program> program_ = std::make_unique<Program>();
  std::unordered_map<ModulePath, Entry, ModulePathHash> entries_;
  std::unordered_map<Symbol, std::vector<std::string>> roots_by_word_;
  std::vector<Pending> pending_;
  std::unordered_set<ModulePath, ModulePathHash> mains_;
  size_t next_main_ = 0;  ///< of LoadOptions::more_mains
  size_t next_type_ = 0;  ///< of LoadOptions::types_of
};

}  // namespace

struct ProgramLoader::State {
  Loader loader;
};

ProgramLoader::ProgramLoader(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics)
    : state_(new State{Loader(main, options, diagnostics)}) {}
ProgramLoader::~ProgramLoader() = default;

bool ProgramLoader::load_images() { return state_->loader.run(false); }

std::unique_ptr<Program> ProgramLoader::load_all() {
  state_->loader.run(true);
  return state_->loader.take_program();
}

std::unique_ptr<Program> load_program(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics,
                                      std::vector<std::string>* files_read) {
  const size_t errors_before = diagnostics.error_count();
  ProgramLoader loader(main, options, diagnostics);
  std::unique_ptr<Program> program;
  if (loader.load_images()) {
    program = loader.load_all();
  } else {
    run_on_big_stack([&] { program = loader.load_all(); });
  }
  if (files_read != nullptr) *files_read = program->files;
  if (diagnostics.error_count() != errors_before && !options.keep_failed) return nullptr;
  return program;
}

void parse_again(Module& module, Arena& arena, Diagnostics& diagnostics) {
  Diagnostics again;
  std::vector<ModuleMention> mentions;
  const auto parse = [&](const std::optional<SourceText>& source) -> const Expr* {
    if (!source) return nullptr;
    module.loc = Loc{source->file, 1, 0};
    return parse_source(source->text, source->file, arena, again, mentions);
  };
  module.image = nullptr;
  module.type = parse(module.header_text);
  module.value = parse(module.value_text);
  if (again.error_count() == 0) return;
  for (const Diagnostic& message : again.messages()) diagnostics.error(message.loc, message.message);
  module.failed = true;
}

}  // namespace fble
