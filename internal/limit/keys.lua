-- What API keys, and recipients of a key, may still do. Each request has its
-- own entry in KEYS, {key:ID}:send, {key:ID}:read or {key:ID}:to:RECIPIENT, and
-- nine arguments after the first: how many, and how often so many; the limits
-- of the short window, the long window and the day (0: none); 1 for a batch,
-- which takes what fits and knows no short window; the day's count if the hash
-- has none (-1: say so and spend nothing, -2: go on without); the day that
-- count is of (0: any); what was spent elsewhere today. The first argument is
-- the time in microseconds (0: Redis' own). For each request it gives seven
-- numbers: why not all was allowed (0: it was, 1 short, 2 long, 3 day, 9 the
-- day's count is unknown), how many were, what is left of short, long and day
-- (-1: no limit), microseconds until the rest, and the number of the day.
-- quota.go is the same in Go; a property test holds them together.

local DAY = 86400e6
local WINDOWS = { -- name, width and number of the buckets
  send = {{'s', 50e3, 20}, {'m', 1e6, 60}},
  to = {{'x', 1e6, 0}, {'h', 300e6, 12}},
}
local floor, max, min, match = math.floor, math.max, math.min, string.match

local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1e6 + tonumber(t[2])
end
local today = floor(now / DAY)

-- A bucket is kept in one of count+1 fields, as its id, its count and when in
-- it the last one was counted. One of another id is an old one, and empty.
local function bucket(w, id, v)
  local got, n, last = match(v or '', '(%d+):(%d+):(%d+)')
  if tonumber(got) ~= id then return {id = id, n = 0, last = 0} end
  return {id = id, n = tonumber(n), last = id * w.width + tonumber(last)}
end

local function field(w, id) return w.name .. id % (w.count + 1) end

local function read(key, w, from, to)
  local fields, got = {}, {}
  for id = max(0, from), to do fields[#fields + 1] = field(w, id) end
  if #fields == 0 then return got end
  for i, v in ipairs(redis.call('HMGET', key, unpack(fields))) do
    got[i] = bucket(w, to - #fields + i, v)
  end
  return got
end

-- Forgets what no longer counts. A bucket counts until its last entry has left
-- the window: the limit is never exceeded, in any window.
local function slide(key, w, newest, oldest)
  local b = max(floor(now / w.width), w.top)
  if w.n > 0 then
    local leaving = {bucket(w, b - w.count, oldest)}
    if b > w.top then leaving = read(key, w, w.top - w.count, min(b - w.count, w.top)) end
    for _, v in ipairs(leaving) do
      if v.last <= now - w.width * w.count then w.n = w.n - v.n end
      if v.last <= now - w.width * w.count and v.n > 0 and v.id == b - w.count then
        redis.call('HDEL', key, field(w, v.id)) -- or it would leave a second time
      end
    end
  end
  w.top = b
  w.now = bucket(w, b, newest)
end

local states = {}

local function load(key)
  local s = states[key]
  if s then return s end
  local defs, windows, fields = WINDOWS[match(key, '^{[^}]*}:(to):') or 'send'], {}, {'day', 'dn'}
  for i, def in ipairs(defs) do
    local w = {name = def[1], width = def[2], count = def[3]}
    windows[i] = w
    fields[4 * i - 1], fields[4 * i] = w.name .. 'n', w.name .. 'top'
    local b = floor(now / w.width)
    fields[4 * i + 1], fields[4 * i + 2] = field(w, b), field(w, b - w.count)
  end
  local v = redis.call('HMGET', key, unpack(fields))
  s = {windows = windows, day = tonumber(v[1] or 0), dn = tonumber(v[2] or 0)}
  for i, w in ipairs(windows) do
    w.n, w.top = tonumber(v[4 * i - 1] or 0), tonumber(v[4 * i] or 0)
    s.fresh = floor(now / w.width) > w.top -- of the long window, at last
    if w.top <= floor(now / w.width) then
      slide(key, w, v[4 * i + 1], v[4 * i + 2])
    else -- the clock went back
      local there = redis.call('HMGET', key, field(w, w.top), field(w, w.top - w.count))
      slide(key, w, there[1], there[2])
    end
  end
  states[key] = s
  return s
end

local function save(key, s)
  local args = {'day', s.day, 'dn', s.dn}
  for _, w in ipairs(s.windows) do
    local i = #args
    args[i + 1], args[i + 2], args[i + 3], args[i + 4] = w.name .. 'n', w.n, w.name .. 'top', w.top
    if w.now.n > 0 then
      args[i + 5], args[i + 6] = field(w, w.top), w.top .. ':' .. w.now.n .. ':' .. max(0, w.now.last - w.top * w.width)
    end
  end
  redis.call('HSET', key, unpack(args))
  if not s.fresh then return end
  local long = s.windows[2]
  local past = long.width * (long.count + 1)
  if s.day > 0 then past = max(past, (s.day + 1) * DAY - now) end
  redis.call('PEXPIRE', key, math.ceil(past / 1000) + 60000)
end

local function add(w, n)
  if n == 0 or w.count == 0 then return end
  w.n, w.now.n, w.now.last = w.n + n, w.now.n + n, max(now, w.now.last)
end

-- How long until a window has need more places.
local function wait(key, w, need)
  local span = w.width * w.count
  w.past = w.past or read(key, w, w.top - w.count, w.top - 1)
  for _, v in ipairs(w.past) do
    need = need - v.n
    if v.n > 0 and need <= 0 then return v.last + span - now end
  end
  if need <= w.now.n then return w.now.last + span - now end
  return span -- more than the limit: never
end

local function spend(key, n, times, short, long, day, batch, seed, seedDay, extra)
  local s = load(key)
  if day > 0 then
    if s.day == today then
      s.dn = s.dn + extra
    elseif seed >= 0 and (seedDay == 0 or seedDay == today) then
      s.day, s.dn, s.fresh = today, seed, true
    elseif seed ~= -2 then
      return 9, 0, 0, 0, 0, 0
    else
      day = 0
    end
  end
  local sw, lw = s.windows[1], s.windows[2]
  local free1, free2, free3 = math.huge, math.huge, math.huge
  if short > 0 and not batch then free1 = max(0, short - sw.n) end
  if long > 0 then free2 = max(0, long - lw.n) end
  if day > 0 then free3 = max(0, day - s.dn) end
  local fits = min(n * times, free1, free2, free3)
  local cut = fits < n * times
  if cut and not batch then fits = fits - fits % n end
  if not batch then add(sw, fits) end
  add(lw, fits)
  if s.day == today then s.dn = s.dn + fits end
  -- Of the limits that were in the way, the one that stays so longest.
  local why, pause = 0, 0
  if cut then
    local need = fits + (batch and 1 or n)
    if free1 < need then why, pause = 1, wait(key, sw, need - free1) end
    if free2 < need then
      local p = wait(key, lw, need - free2)
      if p >= pause then why, pause = 2, p end
    end
    if free3 < need and (today + 1) * DAY - now >= pause then why, pause = 3, (today + 1) * DAY - now end
  end
  return why, fits, short > 0 and max(0, short - sw.n) or -1, long > 0 and max(0, long - lw.n) or -1,
    day > 0 and max(0, day - s.dn) or -1, pause
end

local out = {}
for i, key in ipairs(KEYS) do
  local a = 9 * i - 7
  local o = 7 * i - 6
  out[o], out[o + 1], out[o + 2], out[o + 3], out[o + 4], out[o + 5] = spend(key,
    tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]),
    tonumber(ARGV[a + 4]), ARGV[a + 5] == '1', tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7]), tonumber(ARGV[a + 8]))
  out[o + 6] = today
end
for key, s in pairs(states) do save(key, s) end
return out
