local bench = require("bench")
local zero, incr, decr, add, less, show =
  bench.zero, bench.incr, bench.decr, bench.add, bench.less, bench.show
local empty, items, reverse_onto, reverse, append, length =
  bench.empty, bench.items, bench.reverse_onto, bench.reverse, bench.append, bench.length

-- Letters and digits are constants.
local LETTERS = "abcdefghijklmnopqrstuvwxyz"
local E = LETTERS:find("e")
local SPACE = 27
local NEWLINE = 28

local function text(word)
  local list = empty
  for i = #word, 1, -1 do list = items(LETTERS:find(word:sub(i, i)), list) end
  return list
end

local function texts(first, words)
  local list = {}
  for i, word in ipairs(words) do list[first + i - 1] = text(word) end
  return list
end

local ONES = texts(1, { "one", "two", "three", "four", "five", "six", "seven", "eight", "nine" })
local TEENS = texts(0, {
  "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
  "sixteen", "seventeen", "eighteen", "nineteen",
})
local TENS = texts(2, { "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety" })
local HUNDRED = text("hundred")
local THOUSAND = text("thousand")

local function next_number(n)
  if n.tag == 0 then return items(1, n) end
  if n.head == 9 then return items(0, next_number(n.tail)) end
  return items(n.head + 1, n.tail)
end

local function word(word, rest) return append(word, items(SPACE, rest)) end

local function ones(digit, rest)
  if digit == 0 then return rest end
  return word(ONES[digit], rest)
end

local function tens(digit, unit, rest)
  if digit == 0 then return ones(unit, rest) end
  if digit == 1 then return word(TEENS[unit], rest) end
  return word(TENS[digit], ones(unit, rest))
end

local function first(n) if n.tag == 0 then return 0 end return n.head end
local function rest(n) if n.tag == 0 then return n end return n.tail end

local function group(n, text)
  local low = tens(first(rest(n)), first(n), text)
  local hundreds = first(rest(rest(n)))
  if hundreds == 0 then return low end
  return ones(hundreds, word(HUNDRED, low))
end

local function spell(n, text)
  local thousands = rest(rest(rest(n)))
  if thousands.tag == 0 then return group(n, text) end
  return group(thousands, word(THOUSAND, group(n, text)))
end

local function numbers(count, n, reversed)
  while count.tag ~= 0 do
    reversed = reverse_onto(spell(n, empty), reversed)
    n, count = next_number(n), decr(count)
  end
  return reversed
end

local width = bench.from_int(60)

local function wrap(text, word, line, lines)
  while text.tag ~= 0 do
    local letter = text.head
    if letter == SPACE then
      local long = add(line, incr(length(word)))
      if less(width, long) then
        line, lines = length(word), append(word, items(NEWLINE, lines))
      else
        line, lines = long, append(word, items(SPACE, lines))
      end
      word = empty
    else
      word = items(letter, word)
    end
    text = text.tail
  end
  return lines
end

local function count(text, which)
  local n = zero
  while text.tag ~= 0 do
    if which(text.head) then n = incr(n) end
    text = text.tail
  end
  return n
end

bench.program(20000, function(n)
  local reversed = numbers(n, items(1, empty), empty)
  local text = reverse(wrap(reverse(reversed), empty, zero, empty))
  local lines = count(text, function(letter) return letter == NEWLINE end)
  local es = count(text, function(letter) return letter == E end)
  return show(lines) .. " " .. show(length(text)) .. " " .. show(es)
end)
