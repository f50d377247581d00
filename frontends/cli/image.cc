// `fble-jit image`: writes images of modules to a file, or prints them.
// Tested by tests/unit/frontends/cli/image_test.cc.
#include <fmt/format.h>

#include "frontends/cli/front_end.h"
#include "frontends/cli/messages.h"
#include "frontends/cli/replace_file.h"
#include "frontends/cli/search_path.h"
#include "frontends/fble/big_stack.h"
#include "frontends/fble/image/image_store.h"
#include "frontends/fble/image/image_text.h"
#include "frontends/fble/lower.h"
#include "frontends/fble/program_images.h"
#include "frontends/fble/typecheck.h"

namespace fble {
namespace {

/// Checks and lowers the modules as one program. Returns their images; nothing after an error.
std::optional<std::map<Digest, std::string>> compile_images(const std::vector<FoundModule>& modules,
                                                            const std::vector<std::string>& roots) {
  ImageStore none;
  LoadOptions load{.roots = roots, .images = &none};
  for (const FoundModule& module : modules) load.types_of.push_back(module.path);
  Diagnostics diagnostics;
  std::optional<std::map<Digest, std::string>> images;
  run_on_big_stack([&] {
    const std::unique_ptr<Program> program = load_program(modules.front().path, load, diagnostics);
    if (program == nullptr) return;
    const std::unique_ptr<CheckedProgram> checked = typecheck(*program, diagnostics);
    if (checked == nullptr) return;
    const std::unique_ptr<ProgramCode> code = lower_program(*checked);
    images = make_images(*program, *checked, *code, diagnostics);
  });
  print_message(diagnostics.render());
  return images;
}

Status print_images(const std::string& name) {
  const std::unique_ptr<MappedFile> file = MappedFile::open(name);
  std::string problem = "it cannot be read";
  std::unique_ptr<ImageFileReader> reader;
  if (file != nullptr) reader = ImageFileReader::open(file->bytes(), problem);
  if (reader == nullptr) {
    print_error(fmt::format("the images in {} cannot be printed: {}", name, problem));
    return Status::kFailed;
  }
  Status status = Status::kOk;
  for (size_t i = 0; i < reader->count(); ++i) {
    ImageView view;
    problem = view.open(reader->image_bytes(i));
    if (problem.empty()) {
      print_output(print_image(view) + "\n");
    } else {
      print_error(fmt::format("image {} of {}: {}", i, name, problem));
      status = Status::kFailed;
    }
  }
  return status;
}

}  // namespace

CommandEnding run_image(const Options& options) {
  if (!options.print_image.empty()) return print_images(options.print_image);
  std::vector<std::string> roots = with_library(options.roots);
  std::vector<FoundModule> modules;
  if (options.module.empty() && options.file.empty()) {
    modules = all_modules(roots);
  } else {
    MainModule main;
    if (!find_main_module(options, main)) return Status::kUsageError;
    roots = std::move(main.roots);
    modules.push_back({std::move(main.path), ""});
  }
  if (modules.empty()) {
    print_error("there are no modules");
    return Status::kFailed;
  }
  const auto images = compile_images(modules, roots);
  if (!images) return Status::kCompileError;
  return replace_file(options.output, image_file(*images), 0666) ? Status::kOk : Status::kOtherError;
}

}  // namespace fble
