local bench = require("bench")
local zero, one, incr, decr, add, eq, less =
  bench.zero, bench.one, bench.incr, bench.decr, bench.add, bench.eq, bench.less
local empty, items, reverse_onto, append = bench.empty, bench.items, bench.reverse_onto, bench.append

local function flip(count, taken, list)
  while count.tag ~= 0 do
    taken = items(list.head, taken)
    count, list = decr(count), list.tail
  end
  return append(taken, list)
end

local function flips(n, list)
  while true do
    local first = list.head
    if eq(first, one) then return n end
    n, list = incr(n), flip(first, empty, list)
  end
end

local function note(tally, list)
  local n = flips(zero, list)
  return { longest = less(tally.longest, n) and n or tally.longest, total = add(tally.total, n) }
end

local choose

local function orders(tally, chosen, rest)
  if rest.tag == 0 then return note(tally, chosen) end
  return choose(tally, chosen, empty, rest)
end

function choose(tally, chosen, before, after)
  while after.tag ~= 0 do
    local item, others = after.head, after.tail
    tally = orders(tally, items(item, chosen), reverse_onto(before, others))
    before, after = items(item, before), others
  end
  return tally
end

local function count_to(n, list)
  while n.tag ~= 0 do
    n, list = decr(n), items(n, list)
  end
  return list
end

bench.program(9, function(n)
  local tally = orders({ longest = zero, total = zero }, empty, count_to(n, empty))
  return bench.show(tally.longest) .. " " .. bench.show(tally.total)
end)
