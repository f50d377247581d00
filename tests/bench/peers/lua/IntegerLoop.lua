local bench = require("bench")

-- The sum needs more digits than a number of Lua has: it is a 64-bit integer.
bench.program(20000000, function(size)
  local n, i, sum = bench.to_int(size), 1, 0LL
  while not (n < i) do
    sum = sum + i
    i = i + 1
  end
  return (tostring(sum):gsub("LL$", ""))
end)
