// Each tree is made in an arena that is cleared after the tree has been counted.
#include "bench.h"

struct Tree {
  const Tree* left;
  const Tree* right;
};

static constexpr Tree kLeaf{nullptr, nullptr};

static const Tree* make(Arena& arena, Num depth) {
  if (depth->tag == kEnd) return &kLeaf;
  const Num below = decr(depth);
  const Tree* left = make(arena, below);
  const Tree* right = make(arena, below);
  return arena.make(Tree{left, right});
}

static Num count(Num n, const Tree* tree) {
  while (tree->left != nullptr) {
    n = count(n, tree->left);
    tree = tree->right;
  }
  return incr(n);
}

int main(int argc, char** argv) {
  return program(argc, argv, 18, [](Num n) {
    Arena long_lived_arena;
    Arena arena;
    const Tree* long_lived = make(long_lived_arena, n);
    Num depth = n;
    Num trees = kOne;
    Num total = kZero;
    for (;;) {
      for (Num left = trees; left->tag != kEnd; left = decr(left)) {
        arena.clear();
        total = count(total, make(arena, depth));
        clear_numbers_but(depth, trees, left, total);
      }
      if (depth->tag == kEnd) break;
      depth = decr(depth);
      trees = double_of(trees);
    }
    return show(count(total, long_lived));
  });
}
