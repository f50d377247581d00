local bench = require("bench")
local zero, incr, decr, add = bench.zero, bench.incr, bench.decr, bench.add

local UNIT = {}

local m = {
  pure = function(a)
    return function(s) return { state = s, result = a } end
  end,
  bind = function(action, next)
    return function(s)
      local first = action(s)
      return next(first.result)(first.state)
    end
  end,
}
local s = {
  get = function(s) return { state = s, result = s } end,
  put = function(s)
    return function(_) return { state = s, result = UNIT } end
  end,
}

local function fresh(m, s)
  return m.bind(s.get, function(n)
    return m.bind(s.put(incr(n)), function(_)
      return m.pure(n)
    end)
  end)
end

-- Trees: a leaf is tag 0, a node tag 1.
local function label(m, s, tree)
  if tree.tag == 0 then
    return m.bind(fresh(m, s), function(n)
      return m.pure({ tag = 0, leaf = n })
    end)
  end
  return m.bind(label(m, s, tree.left), function(left)
    return m.bind(label(m, s, tree.right), function(right)
      return m.pure({ tag = 1, left = left, right = right })
    end)
  end)
end

local function make(depth)
  if depth.tag == 0 then return { tag = 0, leaf = UNIT } end
  local below = decr(depth)
  return { tag = 1, left = make(below), right = make(below) }
end

local function sum_of_left(sum, tree)
  while tree.tag ~= 0 do
    if tree.left.tag == 0 then
      sum = add(sum, tree.left.leaf)
    else
      sum = sum_of_left(sum, tree.left)
    end
    tree = tree.right
  end
  return sum
end

bench.program(18, function(n)
  return bench.show(sum_of_left(zero, label(m, s, make(n))(zero).result))
end)
