local bench = require("bench")
local zero, one, incr, decr, add, less, eq =
  bench.zero, bench.one, bench.incr, bench.decr, bench.add, bench.less, bench.eq

local function from(n)
  return function() return { head = n, tail = from(incr(n)) } end
end

local without

local function skip(prime, multiple, cell)
  while true do
    if less(cell.head, multiple) then
      return { head = cell.head, tail = without(prime, multiple, cell.tail) }
    end
    local next = add(multiple, prime)
    if eq(cell.head, multiple) then cell = cell.tail() end
    multiple = next
  end
end

function without(prime, multiple, stream)
  return function() return skip(prime, multiple, stream()) end
end

local function sum(count, stream, total)
  while count.tag ~= 0 do
    local cell = stream()
    local prime = cell.head
    count, stream, total =
      decr(count), without(prime, add(prime, prime), cell.tail), add(total, prime)
  end
  return total
end

bench.program(1500, function(n) return bench.show(sum(n, from(incr(one)), zero)) end)
