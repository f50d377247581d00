local bench = require("bench")
local zero, decr, add = bench.zero, bench.decr, bench.add

local function sum(n, total)
  while n.tag ~= 0 do
    n, total = decr(n), add(total, n)
  end
  return total
end

bench.program(1000000, function(n) return bench.show(sum(n, zero)) end)
