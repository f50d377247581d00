local bench = require("bench")
local zero, incr, decr, eq = bench.zero, bench.incr, bench.decr, bench.eq
local items = bench.items

local function safe(queens, column, up, down)
  while queens.tag ~= 0 do
    local queen = queens.head
    if eq(queen, column) or eq(queen, up) or eq(queen, down) then return false end
    queens, up, down = queens.tail, incr(up), decr(down)
  end
  return true
end

local function queens(n)
  local columns
  local function row(rows, placed, count)
    if rows.tag == 0 then return incr(count) end
    return columns(n, decr(rows), placed, count)
  end
  function columns(column, rows, placed, count)
    while column.tag ~= 0 do
      local next = decr(column)
      if safe(placed, column, incr(column), next) then
        count = row(rows, items(column, placed), count)
      end
      column = next
    end
    return count
  end
  return row(n, bench.empty, zero)
end

bench.program(11, function(n) return bench.show(queens(n)) end)
