'use strict';
const { zero, one, incr, decr, add, less, eq, show, program } = require('./bench.js');

const from = (n) => () => ({ head: n, tail: from(incr(n)) });

function skip(prime, multiple, cell) {
  for (;;) {
    if (less(cell.head, multiple)) {
      return { head: cell.head, tail: without(prime, multiple, cell.tail) };
    }
    const next = add(multiple, prime);
    if (eq(cell.head, multiple)) cell = cell.tail();
    multiple = next;
  }
}

const without = (prime, multiple, stream) => () => skip(prime, multiple, stream());

function sum(count, stream, total) {
  while (count.tag !== 0) {
    const cell = stream();
    const prime = cell.head;
    stream = without(prime, add(prime, prime), cell.tail);
    total = add(total, prime);
    count = decr(count);
  }
  return total;
}

program(1500, (n) => show(sum(n, from(incr(one)), zero)));
