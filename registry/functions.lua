#!lua name=a2p_registry

-- The only writers of the registry store. Everything lives in one hash slot, {reg}; documents are written by the names
-- that are handed in as arguments, in that same slot.
--
-- The mark says what the copy is worth: its epoch, the last change applied, and when (the store's clock). A missing
-- document under a live mark means "not ours", so a mark must never stand over half a copy: a rebuild removes the mark
-- first (reset), writes behind its back (stage), and sets it last (apply).
--
-- Errors begin with STALE: the caller's idea of the store is not, or no longer, true; look again before writing.

local FEED_ENTRIES = 100000
-- A rebuild that has not staged anything for this long is dead, and another may begin.
local REBUILD_TTL_MS = 5000

local function stale(epoch, seq)
  return redis.error_reply('STALE ' .. epoch .. ' ' .. seq)
end

local function write(key, bytes)
  if bytes == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, bytes)
  end
end

-- FCALL apply 2 {reg}:mark {reg}:feed <epoch> <from_seq> <to_seq> <n> (<key> <bytes>)*n
-- Takes the copy from one change to another, whole or not at all. Empty bytes delete the document. With n = 0 it is a
-- heartbeat: only the mark's instant moves. Without a mark only a first apply (from_seq 0) is taken.
local function apply(keys, args)
  local mark, feed = keys[1], keys[2]
  local epoch, from_seq, to_seq, n = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  if #args ~= 4 + 2 * n or to_seq < from_seq then
    return redis.error_reply('ERR apply: the arguments do not fit together')
  end

  local stands = redis.call('HMGET', mark, 'epoch', 'seq')
  if stands[1] then
    if tonumber(stands[1]) ~= epoch or tonumber(stands[2]) ~= from_seq then
      return stale(stands[1], stands[2])
    end
  else
    local rebuilding = redis.call('GET', '{reg}:rebuild')
    if from_seq ~= 0 or (rebuilding and tonumber(rebuilding) ~= epoch) then
      return stale(0, 0)
    end
    redis.call('DEL', '{reg}:rebuild')
  end

  if n > 0 then
    local entry = {}
    for i = 5, #args, 2 do
      write(args[i], args[i + 1])
      entry[#entry + 1] = args[i]
      entry[#entry + 1] = args[i + 1]
    end
    redis.call('XADD', feed, 'MAXLEN', '~', FEED_ENTRIES, '*', 'seq', args[3], unpack(entry))
  end
  local now = redis.call('TIME')
  local at_ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
  redis.call('HSET', mark, 'epoch', args[1], 'seq', args[3], 'at_ms', at_ms)
  return redis.status_reply('OK')
end

-- FCALL reset 1 {reg}:mark <epoch>
-- Begins a rebuild: empties the slot. From here until the first apply of the new epoch the copy counts as unavailable.
local function reset(keys, args)
  local epoch = tonumber(args[1])
  local stands = redis.call('HMGET', keys[1], 'epoch', 'seq')
  if stands[1] and tonumber(stands[1]) >= epoch then
    return stale(stands[1], stands[2])
  end
  local rebuilding = redis.call('GET', '{reg}:rebuild')
  if rebuilding and tonumber(rebuilding) >= epoch then
    return stale(0, 0)
  end
  for _, key in ipairs(redis.call('KEYS', '{reg}:*')) do
    redis.call('UNLINK', key)
  end
  redis.call('SET', '{reg}:rebuild', args[1], 'PX', REBUILD_TTL_MS)
  return redis.status_reply('OK')
end

-- FCALL stage 1 {reg}:rebuild <epoch> (<key> <bytes>)*
-- Writes documents of a rebuild that reset began; refused once another rebuild has begun or the mark is set.
local function stage(keys, args)
  if redis.call('GET', keys[1]) ~= args[1] then
    return stale(0, 0)
  end
  for i = 2, #args, 2 do
    write(args[i], args[i + 1])
  end
  redis.call('PEXPIRE', keys[1], REBUILD_TTL_MS)
  return redis.status_reply('OK')
end

redis.register_function('apply', apply)
redis.register_function('reset', reset)
redis.register_function('stage', stage)
