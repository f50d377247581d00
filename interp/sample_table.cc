#include "interp/sample_table.h"

namespace fble {

namespace {

/// The address space for nodes, edges and leaves, each.
constexpr size_t kMostItems = size_t{1} << 26;

}  // namespace

SampleTable::SampleTable() : nodes_(kMostItems), edges_(kMostItems), leaves_(kMostItems) {
  if (nodes_.is_full() || edges_.is_full() || leaves_.is_full()) system_out_of_memory();
  nodes_.push({});
  edges_.push({});
  leaves_.push({});
}

/// Returns the node of the path that the callee returns to, if the path would end in the same functions twice; else 0.
uint32_t SampleTable::fold(uint32_t caller, const Code* code) const {
  for (uint32_t earlier = caller; earlier != 0; earlier = nodes_[earlier].parent) {
    if (nodes_[earlier].code != code) continue;
    uint32_t length = nodes_[caller].depth - nodes_[earlier].depth;
    if (length > nodes_[earlier].depth) return 0;
    uint32_t late = caller;
    uint32_t early = nodes_[earlier].parent;
    for (; length > 0 && nodes_[late].code == nodes_[early].code; --length) {
      late = nodes_[late].parent;
      early = nodes_[early].parent;
    }
    if (length == 0) return earlier;
  }
  return 0;
}

uint32_t SampleTable::enter(uint32_t caller, const uint32_t* site, const Code* code) {
  uint32_t* link = &nodes_[caller].first_edge;
  for (uint32_t at = *link; at != 0; link = &edges_[at].next, at = *link) {
    Edge& edge = edges_[at];
    if (edge.site != site || edge.code != code) continue;
    // To the front: what was called last is called again.
    *link = edge.next;
    edge.next = nodes_[caller].first_edge;
    nodes_[caller].first_edge = at;
    return edge.target;
  }
  uint32_t target = fold(caller, code);
  if (edges_.is_full() || (target == 0 && nodes_.is_full())) {
    ++cut_short_;
    return caller;
  }
  if (target == 0) {
    target = static_cast<uint32_t>(nodes_.size());
    nodes_.push({.parent = caller, .depth = nodes_[caller].depth + 1, .code = code, .site = site});
  }
  edges_.push({site, code, target, nodes_[caller].first_edge});
  nodes_[caller].first_edge = static_cast<uint32_t>(edges_.size() - 1);
  return target;
}

uint32_t SampleTable::add(uint32_t node, const uint32_t* pc, Activity activity, Tier tier, uint32_t trace,
                          uint64_t ns) {
  ++samples_;
  ns_ += ns;
  uint32_t* link = &nodes_[node].first_leaf;
  for (uint32_t at = *link; at != 0; link = &leaves_[at].next, at = *link) {
    Leaf& leaf = leaves_[at];
    if (leaf.pc != pc || leaf.activity != activity || leaf.tier != tier || leaf.trace != trace) continue;
    ++leaf.samples;
    leaf.ns += ns;
    *link = leaf.next;
    leaf.next = nodes_[node].first_leaf;
    nodes_[node].first_leaf = at;
    return at;
  }
  if (leaves_.is_full()) {
    ++cut_short_;
    return 0;
  }
  leaves_.push({pc, nodes_[node].first_leaf, trace, activity, tier, 1, ns});
  nodes_[node].first_leaf = static_cast<uint32_t>(leaves_.size() - 1);
  return nodes_[node].first_leaf;
}

void SampleTable::take_back(uint32_t leaf, uint64_t ns) {
  --samples_;
  ns_ -= ns;
  if (leaf == 0) return;
  --leaves_[leaf].samples;
  leaves_[leaf].ns -= ns;
}

}  // namespace fble
