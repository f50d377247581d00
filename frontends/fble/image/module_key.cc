#include "frontends/fble/image/module_key.h"

namespace fble {
namespace {

void add_path(Digester& digester, const ModulePath& path) {
  const size_t count = path.words.size();
  digester.add({reinterpret_cast<const char*>(&count), sizeof count});
  for (const Symbol word : path.words) digester.add(word.str());
}

}  // namespace

std::optional<Digest> source_key(const ModulePath& module, const SourceDigests& sources) {
  static const std::optional<Digest> command = command_digest();
  if (!command) return std::nullopt;
  Digester digester;
  digester.add(*command);
  add_path(digester, module);
  for (const std::optional<Digest>& source : {sources.header, sources.value}) {
    digester.add(source ? "+" : "-").add(source.value_or(Digest{}));
  }
  return digester.finish();
}

}  // namespace fble
