'use strict';
const { zero, incr, decr, add, show, program } = require('./bench.js');

const unit = {};

const m = {
  pure: (a) => (s) => ({ state: s, result: a }),
  bind: (action, next) => (s) => {
    const first = action(s);
    return next(first.result)(first.state);
  },
};
const s = {
  get: (s) => ({ state: s, result: s }),
  put: (s) => (_) => ({ state: s, result: unit }),
};

function fresh(m, s) {
  return m.bind(s.get, (n) =>
    m.bind(s.put(incr(n)), (_) =>
      m.pure(n)));
}

// Trees: a leaf is tag 0, a node tag 1.
const leafOf = (leaf) => ({ tag: 0, leaf, left: null, right: null });
const nodeOf = (left, right) => ({ tag: 1, leaf: null, left, right });

function label(m, s, tree) {
  if (tree.tag === 0) {
    return m.bind(fresh(m, s), (n) => m.pure(leafOf(n)));
  }
  return m.bind(label(m, s, tree.left), (left) =>
    m.bind(label(m, s, tree.right), (right) =>
      m.pure(nodeOf(left, right))));
}

function make(depth) {
  if (depth.tag === 0) return leafOf(unit);
  const below = decr(depth);
  return nodeOf(make(below), make(below));
}

function sumOfLeft(sum, tree) {
  while (tree.tag !== 0) {
    if (tree.left.tag === 0) {
      sum = add(sum, tree.left.leaf);
    } else {
      sum = sumOfLeft(sum, tree.left);
    }
    tree = tree.right;
  }
  return sum;
}

program(18, (n) => show(sumOfLeft(zero, label(m, s, make(n))(zero).result)));
