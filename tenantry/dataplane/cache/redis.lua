-- One step of a tenant's shelf of results: shelf.py, where all replicas read.
--
-- KEYS: a hash of results as "<kept at> <bytes of memory> <JSON>", with the counters "#turn" and "#bytes"; and when
-- each was last read, in turns. ARGV: find | keep, the result's name, now, seconds to live, and for keep its memory,
-- its JSON (empty: it is not kept), and the tenant's bounds: results, bytes.

local results, read = KEYS[1], KEYS[2]
local verb, name, now, ttl_seconds = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function touch()
  redis.call('ZADD', read, redis.call('HINCRBY', results, '#turn', 1), name)
end

local function find()
  local kept = redis.call('HGET', results, name)
  if not kept or now - tonumber(string.match(kept, '^%S+')) >= ttl_seconds then return false end
  touch()
  return kept
end

local function drop(dropped)
  local kept = redis.call('HGET', results, dropped)
  redis.call('ZREM', read, dropped)
  if kept then
    redis.call('HDEL', results, dropped)
    redis.call('HINCRBY', results, '#bytes', -tonumber(string.match(kept, '^%S+ (%S+)')))
  end
end

local function exceeds(max_results, max_bytes)
  return redis.call('ZCARD', read) > max_results or tonumber(redis.call('HGET', results, '#bytes')) > max_bytes
end

local function extend_lifetime()
  local wanted = math.ceil(ttl_seconds * 1000)
  if redis.call('PTTL', results) < wanted then
    redis.call('PEXPIRE', results, wanted)
    redis.call('PEXPIRE', read, wanted)
  end
end

local function keep(memory_bytes, json, max_results, max_bytes)
  drop(name)
  if json == '' then return end
  redis.call('HSET', results, name, ARGV[3] .. ' ' .. memory_bytes .. ' ' .. json)
  redis.call('HINCRBY', results, '#bytes', memory_bytes)
  touch()
  while exceeds(max_results, max_bytes) do
    local longest_unread = redis.call('ZRANGE', read, 0, 0)[1]
    if longest_unread == name then  -- a key of the two was evicted: what is left cannot be accounted for
      redis.call('DEL', results, read)
      return
    end
    drop(longest_unread)
  end
  extend_lifetime()
end

if verb == 'find' then return find() end
return keep(ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]))
