-- One step of a tenant's limits: the decision of tenants/limits.py, made where all replicas count.
--
-- KEYS: the window counts, packed; the leases, execution -> expiry. ARGV: admit | renew, the execution, now,
-- seconds of a lease, executions allowed at once (-1: any number), and for admit name, limit, seconds of each window.
-- Numbers are doubles as in Python, and the arithmetic is in the same order: the decisions are equal to the last bit.

local counts_key, leases_key = KEYS[1], KEYS[2]
local verb, execution, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lease_seconds, concurrent = tonumber(ARGV[4]), tonumber(ARGV[5])

-- A key that a clock keeps alive for longer than it matters costs less than one that is gone too soon.
local MARGIN_SECONDS = 60

local function milliseconds(seconds)
  return math.ceil((seconds + MARGIN_SECONDS) * 1000)
end

-- Python's `//` for a dividend from zero on and a divisor above it: exact where a rounded quotient is not.
local function floor_division(dividend, divisor)
  local quotient = (dividend - math.fmod(dividend, divisor)) / divisor
  local floor = math.floor(quotient)
  if quotient - floor > 0.5 then floor = floor + 1 end
  return floor
end

-- windows.roll
local function roll(count, window_seconds)
  local index = floor_division(now, window_seconds)
  local passed = index - count.index
  if passed == 0 or passed == -1 then return count end
  return {index = index, current = 0, previous = passed == 1 and count.current or 0}
end

-- windows.used
local function used(count, window_seconds)
  local left = math.min(window_seconds, (count.index + 1) * window_seconds - now)
  return count.current + floor_division(count.previous * left, window_seconds)
end

local function lease()
  redis.call('ZADD', leases_key, now + lease_seconds, execution)
  redis.call('PEXPIRE', leases_key, milliseconds(lease_seconds))
end

local function held()
  redis.call('ZREMRANGEBYSCORE', leases_key, '-inf', now)
  return redis.call('ZCARD', leases_key)
end

-- What was used before, from which Python tells how the same decision goes.
local function admit()
  local packed, holding = redis.call('GET', counts_key), held()
  local before = packed and cmsgpack.unpack(packed) or {}
  local after, longest, full = {}, 0, concurrent >= 0 and holding >= concurrent
  for i = 6, #ARGV, 3 do
    local name, limit, seconds = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
    local count = roll(before[name] or {index = 0, current = 0, previous = 0}, seconds)
    full = full or used(count, seconds) >= limit
    after[name] = {index = count.index, current = count.current + 1, previous = count.previous}
    longest = math.max(longest, seconds)
  end
  if not full then
    lease()
    if longest > 0 then
      redis.call('SET', counts_key, cmsgpack.pack(after), 'PX', milliseconds(2 * longest))
    else
      redis.call('DEL', counts_key)
    end
  end
  return {holding, packed}
end

local function renew()
  local holding = held()
  if concurrent >= 0 and holding >= concurrent and not redis.call('ZSCORE', leases_key, execution) then
    return 0
  end
  lease()
  return 1
end

return verb == 'admit' and admit() or renew()
