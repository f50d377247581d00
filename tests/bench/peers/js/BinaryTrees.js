'use strict';
const { zero, one, double, incr, decr, show, program } = require('./bench.js');

// Trees: a leaf is tag 0, a node tag 1.
const leaf = { tag: 0, left: null, right: null };

function make(depth) {
  if (depth.tag === 0) return leaf;
  const below = decr(depth);
  return { tag: 1, left: make(below), right: make(below) };
}

function count(n, tree) {
  while (tree.tag !== 0) {
    n = count(n, tree.left);
    tree = tree.right;
  }
  return incr(n);
}

function short(depth, trees, n) {
  while (trees.tag !== 0) {
    n = count(n, make(depth));
    trees = decr(trees);
  }
  return n;
}

function depths(depth, trees, n) {
  for (;;) {
    n = short(depth, trees, n);
    if (depth.tag === 0) return n;
    depth = decr(depth);
    trees = double(trees);
  }
}

program(18, (n) => {
  const longLived = make(n);
  return show(count(depths(n, one, zero), longLived));
});
