-- The send rate of channels. KEYS are {ch:ID}:rate, one except for feed.
-- ARGV: what to do, the time in microseconds (0: Redis' own), then what it needs.
-- slots.go is the same in Go, line by line; a property test holds them together.

local SLACK = tonumber(ARGV[3])
local RECOVER = 5e-8 -- of the configured rate, per microsecond: 5 % a second

local now = tonumber(ARGV[2])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1e6 + tonumber(t[2])
end

local FIELDS = {'next', 'blk', 'f', 'ft', 'cut', 'run', 'tok', 'tt'}

local function load(key)
  local v = redis.call('HMGET', key, 'holes', unpack(FIELDS))
  local s = {holes = {}}
  for i, name in ipairs(FIELDS) do
    s[name] = tonumber(v[i + 1] or 0)
  end
  if not v[4] then s.f = 1 end
  s.known = s.next > 0
  for from, to in string.gmatch(v[1] or '', '(%d+):(%d+)') do
    s.holes[#s.holes + 1] = {tonumber(from), tonumber(to)}
  end
  return s
end

local function save(key, s)
  local args = {}
  for _, name in ipairs(FIELDS) do
    args[#args + 1] = name
    args[#args + 1] = string.format('%.17g', s[name])
  end
  local holes = {}
  for _, h in ipairs(s.holes) do
    holes[#holes + 1] = string.format('%.0f:%.0f', h[1], h[2])
  end
  redis.call('HSET', key, 'holes', table.concat(holes, ','), unpack(args))
  -- An idle channel's state says nothing: nothing booked, blocked or cut.
  local past = math.max(s.next, s.blk, s.ft + (1 - s.f) / RECOVER, s.tt + 2e6)
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(0, past - now) / 1000 + 10000))
end

-- The share of the configured rate that throttling has left.
local function share(s)
  return math.min(1, s.f + RECOVER * math.max(0, now - s.ft))
end

local function fit(from, to, step)
  if from > to then return 0 end
  return math.floor((to - from) / step) + 1
end

local function reserve(s, rate, n, horizon, otp, near, floor, force)
  local step = SLACK * 1e6 / (rate * share(s))
  local limit = now + horizon
  if otp then limit = now + near / 2 end
  local got, first, wait = 0, 0, math.huge
  local left = {}
  for _, h in ipairs(s.holes) do
    local from, to = math.max(h[1], now, s.blk), h[2]
    if got == 0 then
      local k = math.min(n, math.floor((to - from) / step), fit(from, limit, step))
      if k > 0 then
        got, first = k, from
        from = math.ceil(from + k * step)
      end
    end
    if to - from >= step then
      left[#left + 1] = {from, to}
      if not otp then wait = math.min(wait, from) end
    end
  end
  s.holes = left
  local start = math.max(now, s.next, s.blk)
  if force or not s.known then start = math.max(start, now + floor) end
  if got == 0 then
    got, first = math.min(n, fit(start, now + horizon, step)), start
    if got > 0 then
      s.next = math.ceil(start + got * step)
      if not otp or s.next <= now + near then
        s.run = 0
      else
        s.run = s.run + got
        if s.run >= math.max(9, rate * share(s) / 10) then
          local stop = math.ceil(s.next + math.floor(s.run / 9) * step)
          s.holes[#s.holes + 1] = {s.next, stop}
          s.next, s.run = stop, 0
        end
      end
      start = s.next
    end
  end
  wait = math.min(wait, math.max(now, start, s.blk)) - now - horizon / 2
  if got == n then wait = 0 end
  if got == 0 then first = now end
  return {got, math.floor(first - now), math.floor(step * 1000), math.max(0, math.ceil(wait))}
end

local function throttle(s, retry, block)
  s.f = share(s)
  if now >= s.cut then
    s.f = math.max(0.05, s.f * 0.7)
    s.cut = now + math.max(1e6, retry)
  end
  if block then s.blk = math.max(s.blk, now + retry) end
  s.ft = math.max(now, s.blk) -- recovery begins when the block ends
end

local function feed(s, rate, want)
  local pace = rate * share(s)
  local cap = math.max(1, 1.5 * pace)
  s.tok = math.min(cap, s.tok + pace * (now - s.tt) / 1e6)
  if s.tt == 0 then s.tok = cap end
  s.tt = now
  if s.blk > now then return 0 end
  local give = math.min(want, math.floor(s.tok))
  s.tok = s.tok - give
  return give
end

local op = ARGV[1]
if op == 'feed' then
  local gave = {}
  for i, key in ipairs(KEYS) do
    local s = load(key)
    gave[i] = feed(s, tonumber(ARGV[2 * i + 2]), tonumber(ARGV[2 * i + 3]))
    save(key, s)
  end
  return gave
end
local s = load(KEYS[1])
if op == 'reserve' then
  local got = reserve(s, tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1',
    tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1')
  save(KEYS[1], s)
  return got
elseif op == 'throttle' then
  throttle(s, tonumber(ARGV[4]), ARGV[5] == '1')
  save(KEYS[1], s)
  return {}
elseif op == 'state' then
  return {math.floor(share(s) * 1e6 + 0.5), math.max(0, s.blk - now), math.max(0, math.floor(s.next - now))}
end
return redis.error_reply('ERR unknown operation')
