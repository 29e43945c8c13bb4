#!lua name=a2p_registry

-- The only writers of the registry store. Everything lives in one hash slot, {reg}; documents are written by the names
-- that are handed in as arguments, in that same slot.
--
-- The mark says what the copy is worth: its epoch, the last change applied, and when (the store's clock). A missing
-- document under a live mark means "not ours", so a mark must never stand over half a copy: a rebuild removes the mark
-- first (reset), writes behind its back (stage), and sets it last (apply).
--
-- {reg}:procs is no part of the copy: one field for each process that keeps facts in memory, the value "<epoch> <seq>
-- <at_ms>": which change it had, and when it said so. A change is effective once nobody has less (registry/barrier.py).
-- Hence two duties of a process: it says follow before it first reads a document, and leave after its last judgement.
-- A rebuild keeps the hash: the processes are still there.
--
-- Errors begin with STALE: the caller's idea of the store is not, or no longer, true; look again before writing.

local FEED_ENTRIES = 100000
-- A process that was silent for this long is forgotten: its facts ran out long before (LEASE_MS).
local SILENT_MS = 60000
-- An apply sets out so long before its until_ms (registry/store.py).
local APPLY_WITHIN_MS = 1500
-- A rebuild that has not staged anything for this long is dead, and another may begin.
local REBUILD_TTL_MS = 5000

local function stale(epoch, seq)
  return redis.error_reply('STALE ' .. epoch .. ' ' .. seq)
end

local function now_ms()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Lua would write a big number as 1.79e+12.
local function whole(number)
  return string.format('%.0f', number)
end

-- The mark's parts, empty where there is no mark, and the store's clock.
local function standing(mark)
  local stands = redis.call('HMGET', mark, 'epoch', 'seq', 'at_ms')
  return { stands[1] or '', stands[2] or '', stands[3] or '', whole(now_ms()) }
end

local function write(key, bytes)
  if bytes == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, bytes)
  end
end

-- FCALL apply 2 {reg}:mark {reg}:feed <epoch> <from_seq> <to_seq> <age_ms> <until_ms> <n> (<key> <bytes>)*n
-- Takes the copy from one change to another, whole or not at all, and answers with the store's clock. Empty bytes delete
-- the document. With n = 0 it is a heartbeat: only the mark's instant moves. Without a mark only a first apply
-- (from_seq 0) is taken. The instant is that at which SQL was read, age_ms before the apply set out, however long it was
-- on its way: what was committed since is not in it. With age_ms = 0 it stays: the caller knows that the copy is behind.
-- The feed gets an entry: seq (to_seq), from (from_seq), then the pairs. A follower that stands at from misses nothing.
-- Past until_ms it is refused: an apply that lay in a frozen store's socket would make old facts live again, long after
-- its sender gave it up and counted on their running out.
local function apply(keys, args)
  local mark, feed = keys[1], keys[2]
  local epoch, from_seq, to_seq, n = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), tonumber(args[6])
  if #args < 6 or #args ~= 6 + 2 * n or to_seq < from_seq then
    return redis.error_reply('ERR apply: the arguments do not fit together')
  end
  local now = now_ms()
  if now > tonumber(args[5]) then
    return redis.error_reply('STALE the apply came too late')
  end

  local stands = redis.call('HMGET', mark, 'epoch', 'seq')
  if stands[1] then
    if tonumber(stands[1]) ~= epoch or tonumber(stands[2]) ~= from_seq then
      return stale(stands[1], stands[2])
    end
  else
    local rebuilding = redis.call('GET', '{reg}:rebuild')
    -- Nothing of a copy that was made, and no sign of it: it was lost before its mark could be set.
    local lost = not rebuilding and n == 0 and to_seq > 0
    if from_seq ~= 0 or lost or (rebuilding and tonumber(rebuilding) ~= epoch) then
      return stale(0, 0)
    end
    redis.call('DEL', '{reg}:rebuild')
  end

  if n > 0 then
    local entry = {}
    for i = 7, #args, 2 do
      write(args[i], args[i + 1])
      entry[#entry + 1] = args[i]
      entry[#entry + 1] = args[i + 1]
    end
    redis.call('XADD', feed, 'MAXLEN', '~', FEED_ENTRIES, '*', 'seq', args[3], 'from', args[2], unpack(entry))
  end
  redis.call('HSET', mark, 'epoch', args[1], 'seq', args[3])
  if args[4] ~= '0' or not stands[1] then
    redis.call('HSET', mark, 'at_ms', whole(math.min(now, args[5] - APPLY_WITHIN_MS) - args[4]))
  end
  return now
end

-- FCALL reset 1 {reg}:mark <epoch>
-- Begins a rebuild: empties the slot, but for who follows. From here until the first apply of the new epoch the copy counts as unavailable.
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
    if key ~= '{reg}:procs' then
      redis.call('UNLINK', key)
    end
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

-- FCALL follow 2 {reg}:mark {reg}:procs <name> <epoch> <seq>
-- Notes that a process has everything up to a change in memory (0 0: nothing yet), and answers with the mark's epoch,
-- seq and at_ms (empty when there is none) and the store's clock in milliseconds.
local function follow(keys, args)
  if #args ~= 3 or args[1] == '' or not string.match(args[2] .. ' ' .. args[3], '^%d+ %d+$') then
    return redis.error_reply('ERR follow: a name, an epoch and a change are needed')
  end
  local stands = standing(keys[1])
  redis.call('HSET', keys[2], args[1], args[2] .. ' ' .. args[3] .. ' ' .. stands[4])
  return stands
end

-- FCALL leave 1 {reg}:procs <name>
-- The process judges no more: nobody needs to wait for it.
local function leave(keys, args)
  redis.call('HDEL', keys[1], args[1])
  return redis.status_reply('OK')
end

-- FCALL followers 2 {reg}:mark {reg}:procs
-- Answers as follow does, then the name and the value of each process; forgets those that were silent for long.
local function followers(keys)
  local answer = standing(keys[1])
  local all = redis.call('HGETALL', keys[2])
  for i = 1, #all, 2 do
    local at_ms = tonumber(string.match(all[i + 1], '^%d+ %d+ (%d+)$'))
    if not at_ms or at_ms + SILENT_MS < tonumber(answer[4]) then
      redis.call('HDEL', keys[2], all[i])
    else
      answer[#answer + 1] = all[i]
      answer[#answer + 1] = all[i + 1]
    end
  end
  return answer
end

redis.register_function('apply', apply)
redis.register_function('reset', reset)
redis.register_function('stage', stage)
redis.register_function('follow', follow)
redis.register_function('leave', leave)
redis.register_function('followers', followers)
