'use strict';
const { zero, decr, add, show, program } = require('./bench.js');

function sum(n, total) {
  while (n.tag !== 0) {
    total = add(total, n);
    n = decr(n);
  }
  return total;
}

program(1_000_000, (n) => show(sum(n, zero)));
