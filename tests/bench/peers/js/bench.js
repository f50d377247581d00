// What the programs share: numbers, lists and the command line.
// The same as tests/bench/programs/Bench; a value of a union is an object with a tag,
// and a loop stands where a function there calls itself last.
'use strict';

// Numbers: tag 0 is the end, 1 an even and 2 an odd number; rest is half of it.
const zero = { tag: 0, rest: null };
const one = { tag: 2, rest: zero };

const even = (rest) => ({ tag: 1, rest });
const odd = (rest) => ({ tag: 2, rest });

function double(a) {
  return a.tag === 0 ? a : even(a);
}

function incr(a) {
  switch (a.tag) {
    case 0: return one;
    case 1: return odd(a.rest);
    default: return even(incr(a.rest));
  }
}

function decr(a) {
  switch (a.tag) {
    case 0: return a;
    case 1: return odd(decr(a.rest));
    default: return double(a.rest);
  }
}

function add(a, b) {
  if (a.tag === 0) return b;
  if (b.tag === 0) return a;
  if (a.tag === 1) {
    return b.tag === 1 ? even(add(a.rest, b.rest)) : odd(add(a.rest, b.rest));
  }
  return b.tag === 1 ? odd(add(a.rest, b.rest)) : even(addCarry(a.rest, b.rest));
}

function addCarry(a, b) {
  if (a.tag === 0) return incr(b);
  if (a.tag === 1) {
    if (b.tag === 0) return odd(a.rest);
    return b.tag === 1 ? odd(add(a.rest, b.rest)) : even(addCarry(a.rest, b.rest));
  }
  if (b.tag === 0) return even(incr(a.rest));
  return b.tag === 1 ? even(addCarry(a.rest, b.rest)) : odd(addCarry(a.rest, b.rest));
}

function eq(a, b) {
  for (;;) {
    if (a.tag !== b.tag) return false;
    if (a.tag === 0) return true;
    a = a.rest;
    b = b.rest;
  }
}

function less(a, b) {
  let otherwise = false;
  for (;;) {
    if (a.tag === 0) return b.tag === 0 ? otherwise : true;
    if (b.tag === 0) return false;
    if (a.tag === 1) {
      if (b.tag === 2) otherwise = true;
    } else if (b.tag === 1) {
      otherwise = false;
    }
    a = a.rest;
    b = b.rest;
  }
}

function low(digits, a) {
  if (digits.tag === 0) return zero;
  switch (a.tag) {
    case 0: return a;
    case 1: return double(low(digits.rest, a.rest));
    default: return odd(low(digits.rest, a.rest));
  }
}

const seven = incr(double(incr(double(one))));
function random(mask, x) {
  return low(mask, add(add(x, double(double(x))), seven));
}

function fromInt(n) {
  if (n === 0) return zero;
  return n % 2 === 0 ? even(fromInt(n / 2)) : odd(fromInt((n - 1) / 2));
}

function toInt(a) {
  switch (a.tag) {
    case 0: return 0;
    case 1: return 2 * toInt(a.rest);
    default: return 2 * toInt(a.rest) + 1;
  }
}

function show(a) {
  return toInt(a).toString();
}

// Lists: an empty one is tag 0, one with items has a head and a tail.
const empty = { tag: 0, head: null, tail: null };
const items = (head, tail) => ({ tag: 1, head, tail });

function reverseOnto(a, b) {
  while (a.tag !== 0) {
    b = items(a.head, b);
    a = a.tail;
  }
  return b;
}

function reverse(a) {
  return reverseOnto(a, empty);
}

function append(a, b) {
  return a.tag === 0 ? b : items(a.head, append(a.tail, b));
}

function length(a) {
  let n = zero;
  while (a.tag !== 0) {
    n = incr(n);
    a = a.tail;
  }
  return n;
}

// Prints what `work` gives for the size, as often as asked.
function program(size, work) {
  const n = fromInt(Number(process.argv[2] ?? size));
  const repetitions = Number(process.argv[3] ?? 1);
  const fs = require('fs');
  for (let i = 0; i < repetitions; ++i) {
    fs.writeSync(1, work(n) + '\n');
  }
}

module.exports = {
  zero, one, double, incr, decr, add, eq, less, low, random, fromInt, toInt, show,
  empty, items, reverseOnto, reverse, append, length, program,
};
