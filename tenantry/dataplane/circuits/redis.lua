-- One step of a tenant's circuits: the decisions of breaker.py, made where all replicas see them.
--
-- KEYS: a hash with "state <name>" and "about <name>" of every circuit, and "generation", above every generation ever
-- forgotten; and when each circuit will be forgotten. ARGV: admit | report | obey, the circuit's name, now, and what
-- the step needs. Numbers are doubles as in Python, and the arithmetic is in the same order: the answers are equal to
-- the last bit. No step looks at all circuits of a tenant: whoever has many of them takes no time from others.

local key, ends_key, name, now = KEYS[1], KEYS[2], ARGV[2], tonumber(ARGV[3])

-- Added to the end of a circuit that a person holds: those are forgotten for want of room only, and last.
local HELD = 1e12

-- A key that lives longer than it matters costs less than setting its time again for every call.
local MARGIN_SECONDS = 60

local function exact(number)
  return string.format('%.17g', number)
end

local function is_held(circuit)
  return circuit.status == 'held open' or circuit.status == 'held closed'
end

local function is_idle(circuit)
  return now >= circuit.used_at + circuit.keep_seconds and not is_held(circuit)
end

local function load(of)
  local packed = redis.call('HGET', key, 'state ' .. of)
  return packed and cmsgpack.unpack(packed)
end

local function find()
  local circuit = load(name)
  return circuit and not is_idle(circuit) and circuit or nil
end

local function save(circuit)
  redis.call('HSET', key, 'state ' .. name, cmsgpack.pack(circuit))
end

local function use(circuit)
  circuit.used_at = now
  redis.call('ZADD', ends_key, now + circuit.keep_seconds + (is_held(circuit) and HELD or 0), name)
end

-- A change of state begins a generation.
local function enter(circuit, status, opened_at)
  return {
    status = status, generation = circuit.generation + 1, opened_at = opened_at,
    used_at = circuit.used_at, keep_seconds = circuit.keep_seconds,
    failures = {}, probes = {}, admitted = 0, succeeded = 0,
  }
end

-- Keeping: a tenant's keys live as long as the last of its circuits, and for ever while a person holds one.

local function expire(seconds)
  local milliseconds = math.ceil((seconds + MARGIN_SECONDS) * 1000)
  redis.call('PEXPIRE', key, milliseconds)
  redis.call('PEXPIRE', ends_key, milliseconds)
end

local function set_lifetime()
  local last_end = tonumber(redis.call('ZRANGE', ends_key, -1, -1, 'WITHSCORES')[2])
  if last_end < HELD then return expire(last_end - now) end
  redis.call('PERSIST', key)
  redis.call('PERSIST', ends_key)
end

local function extend_lifetime(circuit)
  local left = redis.call('PTTL', ends_key)
  if left == -1 then set_lifetime() elseif left < circuit.keep_seconds * 1000 then expire(circuit.keep_seconds) end
end

local function last_generation()
  return tonumber(redis.call('HGET', key, 'generation') or 0)
end

local function forget(of)
  local circuit = load(of)
  if circuit and circuit.generation >= last_generation() then
    redis.call('HSET', key, 'generation', exact(circuit.generation + 1))
  end
  redis.call('HDEL', key, 'state ' .. of, 'about ' .. of)
  redis.call('ZREM', ends_key, of)
end

local function make_room(max_per_tenant)
  for _, idle in ipairs(redis.call('ZRANGEBYSCORE', ends_key, '-inf', now)) do forget(idle) end
  if redis.call('ZCARD', ends_key) >= max_per_tenant then forget(redis.call('ZRANGE', ends_key, 0, 0)[1]) end
end

local function begin(keep_seconds, max_per_tenant, about)
  make_room(max_per_tenant)
  -- The clock, too: Redis may have lost the hash, and permits given before are still about.
  local generation = math.max(last_generation(), math.floor(now * 1000))
  local circuit = enter({generation = generation - 1, used_at = now, keep_seconds = keep_seconds}, 'closed')
  redis.call('HSET', key, 'about ' .. name, about)
  use(circuit)
  set_lifetime()
  return circuit
