'use strict';
const { one, incr, decr, add, less, show, empty, items, program } = require('./bench.js');

// Terms.
const NUMBER = 0, VARIABLE = 1, FUNCTION = 2, APPLY = 3, ADD = 4, PRED = 5, IF_LESS = 6;

// Values.
const numberValue = (number) => ({ tag: 0, number, body: null, environment: null });
const closure = (body, environment) => ({ tag: 1, number: null, body, environment });

// Indices: here is tag 0, one more out is tag 1.
function lookup(environment, index) {
  while (index.tag !== 0) {
    environment = environment.tail;
    index = index.rest;
  }
  return environment.head;
}

function evaluate(environment, term) {
  for (;;) {
    switch (term.tag) {
      case NUMBER: return numberValue(term.number);
      case VARIABLE: return lookup(environment, term.index);
      case FUNCTION: return closure(term.body, environment);
      case APPLY: {
        const func = evaluate(environment, term.func);
        const argument = evaluate(environment, term.argument);
        environment = items(argument, items(func, func.environment));
        term = func.body;
        break;
      }
      case ADD: {
        const left = evaluate(environment, term.left);
        const right = evaluate(environment, term.right);
        return numberValue(add(left.number, right.number));
      }
      case PRED: return numberValue(decr(evaluate(environment, term.term).number));
      case IF_LESS: {
        const left = evaluate(environment, term.left);
        const right = evaluate(environment, term.right);
        term = less(left.number, right.number) ? term.yes : term.no;
        break;
      }
    }
  }
}

const here = { tag: 0, rest: null };
const x = { tag: VARIABLE, index: here };
const self = { tag: VARIABLE, index: { tag: 1, rest: here } };
const number = (n) => ({ tag: NUMBER, number: n });
const apply = (func, argument) => ({ tag: APPLY, func, argument });
const pred = (term) => ({ tag: PRED, term });

const fibonacci = {
  tag: FUNCTION,
  body: {
    tag: IF_LESS, left: x, right: number(incr(one)),
    yes: x,
    no: { tag: ADD, left: apply(self, pred(x)), right: apply(self, pred(pred(x))) },
  },
};

program(29, (n) => show(evaluate(empty, apply(fibonacci, number(n))).number));
