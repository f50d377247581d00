// Digests: what identifies the content of sources and images.
// Tested by tests/unit/frontends/fble/image/digest_test.cc.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fble {

/// A SHA-256 digest. Different content has different digests, also if an attacker chooses it.
struct Digest {
  std::array<uint32_t, 8> words{};
  auto operator<=>(const Digest&) const = default;
  /// Returns the digest as 64 hexadecimal digits.
  std::string str() const;
};

/// Computes a digest of parts. Parts have their lengths in the digest, so other parts with the same bytes have another
/// one.
class Digester {
 public:
  Digester();
  Digester& add(std::string_view part);
  Digester& add(const Digest& part);
  Digest finish();

 private:
  void update(const void* bytes, size_t count);

  alignas(8) std::array<unsigned char, 128> state_;
};

/// Returns the digest of the bytes alone.
Digest digest_of(std::string_view bytes);

/// Returns the digest of the running command: of what the linker has identified it by (its build id). Nothing if it has
/// no build id.
std::optional<Digest> command_digest();

}  // namespace fble
