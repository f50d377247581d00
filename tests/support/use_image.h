// Makes all that can be made from an image, for tests and targets that change images: nothing may go wrong.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <vector>

#include "frontends/fble/big_stack.h"
#include "frontends/fble/image/bundle.h"
#include "frontends/fble/image/image_text.h"
#include "frontends/fble/image/manifest.h"
#include "frontends/fble/image/module_image.h"
#include "frontends/fble/types.h"
#include "gc/base.h"
#include "interp/bytecode_text.h"
#include "interp/bytecode_verify.h"

namespace fble {

/// Makes the checksum right again.
inline void mend_checksum(std::string& image) {
  const uint32_t checksum = image_checksum(image);
  if (image.size() >= kImageMagic.size() + sizeof checksum) {
    std::memcpy(image.data() + kImageMagic.size(), &checksum, sizeof checksum);
  }
}

/// Makes the checksums of a bundle and of its images right again.
inline void mend_bundle(std::string& bundle) {
  const auto mend = [&] {
    const uint32_t checksum = bundle_checksum(bundle);
    if (bundle.size() >= kBundleMagic.size() + sizeof checksum) {
      std::memcpy(bundle.data() + kBundleMagic.size(), &checksum, sizeof checksum);
    }
  };
  mend();
  std::string problem;
  for (const BundledModule& module : read_bundle(bundle, problem).value_or(std::vector<BundledModule>{})) {
    std::string image(module.image);
    mend_checksum(image);
    std::memcpy(bundle.data() + (module.image.data() - bundle.data()), image.data(), image.size());
  }
  mend();  // images may overlap what comes before them
}

/// Returns the command that has written a manifest.
inline Digest command_of(std::string_view manifest) {
  Digest command;
  const size_t at = kManifestMagic.size() + std::string_view("command ").size();
  for (size_t i = 0; i < command.words.size(); ++i) {
    command.words[i] = static_cast<uint32_t>(std::stoul(std::string(manifest.substr(at + 8 * i, 8)), nullptr, 16));
  }
  return command;
}

/// Makes a manifest one of this command, with the right checksum.
inline void mend_manifest(std::string& manifest, const Digest& command) {
  const std::string digits = command.str();
  const size_t at = kManifestMagic.size() + std::string_view("command ").size();
  if (manifest.size() >= at + digits.size()) manifest.replace(at, digits.size(), digits);
  const auto checksum = manifest_checksum(manifest, command);
  if (checksum) manifest.replace(checksum->second, 8, fmt::format("{:08x}", checksum->first));
}

inline void use_image(const ModuleImage& image) {
  const SourceFiles files{Symbol("h"), Symbol("v")};
  image.mentions(files);
  Diagnostics diagnostics;
  image.repeat_load_messages(files, diagnostics);
  image.repeat_check_messages(files, diagnostics);
  diagnostics.render();
  print_image(image.view());
  run_on_big_stack([&] {
    TypeContext types;
    types.node_bytes_limit = size_t{16} << 20;
    try {
      Type* unit = types.data_type(Loc{}, true, {});
      const std::vector<Loc> origins(100, Loc{Symbol("f"), 1, 0});
      Type* type = image.type({.types = types,
                               .origins = [&](const ModulePath&) -> std::span<const Loc> { return origins; },
                               .module_type = [&](const ModulePath&) { return unit; }});
      if (type != nullptr) {
        types.text(type);
        types.is_vacuous(type);
        types.equal(type, type);
        types.kind_of(type);
      }
    } catch (const TypeTooDeep&) {
      // Such types may nest in any way.
    }
  });
  if (!image.has_value()) return;
  ProgramCode program;
  const std::vector<uint32_t> globals(image.global_names().size() + used_module_count(image.view()), 7);
  program.global_count = 8;
  std::string problem;
  const Code* body = image.code(globals, files.value, program, problem);
  if ((body == nullptr) != !problem.empty()) FBLE_BUG("problem and result differ");
  if (body == nullptr) return;
  if (!verify_codes(program, 0).empty()) FBLE_BUG("wrong code was accepted");
  print_bytecode(program);
}

}  // namespace fble
