'use strict';
const {
  zero, one, decr, add, less, random, fromInt, show, empty, items, reverseOnto, program,
} = require('./bench.js');

const mask = fromInt(131071);

function numbers(count, seed, list) {
  while (count.tag !== 0) {
    seed = random(mask, seed);
    list = items(seed, list);
    count = decr(count);
  }
  return list;
}

function merge(a, b, merged) {
  for (;;) {
    if (a.tag === 0) return reverseOnto(merged, b);
    if (b.tag === 0) return reverseOnto(merged, a);
    if (less(b.head, a.head)) {
      merged = items(b.head, merged);
      b = b.tail;
    } else {
      merged = items(a.head, merged);
      a = a.tail;
    }
  }
}

function deal(list, a, b) {
  while (list.tag !== 0) {
    const next = items(list.head, a);
    a = b;
    b = next;
    list = list.tail;
  }
  return merge(sort(a), sort(b), empty);
}

function sort(list) {
  if (list.tag === 0 || list.tail.tag === 0) return list;
  return deal(list, empty, empty);
}

function sumOfEverySecond(list, sum) {
  while (list.tag !== 0) {
    sum = add(sum, list.head);
    if (list.tail.tag === 0) return sum;
    list = list.tail.tail;
  }
  return sum;
}

program(50_000, (n) => show(sumOfEverySecond(sort(numbers(n, one, empty)), zero)));
