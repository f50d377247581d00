-- What the programs share: numbers, lists and the command line.
-- The same as tests/bench/programs/Bench; a value of a union is a table with a tag,
-- and a loop stands where a function there calls itself last.

local bench = {}

-- Numbers: tag 0 is the end, 1 an even and 2 an odd number; rest is half of it.
local END = { tag = 0 }
local ONE = { tag = 2, rest = END }
bench.zero = END
bench.one = ONE

local function double(a)
  if a.tag == 0 then return a end
  return { tag = 1, rest = a }
end
bench.double = double

local function incr(a)
  local tag = a.tag
  if tag == 0 then return ONE end
  if tag == 1 then return { tag = 2, rest = a.rest } end
  return { tag = 1, rest = incr(a.rest) }
end
bench.incr = incr

local function decr(a)
  local tag = a.tag
  if tag == 0 then return a end
  if tag == 1 then return { tag = 2, rest = decr(a.rest) } end
  return double(a.rest)
end
bench.decr = decr

local add, add_carry

function add(a, b)
  if a.tag == 0 then return b end
  if b.tag == 0 then return a end
  if a.tag == 1 then
    if b.tag == 1 then return { tag = 1, rest = add(a.rest, b.rest) } end
    return { tag = 2, rest = add(a.rest, b.rest) }
  end
  if b.tag == 1 then return { tag = 2, rest = add(a.rest, b.rest) } end
  return { tag = 1, rest = add_carry(a.rest, b.rest) }
end
bench.add = add

function add_carry(a, b)
  if a.tag == 0 then return incr(b) end
  if a.tag == 1 then
    if b.tag == 0 then return { tag = 2, rest = a.rest } end
    if b.tag == 1 then return { tag = 2, rest = add(a.rest, b.rest) } end
    return { tag = 1, rest = add_carry(a.rest, b.rest) }
  end
  if b.tag == 0 then return { tag = 1, rest = incr(a.rest) } end
  if b.tag == 1 then return { tag = 1, rest = add_carry(a.rest, b.rest) } end
  return { tag = 2, rest = add_carry(a.rest, b.rest) }
end

function bench.eq(a, b)
  while true do
    local tag = a.tag
    if tag ~= b.tag then return false end
    if tag == 0 then return true end
    a, b = a.rest, b.rest
  end
end

function bench.less(a, b)
  local otherwise = false
  while true do
    if a.tag == 0 then
      if b.tag == 0 then return otherwise end
      return true
    end
    if b.tag == 0 then return false end
    if a.tag == 1 then
      if b.tag == 2 then otherwise = true end
    elseif b.tag == 1 then
      otherwise = false
    end
    a, b = a.rest, b.rest
  end
end

local function low(digits, a)
  if digits.tag == 0 then return END end
  if a.tag == 0 then return a end
  if a.tag == 1 then return double(low(digits.rest, a.rest)) end
  return { tag = 2, rest = low(digits.rest, a.rest) }
end
bench.low = low

local seven = incr(double(incr(double(ONE))))
function bench.random(mask, x)
  return low(mask, add(add(x, double(double(x))), seven))
end

local function from_int(n)
  if n == 0 then return END end
  if n % 2 == 0 then return { tag = 1, rest = from_int(n / 2) } end
  return { tag = 2, rest = from_int((n - 1) / 2) }
end
bench.from_int = from_int

local function to_int(a)
  if a.tag == 0 then return 0 end
  if a.tag == 1 then return 2 * to_int(a.rest) end
  return 2 * to_int(a.rest) + 1
end

bench.to_int = to_int

function bench.show(a)
  return string.format("%.0f", to_int(a))
end

-- Lists: an empty one is tag 0, one with items has a head and a tail.
local EMPTY = { tag = 0 }
bench.empty = EMPTY

function bench.items(head, tail)
  return { tag = 1, head = head, tail = tail }
end

local function reverse_onto(a, b)
  while a.tag ~= 0 do
    b = { tag = 1, head = a.head, tail = b }
    a = a.tail
  end
  return b
end
bench.reverse_onto = reverse_onto

function bench.reverse(a)
  return reverse_onto(a, EMPTY)
end

local function append(a, b)
  if a.tag == 0 then return b end
  return { tag = 1, head = a.head, tail = append(a.tail, b) }
end
bench.append = append

function bench.length(a)
  local n = END
  while a.tag ~= 0 do
    n = incr(n)
    a = a.tail
  end
  return n
end

-- Prints what `work` gives for the size, as often as asked.
function bench.program(default, work)
  local size = from_int(tonumber(arg[1] or default))
  for _ = 1, tonumber(arg[2] or 1) do
    io.write(work(size), "\n")
    io.flush()
  end
end

return bench
