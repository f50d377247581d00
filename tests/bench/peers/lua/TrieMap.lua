local bench = require("bench")
local zero, one, incr, decr, add, random =
  bench.zero, bench.one, bench.incr, bench.decr, bench.add, bench.random

-- Maybe: nothing is tag 0, just a value tag 1. Maps: empty is tag 0, a node tag 1.
local NOTHING = { tag = 0 }
local EMPTY = { tag = 0 }

local function get(map, key)
  while true do
    if map.tag == 0 then return NOTHING end
    if key.tag == 0 then return map.value end
    if key.tag == 1 then map = map.even else map = map.odd end
    key = key.rest
  end
end

local function update(map, key, change)
  local value, even, odd = NOTHING, EMPTY, EMPTY
  if map.tag ~= 0 then value, even, odd = map.value, map.even, map.odd end
  if key.tag == 0 then
    return { tag = 1, value = { tag = 1, just = change(value) }, even = even, odd = odd }
  elseif key.tag == 1 then
    return { tag = 1, value = value, even = update(even, key.rest, change), odd = odd }
  end
  return { tag = 1, value = value, even = even, odd = update(odd, key.rest, change) }
end

local function size(map, n)
  while map.tag ~= 0 do
    if map.value.tag ~= 0 then n = incr(n) end
    n = size(map.even, n)
    map = map.odd
  end
  return n
end

local mask = bench.from_int(65535)

local function fill(count, seed, map)
  while count.tag ~= 0 do
    seed = random(mask, seed)
    local key = seed
    if seed.tag == 1 then
      key = seed.rest
    elseif seed.tag == 2 and seed.rest.tag ~= 0 then
      key = seed.rest.rest
    end
    map = update(map, key, function(old)
      if old.tag ~= 0 then return incr(old.just) end
      return one
    end)
    count = decr(count)
  end
  return map
end

local function search(count, seed, map, found)
  while count.tag ~= 0 do
    seed = random(mask, seed)
    local value = get(map, seed)
    if value.tag ~= 0 then
      found = { hits = incr(found.hits), sum = add(found.sum, value.just) }
    end
    count = decr(count)
  end
  return found
end

bench.program(100000, function(n)
  local map = fill(n, one, EMPTY)
  local found = search(n, bench.from_int(4711), map, { hits = zero, sum = zero })
  return bench.show(size(map, zero)) .. " " .. bench.show(found.hits) .. " " .. bench.show(found.sum)
end)
