local bench = require("bench")
local zero, one, decr, add, less, random =
  bench.zero, bench.one, bench.decr, bench.add, bench.less, bench.random
local empty, items, reverse_onto = bench.empty, bench.items, bench.reverse_onto

local mask = bench.from_int(131071)

local function numbers(count, seed, list)
  while count.tag ~= 0 do
    seed = random(mask, seed)
    count, list = decr(count), items(seed, list)
  end
  return list
end

local function merge(a, b, merged)
  while true do
    if a.tag == 0 then return reverse_onto(merged, b) end
    if b.tag == 0 then return reverse_onto(merged, a) end
    if less(b.head, a.head) then
      b, merged = b.tail, items(b.head, merged)
    else
      a, merged = a.tail, items(a.head, merged)
    end
  end
end

local sort

local function deal(list, a, b)
  while list.tag ~= 0 do
    list, a, b = list.tail, b, items(list.head, a)
  end
  return merge(sort(a), sort(b), empty)
end

function sort(list)
  if list.tag == 0 or list.tail.tag == 0 then return list end
  return deal(list, empty, empty)
end

local function sum_of_every_second(list, sum)
  while list.tag ~= 0 do
    sum = add(sum, list.head)
    if list.tail.tag == 0 then return sum end
    list = list.tail.tail
  end
  return sum
end

bench.program(50000, function(n)
  return bench.show(sum_of_every_second(sort(numbers(n, one, empty)), zero))
end)
