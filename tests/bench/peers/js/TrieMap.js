'use strict';
const { zero, one, incr, decr, add, random, fromInt, show, program } = require('./bench.js');

// Maybe: nothing is tag 0, just a value tag 1. Maps: empty is tag 0, a node tag 1.
const nothing = { tag: 0, just: null };
const just = (value) => ({ tag: 1, just: value });
const emptyMap = { tag: 0, value: nothing, even: null, odd: null };
const node = (value, even, odd) => ({ tag: 1, value, even, odd });

function get(map, key) {
  for (;;) {
    if (map.tag === 0) return nothing;
    switch (key.tag) {
      case 0: return map.value;
      case 1: map = map.even; break;
      default: map = map.odd;
    }
    key = key.rest;
  }
}

function update(map, key, change) {
  const value = map.tag === 0 ? nothing : map.value;
  const even = map.tag === 0 ? emptyMap : map.even;
  const odd = map.tag === 0 ? emptyMap : map.odd;
  switch (key.tag) {
    case 0: return node(just(change(value)), even, odd);
    case 1: return node(value, update(even, key.rest, change), odd);
    default: return node(value, even, update(odd, key.rest, change));
  }
}

function size(map, n) {
  while (map.tag !== 0) {
    if (map.value.tag !== 0) n = incr(n);
    n = size(map.even, n);
    map = map.odd;
  }
  return n;
}

const mask = fromInt(65535);

function fill(count, seed, map) {
  while (count.tag !== 0) {
    seed = random(mask, seed);
    let key = seed;
    if (seed.tag === 1) {
      key = seed.rest;
    } else if (seed.tag === 2 && seed.rest.tag !== 0) {
      key = seed.rest.rest;
    }
    map = update(map, key, (old) => (old.tag !== 0 ? incr(old.just) : one));
    count = decr(count);
  }
  return map;
}

function search(count, seed, map, found) {
  while (count.tag !== 0) {
    seed = random(mask, seed);
    const value = get(map, seed);
    if (value.tag !== 0) {
      found = { hits: incr(found.hits), sum: add(found.sum, value.just) };
    }
    count = decr(count);
  }
  return found;
}

program(100_000, (n) => {
  const map = fill(n, one, emptyMap);
  const found = search(n, fromInt(4711), map, { hits: zero, sum: zero });
  return show(size(map, zero)) + ' ' + show(found.hits) + ' ' + show(found.sum);
});
