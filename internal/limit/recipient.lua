-- Spacing between messages of a channel to one recipient. KEYS are
-- {ch:ID}:to:RECIPIENT, each holding the time before which the recipient is to
-- be left alone. ARGV: the time in microseconds (0: Redis' own), the spacing
-- (0: only look), the block (0: none; else the recipients are left alone so
-- long). Gives for each how long to wait; where that is nothing and a spacing
-- is given, the recipient is booked. Of one recipient twice in a page only the
-- first is booked, the others wait in turn.

local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1e6 + tonumber(t[2])
end
local spacing, block = tonumber(ARGV[2]), tonumber(ARGV[3])

local function set(key, till)
  redis.call('SET', key, string.format('%.0f', till), 'PX', string.format('%.0f', math.ceil((till - now) / 1000)))
end

local waits, turn = {}, {}
local till = redis.call('MGET', unpack(KEYS))
for i, key in ipairs(KEYS) do
  local free = tonumber(till[i] or 0)
  if block > 0 then
    free = math.max(free, now + block)
    set(key, free)
  end
  free = turn[key] or math.max(now, free)
  waits[i] = math.max(0, math.ceil(free - now))
  if spacing > 0 then
    if free == now then set(key, now + spacing) end
    turn[key] = free + spacing
  end
end
return waits
