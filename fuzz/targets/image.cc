// Any image of a module, as text or as bytes: it is accepted or rejected; what is accepted prints and parses back to
// the same, and all can be made from it. Any bundle: it is accepted or rejected; what is accepted has code. Any
// manifest: what is accepted prints as the same.
#include "frontends/fble/program_bundle.h"
#include "fuzz/targets/target.h"
#include "interp/bytecode_verify.h"
#include "tests/support/use_image.h"

using namespace fble;

FBLE_FUZZ_TARGET(image) {
  std::string content(as_text(bytes));
  if (content.starts_with(kBundleMagic)) {
    mend_bundle(content);
    std::string problem;
    const auto code = link_bundle(content, problem);
    require((code == nullptr) == !problem.empty(), "problem and result differ", problem);
    if (code != nullptr) require(verify_bytecode(*code).empty(), "accepted modules make wrong code", content);
    return;
  }
  if (content.starts_with(kManifestMagic)) {
    const Digest command = digest_of("a command");
    mend_manifest(content, command);
    const auto manifest = parse_manifest(content, command);
    if (!manifest) return;
    require(print_manifest(*manifest, command) == content, "the manifest prints as another one");
    for (const ManifestFolder& folder : manifest->folders) {
      if (const auto facts = parse_folder_lines(folder)) {
        require(print_folder_lines({folder.name, folder.stamp, *facts}) == folder.lines,
                "lines of a folder print as others");
      }
    }
    if (const auto modules = parse_manifest_modules(manifest->modules, manifest->facts.size())) {
      require(print_manifest_modules(*modules) == manifest->modules, "lines of modules print as others");
    }
    return;
  }
  if (!content.starts_with(kImageMagic)) {
    ImageParse parse = parse_image(content);
    if (!parse.error.empty()) return;
    content = std::move(parse.image);
  }
  mend_checksum(content);
  std::string problem;
  const auto image = ModuleImage::open(content, problem);
  require((image == nullptr) == !problem.empty(), "problem and result differ", problem);
  if (image == nullptr) return;
  require(parse_image(print_image(image->view())).image == content, "the image prints as another one");
  use_image(*image);
}
