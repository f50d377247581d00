'use strict';
const {
  zero, one, incr, decr, add, eq, less, show, empty, items, reverseOnto, append, program,
} = require('./bench.js');

function flip(count, taken, list) {
  while (count.tag !== 0) {
    taken = items(list.head, taken);
    count = decr(count);
    list = list.tail;
  }
  return append(taken, list);
}

function flips(n, list) {
  for (;;) {
    const first = list.head;
    if (eq(first, one)) return n;
    n = incr(n);
    list = flip(first, empty, list);
  }
}

function note(tally, list) {
  const n = flips(zero, list);
  return { longest: less(tally.longest, n) ? n : tally.longest, total: add(tally.total, n) };
}

function orders(tally, chosen, rest) {
  return rest.tag === 0 ? note(tally, chosen) : choose(tally, chosen, empty, rest);
}

function choose(tally, chosen, before, after) {
  while (after.tag !== 0) {
    const item = after.head;
    const others = after.tail;
    tally = orders(tally, items(item, chosen), reverseOnto(before, others));
    before = items(item, before);
    after = others;
  }
  return tally;
}

function countTo(n, list) {
  while (n.tag !== 0) {
    list = items(n, list);
    n = decr(n);
  }
  return list;
}

program(9, (n) => {
  const tally = orders({ longest: zero, total: zero }, empty, countTo(n, empty));
  return show(tally.longest) + ' ' + show(tally.total);
});
