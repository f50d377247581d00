'use strict';
const { zero, incr, decr, eq, show, empty, items, program } = require('./bench.js');

function safe(queens, column, up, down) {
  while (queens.tag !== 0) {
    const queen = queens.head;
    if (eq(queen, column) || eq(queen, up) || eq(queen, down)) return false;
    queens = queens.tail;
    up = incr(up);
    down = decr(down);
  }
  return true;
}

function queens(n) {
  function row(rows, placed, count) {
    return rows.tag === 0 ? incr(count) : columns(n, decr(rows), placed, count);
  }
  function columns(column, rows, placed, count) {
    while (column.tag !== 0) {
      const next = decr(column);
      if (safe(placed, column, incr(column), next)) {
        count = row(rows, items(column, placed), count);
      }
      column = next;
    }
    return count;
  }
  return row(n, empty, zero);
}

program(11, (n) => show(queens(n)));