end

-- Deciding, as in breaker.py.

local function permit(circuit, probe)
  return {1, circuit.generation, probe}
end

local function refusal(circuit, seconds)
  return {0, exact(seconds), exact(circuit.opened_at)}
end

local function admit_probe(circuit, policy)
  local probes = circuit.probes
  if circuit.succeeded + #probes >= policy.half_open_requests then
    local claim_seconds = probes[1][2] - now
    if claim_seconds > 0 then return refusal(circuit, math.min(claim_seconds, policy.break_seconds)) end
    table.remove(probes, 1)
  end
  circuit.admitted = circuit.admitted + 1
  table.insert(probes, {circuit.admitted, now + policy.probe_seconds})
  return permit(circuit, circuit.admitted)
end

local function admit(circuit, policy)
  if circuit.status == 'closed' or circuit.status == 'held closed' then return circuit, permit(circuit, 0) end
  if circuit.status == 'held open' then return circuit, refusal(circuit, policy.break_seconds) end
  if circuit.status == 'open' then
    local ends_at = circuit.opened_at + policy.break_seconds
    if now < ends_at then return circuit, refusal(circuit, ends_at - now) end
    circuit = enter(circuit, 'half-open', circuit.opened_at)
  end
  return circuit, admit_probe(circuit, policy)
end

local function count_failure(circuit, policy)
  local failures = {}
  for _, failed_at in ipairs(circuit.failures) do
    if failed_at > now - policy.sampling_seconds then table.insert(failures, failed_at) end
  end
  table.insert(failures, now)
  if #failures >= policy.failure_threshold then return enter(circuit, 'open', now), 'opened' end
  circuit.failures = failures
  return circuit, false
end

local function conclude_probe(circuit, policy, probe, outcome)
  if outcome == 'failure' then return enter(circuit, 'open', now), 'opened' end
  local probes = {}
  for _, other in ipairs(circuit.probes) do
    if other[1] ~= probe then table.insert(probes, other) end
  end
  if #probes == #circuit.probes then return circuit, false end
  circuit.probes = probes
  if outcome == 'success' then circuit.succeeded = circuit.succeeded + 1 end
  if circuit.succeeded >= policy.half_open_requests then return enter(circuit, 'closed'), 'closed' end
  return circuit, false
end

local function report(circuit, policy, generation, probe, outcome)
  if generation ~= circuit.generation then return circuit, false end
  if circuit.status == 'closed' and outcome == 'failure' then return count_failure(circuit, policy) end
  if circuit.status == 'half-open' then return conclude_probe(circuit, policy, probe, outcome) end
  return circuit, false
end

local function obey(circuit, order)
  if order == 'open' then return enter(circuit, 'held open', now) end
  return enter(circuit, order == 'close' and 'held closed' or 'closed')
end

-- The steps.

local steps = {}

local function policy_from(words)
  return {
    failure_threshold = tonumber(words[4]), sampling_seconds = tonumber(words[5]),
    break_seconds = tonumber(words[6]), half_open_requests = tonumber(words[7]),
    probe_seconds = tonumber(words[8]),
  }
end

function steps.admit()
  local keep_seconds, max_per_tenant, about = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
  local circuit, decision = find() or begin(keep_seconds, max_per_tenant, about), nil
  use(circuit)
  circuit, decision = admit(circuit, policy_from(ARGV))
  save(circuit)
  extend_lifetime(circuit)
  return decision
end

function steps.report()
  local circuit, change = find(), false
  if circuit then
    circuit, change = report(circuit, policy_from(ARGV), tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11])
    save(circuit)
  end
  return change
end

function steps.obey()
  local circuit = find()
  if not circuit then return false end
  circuit = obey(circuit, ARGV[4])
  use(circuit)
  save(circuit)
  set_lifetime()
  return {redis.call('HGET', key, 'state ' .. name), redis.call('HGET', key, 'about ' .. name)}
end

return steps[ARGV[1]]()
