// Tested by tests/unit/frontends/fble/loader_test.cc.
#include "frontends/fble/loader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <unordered_map>

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
  Loader(const LoadOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {
    program_->arena = std::make_shared<Arena>();
  }

  void load(const ModulePath& main) {
    load_one(main, true);
    for (const ModulePath& path : options_.types_of) {
      const bool wanted = diagnostics_.error_count() == 0 && !gave_up_ && !entries_.contains(path);
      if (wanted && has_file(path)) load_one(path, false);
    }
  }

  std::unique_ptr<Program> take_program() { return std::move(program_); }
  /// Returns whether a module without an image was met, though only images were wanted.
  bool gave_up() const { return gave_up_; }
  const std::vector<std::string>& files() const { return program_->files; }

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
    std::vector<ModuleMention> mentions;
    size_t next;
  };

  void load_one(const ModulePath& path, bool is_main) {
    enter({path, Loc{Symbol("'" + path.str() + "'"), 1, 1}}, is_main);
    while (!pending_.empty() && !gave_up_) {
      Pending& current = pending_.back();
      if (current.next < current.mentions.size()) {
        // A copy: a module that is entered moves `current`.
        const ModuleMention mention = current.mentions[current.next++];
        visit(mention);
      } else {
        leave();
      }
    }
  }

  void visit(const ModuleMention& mention) {
    auto found = entries_.find(mention.path);
    if (found == entries_.end()) {
      enter(mention, false);
    } else if (found->second.loaded) {
      pending_.back().entry->module->deps.push_back(found->second.module);
    } else if (options_.only_images) {
      gave_up_ = true;
    } else {
      diagnostics_.error(mention.loc, fmt::format("module {} recursively depends on itself", mention.path.str()));
      pending_.back().entry->module->deps.push_back(found->second.module);
      pending_.back().entry->module->failed = true;
    }
  }

  /// Reads the files of a module not seen before and makes it pending.
  void enter(const ModuleMention& mention, bool is_main) {
    Module* module = program_->arena->make<Module>();
    module->path = mention.path;
    Entry* entry = &entries_.emplace(mention.path, Entry{module, false}).first->second;
    pending_.push_back({entry, {}, {}, {}, 0});
    Pending& current = pending_.back();

    const size_t errors_before = diagnostics_.error_count();
    module->load_messages.first = diagnostics_.messages().size();
    current.header = read_source(mention.path, ".fble.@");
    const bool reads_value = !current.header || is_main || options_.purpose == LoadFor::kExecution;
    if (reads_value) current.value = read_source(mention.path, ".fble");
    const bool is_complete = current.value.has_value() || !reads_value;
    if (is_complete && find_image(current)) {
      module->image->repeat_load_messages(module->files, diagnostics_);
    } else if (options_.only_images) {
      gave_up_ = true;
    } else {
      if (current.header) use_source(mention, *current.header, module->type, diagnostics_);
      if (current.value) {
        use_source(mention, *current.value, module->value, diagnostics_);
      } else if (reads_value) {
        diagnostics_.error(mention.loc, fmt::format("module {} not found", mention.path.str()));
      }
      current.header.reset();
      current.value.reset();
    }
    module->failed = diagnostics_.error_count() > errors_before;
    module->load_messages.end = diagnostics_.messages().size();
  }

  void leave() {
    Pending& current = pending_.back();
    Entry* entry = current.entry;
    Module* module = entry->module;
    module->mentions = std::move(current.mentions);
    if (options_.images != nullptr) set_key(*module);
    if (module->image != nullptr && module->key != module->image->key()) {
      gave_up_ = options_.only_images;
      if (!gave_up_) parse_after_all(current);
    }
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
    module->source_key = *key;
    module->image = options_.images->find(*key);
    if (module->image == nullptr) return false;
    for (ImageMention& item : module->image->mentions(module->files)) {
      current.mentions.push_back(std::move(item.mention));
    }
    return true;
  }

  /// Sets the key of a module whose dependencies are loaded.
  static void set_key(Module& module) {
    if (module.failed || module.source_key == Digest{}) return;
    std::vector<std::pair<ModulePath, Digest>> mentions;
    for (const Module* dep : module.deps) {
      if (!dep->key) return;
      mentions.emplace_back(dep->path, *dep->key);
    }
    module.key = module_key(module.source_key, mentions);
  }

  /// Parses the sources of a module whose image does not fit what they mention. They were right when the image was
  /// made.
  void parse_after_all(Pending& current) {
    Module* module = current.entry->module;
    module->image = nullptr;
    Diagnostics again;
    const ModuleMention mention{module->path, Loc{}};
    std::vector<ModuleMention> mentions;
    std::swap(mentions, current.mentions);
    if (current.header) use_source(mention, *current.header, module->type, again);
    if (current.value) use_source(mention, *current.value, module->value, again);
    if (again.error_count() == 0) return;
    for (const Diagnostic& message : again.messages()) diagnostics_.error(message.loc, message.message);
    module->failed = true;
    module->key.reset();
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
  void use_source(const ModuleMention& mention, const SourceFile& source, const Expr*& syntax,
                  Diagnostics& diagnostics) {
    if (source.status == ReadStatus::kFailed) {
      diagnostics.error(mention.loc, fmt::format("unable to read {} of module {}: {}", source.file.str(),
                                                 mention.path.str(), source.text));
      return;
    }
    Pending& current = pending_.back();
    std::vector<ModuleMention> mentions;
    warn_invisible(source.text, source.file, diagnostics);
    const size_t messages_before = diagnostics.messages().size();
    syntax = parse_source(source.text, source.file, *program_->arena, diagnostics, mentions);
    if (syntax == nullptr) diagnostics.sort_from(messages_before);
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
  bool gave_up_ = false;
};

}  // namespace

std::unique_ptr<Program> load_program(const ModulePath& main, const LoadOptions& options, Diagnostics& diagnostics,
                                      std::vector<std::string>* files_read) {
  if (options.only_images) {
    Diagnostics found;
    Loader loader(options, found);
    loader.load(main);
    if (loader.gave_up() || !diagnostics.messages().empty()) return nullptr;
    diagnostics = std::move(found);
    if (files_read != nullptr) *files_read = loader.files();
    return loader.take_program();
  }
  const size_t errors_before = diagnostics.error_count();
  Loader loader(options, diagnostics);
  run_on_big_stack([&] { loader.load(main); });
  if (files_read != nullptr) *files_read = loader.files();
  if (diagnostics.error_count() != errors_before && !options.keep_failed) return nullptr;
  return loader.take_program();
}

}  // namespace fble
