'use strict';
const { toInt, program } = require('./bench.js');

// The sum needs more digits than a number of JavaScript has: it is a big integer,
// of which the compiler may keep 64 bits in a register.
program(20000000, (size) => {
  const n = toInt(size);
  let sum = 0n;
  for (let i = 1; !(n < i); ++i) sum = BigInt.asIntN(64, sum + BigInt(i));
  return sum.toString();
});
