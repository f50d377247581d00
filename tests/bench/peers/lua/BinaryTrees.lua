local bench = require("bench")
local zero, one, double, incr, decr = bench.zero, bench.one, bench.double, bench.incr, bench.decr

-- Trees: a leaf is tag 0, a node tag 1.
local LEAF = { tag = 0 }

local function make(depth)
  if depth.tag == 0 then return LEAF end
  local below = decr(depth)
  return { tag = 1, left = make(below), right = make(below) }
end

local function count(n, tree)
  while tree.tag ~= 0 do
    n = count(n, tree.left)
    tree = tree.right
  end
  return incr(n)
end

local function short(depth, trees, n)
  while trees.tag ~= 0 do
    n = count(n, make(depth))
    trees = decr(trees)
  end
  return n
end

local function depths(depth, trees, n)
  while true do
    n = short(depth, trees, n)
    if depth.tag == 0 then return n end
    depth, trees = decr(depth), double(trees)
  end
end

bench.program(18, function(n)
  local long_lived = make(n)
  return bench.show(count(depths(n, one, zero), long_lived))
end)
