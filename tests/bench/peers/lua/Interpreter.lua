local bench = require("bench")
local one, incr, decr, add, less = bench.one, bench.incr, bench.decr, bench.add, bench.less
local items = bench.items

-- Terms.
local NUMBER, VARIABLE, FUNCTION, APPLY, ADD, PRED, IF_LESS = 0, 1, 2, 3, 4, 5, 6
-- Values: a number is tag 0, a closure tag 1. Indices: here is tag 0, one more out is tag 1.

local function lookup(environment, index)
  while index.tag ~= 0 do
    environment, index = environment.tail, index.rest
  end
  return environment.head
end

local function eval(environment, term)
  while true do
    local tag = term.tag
    if tag == NUMBER then
      return { tag = 0, number = term.number }
    elseif tag == VARIABLE then
      return lookup(environment, term.index)
    elseif tag == FUNCTION then
      return { tag = 1, body = term.body, environment = environment }
    elseif tag == APPLY then
      local func = eval(environment, term.func)
      local argument = eval(environment, term.argument)
      environment = items(argument, items(func, func.environment))
      term = func.body
    elseif tag == ADD then
      local left = eval(environment, term.left)
      local right = eval(environment, term.right)
      return { tag = 0, number = add(left.number, right.number) }
    elseif tag == PRED then
      return { tag = 0, number = decr(eval(environment, term.term).number) }
    else
      local left = eval(environment, term.left)
      local right = eval(environment, term.right)
      if less(left.number, right.number) then term = term.yes else term = term.no end
    end
  end
end

local HERE = { tag = 0 }
local x = { tag = VARIABLE, index = HERE }
local self = { tag = VARIABLE, index = { tag = 1, rest = HERE } }

local function number(n) return { tag = NUMBER, number = n } end
local function apply(func, argument) return { tag = APPLY, func = func, argument = argument } end
local function pred(term) return { tag = PRED, term = term } end

local fibonacci = { tag = FUNCTION, body = {
  tag = IF_LESS, left = x, right = number(incr(one)),
  yes = x,
  no = { tag = ADD, left = apply(self, pred(x)), right = apply(self, pred(pred(x))) },
} }

bench.program(29, function(n)
  return bench.show(eval(bench.empty, apply(fibonacci, number(n))).number)
end)
