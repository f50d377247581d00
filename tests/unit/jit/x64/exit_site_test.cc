// What is kept of exits, and where. tests/unit/jit/x64/assemble_test.cc has the sled at work.
#include "jit/x64/exit_site.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace fble {
namespace {

const uint8_t* at(uintptr_t offset) { return reinterpret_cast<const uint8_t*>(offset); }

/// Sites behind machine code of any bytes.
class StoredSites {
 public:
  StoredSites(size_t code_bytes, const std::vector<ExitSite>& sites)
      : bytes_(code_bytes, 0xcc), code_bytes_(code_bytes) {
    std::vector<uint8_t> behind;
    // Jumps are distances from the start, wherever it is.
    store_sites(sites, nullptr, behind);
    exits_ = static_cast<uint32_t>(sites.size());
    bytes_.insert(bytes_.end(), behind.begin(), behind.end());
    bytes_.push_back(kTable);
    for (const ExitSite& site : sites) {
      if (!site.is_return()) continue;
      // The code of a call has the distance of the frames.
      const int32_t distance = 8 * site.n;
      std::memcpy(bytes_.data() + (site.jumps[0] - at(0)) - 1 + kDistanceAt, &distance, sizeof distance);
    }
  }

  static constexpr uint8_t kTable = 0x5a;

  TraceCode code() const { return {bytes_.data(), code_bytes_, exits_}; }
  size_t site_bytes() const { return bytes_.size() - code_bytes_ - 1; }

 private:
  std::vector<uint8_t> bytes_;
  size_t code_bytes_;
  uint32_t exits_ = 0;
};

ExitSite random_site(std::mt19937& random, uintptr_t& offset) {
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  ExitSite site;
  do {
    site.guard = static_cast<IrOp>(below(static_cast<uint32_t>(IrOp::kCount)));
  } while (site.is_return());
  const bool tests_tag = site.guard == IrOp::kTagIs || site.guard == IrOp::kTagFrom;
  if (tests_tag || site.guard == IrOp::kIsPacked) {
    switch (below(4)) {
      case 0: site.operand = {LocationKind::kSpill, static_cast<int32_t>(below(300))}; break;
      case 1: site.operand = {LocationKind::kSlot, static_cast<int32_t>(below(300)) - 3}; break;
      case 2: break;
      default: site.operand = {LocationKind::kRegister, static_cast<int32_t>(below(4)) * 3}; break;
    }
  }
  if (tests_tag) site.m = below(40);
  if (tests_tag || site.guard == IrOp::kDeoptPoint) {
    site.n = static_cast<int32_t>(below(2) == 0 ? below(10) : below(1 << 20));
  }
  if (site.is_yield() || site.guard == IrOp::kDeoptPoint) return site;
  const uint32_t jumps = below(3) == 0 ? below(5) : 1;
  for (uint32_t i = 0; i < jumps; ++i) {
    // Code of the same exit may be out of line.
    offset = below(8) == 0 ? below(10000) : offset + 6 + below(90);
    site.jumps.push_back(at(offset));
  }
  return site;
}

TEST(ExitSites, ComeBack) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<ExitSite> sites;
    uintptr_t offset = 0;
    const size_t count = random() % 60;
    for (size_t i = 0; i < count; ++i) sites.push_back(random_site(random, offset));
    size_t code_bytes = random() % 3000;
    if (random() % 2 == 0) {
      ExitSite call;
      call.guard = IrOp::kCall;
      call.n = static_cast<int32_t>(random() % (random() % 2 == 0 ? 10 : 1 << 20));
      call.jumps = {at(1 + random() % 3000)};
      sites.push_back(call);
      code_bytes += 3100;
    }
    const StoredSites stored(code_bytes, sites);
    ExitSite found;
    for (uint32_t i = 0; i < sites.size(); ++i) {
      load_site(stored.code(), i, found);
      ASSERT_EQ(found.guard, sites[i].guard);
      EXPECT_EQ(found.operand, sites[i].operand);
      EXPECT_EQ(found.n, sites[i].n);
      EXPECT_EQ(found.m, sites[i].m);
      ASSERT_EQ(found.jumps.size(), sites[i].jumps.size());
      for (size_t k = 0; k < found.jumps.size(); ++k) {
        EXPECT_EQ(found.jumps[k] - stored.code().start, sites[i].jumps[k] - at(0));
      }
    }
    EXPECT_EQ(side_table_of(stored.code()).bytes.front(), StoredSites::kTable);
  }
}

TEST(ExitSites, TakeOneToThreeBytes) {
  ExitSite check;
  check.guard = IrOp::kAllocCheck;
  check.jumps = {at(20)};
  ExitSite tag;
  tag.guard = IrOp::kTagIs;
  tag.operand = {LocationKind::kRegister, 3};
  tag.n = 2;
  tag.m = 2;
  tag.jumps = {at(60)};
  EXPECT_EQ(StoredSites(100, {check}).site_bytes(), 1u);
  EXPECT_EQ(StoredSites(100, {check, tag}).site_bytes(), 1u + 3);
}

TEST(Sled, EachExitHasAPlace) {
  // A sled of 40 exits is two groups of 16 and one of 8, each before a call; the last exit comes first.
  const std::vector<uint8_t> bytes(200);
  const TraceCode code{bytes.data(), 150};
  const uint8_t* previous = code.end();
  for (uint32_t exit = 0; exit < 40; ++exit) {
    const uint8_t* const place = place_in_sled(code, exit);
    EXPECT_EQ(previous - place, exit % kSledExits == 0 ? 1 + ptrdiff_t{kSledCallBytes} : 1) << exit;
    previous = place;
    // A push of one byte after the other, then the call.
    const uint64_t pushes = exit % kSledExits + 1;
    EXPECT_EQ(exit_number(code, place + pushes + kSledCallBytes, pushes), exit);
  }
}

}  // namespace
}  // namespace fble
