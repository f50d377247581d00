'use strict';
const {
  zero, incr, decr, add, less, fromInt, show, empty, items, reverseOnto, reverse, append, length,
  program,
} = require('./bench.js');

// Letters and digits are constants.
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const E = LETTERS.indexOf('e');
const SPACE = 26;
const NEWLINE = 27;

function text(word) {
  let list = empty;
  for (let i = word.length - 1; i >= 0; --i) list = items(LETTERS.indexOf(word[i]), list);
  return list;
}

const ONES = [null, 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'].map((word) => word && text(word));
const TEENS = [
  'ten', 'eleven', 'twelve', 'thirteen', 'fourteen', 'fifteen',
  'sixteen', 'seventeen', 'eighteen', 'nineteen',
].map(text);
const TENS = [
  null, null, 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety',
].map((word) => word && text(word));
const HUNDRED = text('hundred');
const THOUSAND = text('thousand');

function next(n) {
  if (n.tag === 0) return items(1, n);
  if (n.head === 9) return items(0, next(n.tail));
  return items(n.head + 1, n.tail);
}

const word = (word, rest) => append(word, items(SPACE, rest));
const ones = (digit, rest) => (digit === 0 ? rest : word(ONES[digit], rest));

function tens(digit, unit, rest) {
  switch (digit) {
    case 0: return ones(unit, rest);
    case 1: return word(TEENS[unit], rest);
    default: return word(TENS[digit], ones(unit, rest));
  }
}

const first = (n) => (n.tag === 0 ? 0 : n.head);
const rest = (n) => (n.tag === 0 ? n : n.tail);

function group(n, text) {
  const low = tens(first(rest(n)), first(n), text);
  const hundreds = first(rest(rest(n)));
  return hundreds === 0 ? low : ones(hundreds, word(HUNDRED, low));
}

function spell(n, text) {
  const thousands = rest(rest(rest(n)));
  if (thousands.tag === 0) return group(n, text);
  return group(thousands, word(THOUSAND, group(n, text)));
}

function numbers(count, n, reversed) {
  while (count.tag !== 0) {
    reversed = reverseOnto(spell(n, empty), reversed);
    n = next(n);
    count = decr(count);
  }
  return reversed;
}

const width = fromInt(60);

function wrap(text, word, line, lines) {
  while (text.tag !== 0) {
    const letter = text.head;
    if (letter === SPACE) {
      const long = add(line, incr(length(word)));
      if (less(width, long)) {
        line = length(word);
        lines = append(word, items(NEWLINE, lines));
      } else {
        line = long;
        lines = append(word, items(SPACE, lines));
      }
      word = empty;
    } else {
      word = items(letter, word);
    }
    text = text.tail;
  }
  return lines;
}

function count(text, which) {
  let n = zero;
  while (text.tag !== 0) {
    if (which(text.head)) n = incr(n);
    text = text.tail;
  }
  return n;
}

program(20_000, (n) => {
  const reversed = numbers(n, items(1, empty), empty);
  const text = reverse(wrap(reverse(reversed), empty, zero, empty));
  const lines = count(text, (letter) => letter === NEWLINE);
  const es = count(text, (letter) => letter === E);
  return show(lines) + ' ' + show(length(text)) + ' ' + show(es);
});
