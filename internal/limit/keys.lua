-- What API keys, and recipients of a key, may still do. Each request has its
-- own entry in KEYS, {key:ID}:send, {key:ID}:read or {key:ID}:to:RECIPIENT, and
-- twelve arguments after the first: how many, and how often so many; the limits
-- of the short window, the long window and the day (0: none); 1 for a batch,
-- which takes what fits and knows no short window; a negative limit of the day is
-- only told, and counts nothing; the day's count if the hash
-- has none (-1: say so and spend nothing, -2: go on without); the day that
-- count is of (0: any); what was spent elsewhere today; how many are wished in
-- advance; how many of those counted earlier come back unused, and when that
-- was. The first argument is the time in microseconds (0: Redis' own). For
-- each request it gives ten numbers: why not all was allowed (0: it was, 1
-- short, 2 long, 3 day, 9 the day's count is unknown), how many were, what is
-- left of short, long and day (-1: no limit), microseconds until the rest, the
-- number of the day; how many are given in advance, for how many microseconds,
-- and when all of it was. quota.go is the same in Go; a property test holds them together.
--
-- An advance is counted as spent at the last moment of its short bucket, which
-- is how long it is good for, so that no window ever has too many. It is given
-- only where plenty is left.
--
-- A key's hash has what most calls need in one field, q: when it was made, the
-- day and its count, and of each window the sum, the number of the newest
-- bucket, and the count and the last entry of the newest and of the oldest. The
-- buckets between have fields of their own, with their number, since fields are
-- used again.

local DAY = 86400e6
local WINDOWS = { -- name, width and number of the buckets
  send = {{'s', 50e3, 20}, {'m', 1e6, 60}},
  to = {{'x', 1e6, 0}, {'h', 300e6, 12}},
}
local floor, max, min = math.floor, math.max, math.min
local PLENTY = 64

-- Numbers are kept as packed doubles where Redis can (miniredis can't): as text
-- they cost more than all the rest of the script.
local ALL, BUCKET = '<ddddddddddddddd', '<ddd'
local pack, parse
local struct = rawget(_G, 'struct')
if struct then
  pack, parse = struct.pack, struct.unpack
else
  pack = function(form, ...) return table.concat({...}, ' ') end
  parse = function(form, v)
    local got = {}
    for n in string.gmatch(v, '%S+') do got[#got + 1] = tonumber(n) end
    return unpack(got)
  end
end

local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1e6 + tonumber(t[2])
end
local today = floor(now / DAY)

local function field(w, id) return w.name .. id % (w.count + 1) end

-- The count and the last entry of a bucket, from its field's value v.
local function bucket(v, id)
  if not v then return 0, 0 end
  local got, n, last = parse(BUCKET, v)
  if got ~= id then return 0, 0 end
  return n, last
end

local function read(key, w, from, to)
  local fields = {}
  for id = from, to do fields[#fields + 1] = field(w, id) end
  if #fields == 0 then return fields end
  return redis.call('HMGET', key, unpack(fields))
end

-- Makes b the newest bucket. What is before b - count no longer counts.
local function roll(key, w, b)
  local top = w.top
  if w.cn > 0 then redis.call('HSET', key, field(w, top), pack(BUCKET, top, w.cn, w.cl)) end
  local oldest = b - w.count
  if oldest > top then
    w.n, w.on, w.ol = 0, 0, 0
  else
    local from = top - w.count + 1
    local got = read(key, w, from, min(oldest, top - 1))
    for i, v in ipairs(got) do
      w.n = w.n - w.on
      w.on, w.ol = bucket(v, from + i - 1)
    end
    if oldest == top then
      w.n = w.n - w.on
      w.on, w.ol = w.cn, w.cl
    end
  end
  w.top, w.cn, w.cl = b, 0, 0
end

-- Forgets what no longer counts. A bucket counts until its last entry has left
-- the window: the limit is never exceeded, in any window.
local function slide(key, w)
  local b = floor(now / w.width)
  if b > w.top then roll(key, w, b) end
  if w.on > 0 and w.ol <= now - w.width * w.count then
    w.n, w.on = w.n - w.on, 0
  end
end

local states = {}

local function load(key)
  local s = states[key]
  if s then return s end
  local defs = string.find(key, '}:to:', 1, true) and WINDOWS.to or WINDOWS.send
  local d1, d2 = defs[1], defs[2]
  local a, b = {name = d1[1], width = d1[2], count = d1[3]}, {name = d2[1], width = d2[2], count = d2[3]}
  s = {short = a, long = b}
  local v = redis.call('HGET', key, 'q')
  if v then
    s.made, s.day, s.dn, a.n, a.top, a.cn, a.cl, a.on, a.ol, b.n, b.top, b.cn, b.cl, b.on, b.ol = parse(ALL, v)
  else
    s.made, s.day, s.dn = now, 0, 0
    a.n, a.top, a.cn, a.cl, a.on, a.ol = 0, 0, 0, 0, 0, 0
    b.n, b.top, b.cn, b.cl, b.on, b.ol = 0, 0, 0, 0, 0, 0
  end
  s.fresh = floor(now / b.width) > b.top
  slide(key, a)
  slide(key, b)
  states[key] = s
  return s
end

-- Adds the buckets of the window o of the key other to those of the window w.
local function merge(key, w, other, o)
  local top = max(w.top, o.top)
  if w.top < top then roll(key, w, top) end
  if o.top < top then roll(other, o, top) end
  local from = top - w.count + 1
  local mine = read(key, w, from, top - 1)
  for i, v in ipairs(read(other, o, from, top - 1)) do
    local id = from + i - 1
    local n, last = bucket(v, id)
    if n > 0 then
      local n0, last0 = bucket(mine[i], id)
      redis.call('HSET', key, field(w, id), pack(BUCKET, id, n0 + n, max(last0, last)))
    end
  end
  w.n, w.past = w.n + o.n, nil
  w.cn, w.cl, w.on, w.ol = w.cn + o.cn, max(w.cl, o.cl), w.on + o.on, max(w.ol, o.ol)
end

-- Moves what other, another id of a person, counted in the long window to key.
local function absorb(key, other)
  if other == key or not states[other] and redis.call('EXISTS', other) == 0 then return end
  merge(key, load(key).long, other, load(other).long)
  redis.call('DEL', other)
  states[other] = nil
end

local function save(key, s)
  local a, b = s.short, s.long
  redis.call('HSET', key, 'q', pack(ALL, s.made, s.day, s.dn, a.n, a.top, a.cn, a.cl, a.on, a.ol, b.n, b.top, b.cn, b.cl, b.on, b.ol))
  if not s.fresh then return end
  local past = b.width * (b.count + 1)
  if s.day > 0 then past = max(past, (s.day + 1) * DAY - now) end
  redis.call('PEXPIRE', key, math.ceil(past / 1000) + 60000)
end

local function add(w, n, at)
  if n == 0 or w.count == 0 then return end
  w.n, w.cn, w.cl = w.n + n, w.cn + n, max(at, w.cl)
end

-- Takes n out of the bucket in which they were counted at some time.
local function takeOut(key, w, at, n)
  local id = floor(at / w.width)
  if id == w.top and w.cn >= n then
    w.n, w.cn = w.n - n, w.cn - n
  elseif id == w.top - w.count and w.on >= n then
    w.n, w.on = w.n - n, w.on - n
  elseif id > w.top - w.count and id < w.top then
    local f = field(w, id)
    local got, last = bucket(redis.call('HGET', key, f), id)
    if got < n then return end
    w.n = w.n - n
    redis.call('HSET', key, f, pack(BUCKET, id, got - n, last))
  end
end

-- What isn't used goes back, unless the hash has been lost since.
local function giveBack(key, s, n, at)
  if n == 0 or at < s.made then return end
  takeOut(key, s.short, at, n)
  takeOut(key, s.long, at, n)
  if s.day == floor(at / DAY) then s.dn = max(0, s.dn - n) end
end

-- Counts an advance of up to n, where no limit is near; how many, how long and
-- when.
local function giveAhead(s, n, short, long, day)
  local sw, lw = s.short, s.long
  if short > 0 then n = min(n, floor((short - sw.n) / PLENTY)) end
  if long > 0 then n = min(n, floor((long - lw.n) / PLENTY)) end
  if day > 0 then n = min(n, floor((day - s.dn) / PLENTY)) end
  if n < 1 or sw.count == 0 then return 0, 0, now end
  local ends = (sw.top + 1) * sw.width
  add(sw, n, ends - 1)
  add(lw, n, ends - 1)
  if s.day == today then s.dn = s.dn + n end
  return n, min(ends - now, sw.width), max(now, sw.top * sw.width)
end

-- How long until a window has need more places.
local function wait(key, w, need)
  local span = w.width * w.count
  need = need - w.on
  if w.on > 0 and need <= 0 then return w.ol + span - now end
  local from = w.top - w.count + 1
  w.past = w.past or read(key, w, from, w.top - 1)
  for i, v in ipairs(w.past) do
    local n, last = bucket(v, from + i - 1)
    need = need - n
    if n > 0 and need <= 0 then return last + span - now end
  end
  if need <= w.cn then return w.cl + span - now end
  return span -- more than the limit: never
end

local function spend(key, n, times, short, long, day, batch, seed, seedDay, extra, ahead, back, backAt)
  local s = load(key)
  giveBack(key, s, back, backAt)
  local counted = day > 0
  day = math.abs(day)
  if day > 0 then
    if s.day == today then
      s.dn = s.dn + extra
    elseif seed >= 0 and (seedDay == 0 or seedDay == today) then
      s.day, s.dn, s.fresh = today, seed, true
    elseif seed ~= -2 then
      return 9, 0, 0, 0, 0, 0, today, 0, 0, 0
    else
      day = 0
    end
  end
  local sw, lw = s.short, s.long
  local want = n * times
  local fits, free1, free2, free3 = want, want, want, want
  if short > 0 and not batch then free1 = short - sw.n end -- below 0 after a limit was lowered, or two persons became one
  if long > 0 then free2 = long - lw.n end
  if counted and day > 0 then free3 = max(0, day - s.dn) end
  fits = max(0, min(fits, free1, free2, free3))
  local cut = fits < want
  if cut and not batch then fits = fits - fits % n end
  if not batch then add(sw, fits, now) end
  add(lw, fits, now)
  if counted and s.day == today then s.dn = s.dn + fits end
  -- Of the limits that were in the way, the one that stays so longest.
  local why, pause = 0, 0
  local given, good, at = 0, 0, now
  if not cut then
    given, good, at = giveAhead(s, ahead, short, long, day)
  else
    local need = fits + (batch and 1 or n)
    if free1 < need then why, pause = 1, wait(key, sw, need - free1) end
    if free2 < need then
      local p = wait(key, lw, need - free2)
      if p >= pause then why, pause = 2, p end
    end
    if free3 < need and (today + 1) * DAY - now >= pause then why, pause = 3, (today + 1) * DAY - now end
  end
  return why, fits, short > 0 and max(0, short - sw.n) or -1, long > 0 and max(0, long - lw.n) or -1,
    day > 0 and max(0, day - s.dn) or -1, pause, today, given, good, at
end

local out, others = {}, {}
for i, key in ipairs(KEYS) do
  local a = 12 * i - 10
  if ARGV[a + 1] == '-1' then
    others[#others + 1] = key
  else
    for _, other in ipairs(others) do absorb(key, other) end
    others = {}
    local o = #out + 1
    out[o], out[o + 1], out[o + 2], out[o + 3], out[o + 4], out[o + 5], out[o + 6], out[o + 7], out[o + 8], out[o + 9] = spend(key,
      tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4]),
      ARGV[a + 5] == '1', tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7]), tonumber(ARGV[a + 8]), tonumber(ARGV[a + 9]),
      tonumber(ARGV[a + 10]), tonumber(ARGV[a + 11]))
  end
end
for key, s in pairs(states) do save(key, s) end
return out
