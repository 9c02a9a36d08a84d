-- What API keys, and recipients of a key, may still do. Each request has its
-- own entry in KEYS, {key:ID}:send, {key:ID}:read or {key:ID}:to:RECIPIENT, and
-- seven arguments after the first: how many; the limits of the short window,
-- the long window and the day (0: none); 1 for a batch, which takes what fits
-- and knows no short window; the day's count if the hash has none (-1: say so
-- and spend nothing, -2: go on without); what was spent elsewhere today.
-- The first argument is the time in microseconds (0: Redis' own).
-- For each request it gives seven numbers: why not all was allowed (0: it was,
-- 1 short, 2 long, 3 day, 9 the day's count is unknown), how many were, what
-- is left of short, long and day (-1: no limit), microseconds until the rest,
-- and the number of the day.
-- quota.go is the same in Go; a property test holds them together.

local DAY = 86400e6
local WINDOWS = { -- width and number of the buckets
  send = {{'s', 50e3, 20}, {'m', 1e6, 60}},
  to = {{'s', 1e6, 0}, {'h', 300e6, 12}},
}

local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1e6 + tonumber(t[2])
end

local function whole(n) return string.format('%.0f', n) end

-- Buckets from..to of a window, as count and time of the last one counted.
local function read(key, w, from, to)
  local fields, got = {}, {}
  for id = from, to do fields[#fields + 1] = w.name .. whole(id) end
  if #fields == 0 then return got end
  for i, v in ipairs(redis.call('HMGET', key, unpack(fields))) do
    local n, last = string.match(v or '', '(%d+):(%d+)')
    got[i] = {field = fields[i], n = tonumber(n or 0), last = tonumber(last or 0)}
  end
  return got
end

-- Forgets what no longer counts. A bucket counts until its last entry has left
-- the window: the limit is never exceeded, in any window.
local function slide(key, w)
  local b = math.max(math.floor(now / w.width), w.top)
  if w.n > 0 then
    local old = {}
    for _, v in ipairs(read(key, w, w.top - w.count, math.min(b - w.count, w.top))) do
      if v.n > 0 and v.last <= now - w.width * w.count then
        w.n = w.n - v.n
        old[#old + 1] = v.field
      end
    end
    if #old > 0 then redis.call('HDEL', key, unpack(old)) end
  end
  w.top = b
  w.now = read(key, w, b, b)[1]
end

local states = {}

local function load(key)
  local s = states[key]
  if s then return s end
  s = {windows = {}}
  for i, def in ipairs(WINDOWS[string.match(key, '^{[^}]*}:(to):') or 'send']) do
    local name = def[1]
    local v = redis.call('HMGET', key, name .. 'n', name .. 'top', 'day', 'dn')
    local w = {name = name, width = def[2], count = def[3], n = tonumber(v[1] or 0), top = tonumber(v[2] or 0)}
    slide(key, w)
    s.windows[i] = w
    s.day, s.dn = tonumber(v[3] or 0), tonumber(v[4] or 0)
  end
  states[key] = s
  return s
end

local function save(key, s)
  local args = {'day', whole(s.day), 'dn', whole(s.dn)}
  for _, w in ipairs(s.windows) do
    for _, v in ipairs({w.name .. 'n', whole(w.n), w.name .. 'top', whole(w.top)}) do args[#args + 1] = v end
    if w.now.n > 0 then
      args[#args + 1] = w.now.field
      args[#args + 1] = whole(w.now.n) .. ':' .. whole(w.now.last)
    end
  end
  redis.call('HSET', key, unpack(args))
  local long = s.windows[2]
  local past = long.width * (long.count + 1)
  if s.day > 0 then past = math.max(past, (s.day + 1) * DAY - now) end
  redis.call('PEXPIRE', key, whole(math.ceil(past / 1000) + 60000))
end

local function add(w, n)
  if n == 0 or w.count == 0 then return end
  w.n, w.now.n, w.now.last = w.n + n, w.now.n + n, math.max(now, w.now.last)
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

local function spend(key, n, short, long, day, batch, seed, extra)
  local s, today = load(key), math.floor(now / DAY)
  if day > 0 then
    if s.day == today then
      s.dn = s.dn + extra
    elseif seed >= 0 then
      s.day, s.dn = today, seed
    elseif seed == -1 then
      return {9, 0, 0, 0, 0, 0, today}
    else
      day = 0
    end
  end
  local sw, lw = s.windows[1], s.windows[2]
  local free = {math.huge, math.huge, math.huge}
  if short > 0 and not batch then free[1] = math.max(0, short - sw.n) end
  if long > 0 then free[2] = math.max(0, long - lw.n) end
  if day > 0 then free[3] = math.max(0, day - s.dn) end
  local fits = math.min(n, free[1], free[2], free[3])
  local cut = fits < n
  if cut and not batch then fits = 0 end
  if not batch then add(sw, fits) end
  add(lw, fits)
  if s.day == today then s.dn = s.dn + fits end
  -- Of the limits that were in the way, the one that stays so longest.
  local why, pause = 0, 0
  local function consider(i, p)
    if p >= pause then why, pause = i, p end
  end
  if cut then
    local need = batch and fits + 1 or n
    if free[1] < need then consider(1, wait(key, sw, need - free[1])) end
    if free[2] < need then consider(2, wait(key, lw, need - free[2])) end
    if free[3] < need then consider(3, (today + 1) * DAY - now) end
  end
  local left = {-1, -1, -1}
  if short > 0 then left[1] = math.max(0, short - sw.n) end
  if long > 0 then left[2] = math.max(0, long - lw.n) end
  if day > 0 then left[3] = math.max(0, day - s.dn) end
  return {why, fits, left[1], left[2], left[3], math.ceil(pause), today}
end

local out = {}
for i, key in ipairs(KEYS) do
  local a = {}
  for j = 1, 7 do a[j] = tonumber(ARGV[1 + (i - 1) * 7 + j]) end
  for _, v in ipairs(spend(key, a[1], a[2], a[3], a[4], a[5] == 1, a[6], a[7])) do out[#out + 1] = v end
end
for key, s in pairs(states) do save(key, s) end
return out
