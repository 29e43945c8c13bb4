-- What a partition's owner asks: own, release, and what only the owner may do.
-- All of it goes on when memory is full, or it would never empty again.

-- An owner that did not come back may have left attempts open: they are due again, as doubts.
local function reopen_begun(q)
  for _, id in ipairs(redis.call('ZRANGE', q.base .. ':begun', 0, -1)) do
    local m = load(q, id)
    if m and m.lane ~= '' then redis.call('ZADD', q.base .. ':due:' .. m.lane, q.now, id) end
  end
  redis.call('DEL', q.base .. ':begun')
end

-- args: holder, lease in ms. Reply: the epoch, or false while somebody else holds it.
local function own(keys, args)
  local q = partition(keys)
  local key, holder, until_ms = q.base .. ':owner', args[1], q.now + args[2]
  local owner = redis.call('HMGET', key, 'epoch', 'holder', 'until_ms')
  local epoch = tonumber(owner[1] or 0)
  if owner[2] ~= holder then
    if owner[2] and tonumber(owner[3]) > q.now then return false end
    epoch = epoch + 1
    if redis.call('EXISTS', q.base .. ':log') == 0 or #redis.call('XINFO', 'GROUPS', q.base .. ':log') == 0 then
      redis.call('XGROUP', 'CREATE', q.base .. ':log', GROUP, '0', 'MKSTREAM')
    end
    reopen_begun(q)
  end
  redis.call('HSET', key, 'epoch', epoch, 'holder', holder, 'until_ms', until_ms)
  return epoch
end

-- args: epoch. An epoch that is over has nothing to give back.
local function release(keys, args)
  local key = keys[1] .. ':owner'
  if redis.call('HGET', key, 'epoch') ~= args[1] then return 0 end
  redis.call('HINCRBY', key, 'epoch', 1)
  redis.call('HDEL', key, 'holder', 'until_ms')
  return 1
end

-- args of all below begin with the epoch. An epoch is over when somebody else owns the partition, or when it was given
-- back; a lease that ran out unnoticed by anybody else harms nobody.
local function owned(act)
  return function(keys, args)
    local q = partition(keys)
    if redis.call('HGET', q.base .. ':owner', 'epoch') ~= args[1] then
      return redis.error_reply('FENCED this epoch is over')
    end
    local reply = act(q, args)
    write(q)
    return reply
  end
end

local function entries_after(q, limit, after)
  local log = q.base .. ':log'
  local streams = redis.call('XREADGROUP', 'GROUP', GROUP, CONSUMER, 'COUNT', limit, 'STREAMS', log, after)
  return streams and streams[1][2] or {}
end

-- args: count, then a cursor into what is pending, or '' for new entries; then the last entry that the owner received,
-- or ''. What was given out after that one did not arrive: it is given again, before anything new.
-- Reply: {next cursor or '', id, payload, attempts, status, id, ...}.
local function take(q, args)
  local limit, after, received = tonumber(args[2]), args[3], args[4] or ''
  local entries = {}
  if after == '' and received ~= '' then entries = entries_after(q, limit, received) end
  if #entries == 0 then entries = entries_after(q, limit, after == '' and '>' or after) end
  local reply, done, ended = {''}, {}, {}
  if after ~= '' and #entries == limit then reply[1] = entries[limit][1] end
  for _, entry in ipairs(entries) do
    local stamp, place, open, over = entry[1], 0, false, {}
    -- Should somebody have deleted the entry by hand, nothing is left to do but to forget it.
    for payload in (entry[2] and entry[2][4] or ''):gmatch('[^\n]+') do
      local id = message_id(q, stamp, place)
      local m = load(q, id)
      if not settled(m) then
        open = true
        reply[#reply + 1] = id
        reply[#reply + 1] = payload
        reply[#reply + 1] = m and m.attempts or 0
        reply[#reply + 1] = m and m.status or 'queued'
      elseif RANK[m.status] == TERMINAL then
        over[#over + 1] = m.key
      end
      place = place + 1
    end
    if not open then
      done[#done + 1] = stamp
      for _, key in ipairs(over) do ended[#ended + 1] = key end
    end
  end
  retire(q, done, ended)
  return reply
end

-- args: lane, now, count. Reply: {id, payload, attempts, status, ...}.
local function due(q, args)
  local key, reply = q.base .. ':due:' .. args[2], {}
  for _, id in ipairs(redis.call('ZRANGE', key, '-inf', args[3], 'BYSCORE', 'LIMIT', 0, args[4])) do
    local stored = redis.call('HMGET', q.base .. ':m:' .. id, 'p', 's')
    local status, attempts = stored[2]:match(STATE)
    reply[#reply + 1] = id
    reply[#reply + 1] = stored[1]
    reply[#reply + 1] = tonumber(attempts)
    reply[#reply + 1] = status
  end
  return reply
end

-- args, 2 a message: id, payload; then, in one, how many attempts each has had as far as its owner knows, "-" where
-- that does not matter. Another number means that this call was on its way for long: its owner began the message again
-- meanwhile, and would not hear of an attempt opened now. Reply: {attempt or 0, status, ...}.
local function begin(q, args)
  local reply, had, last = {}, {}, #args
  if last % 2 == 0 then
    for number in args[last]:gmatch('%S+') do had[#had + 1] = number end
    last = last - 1
  end
  for at = 2, last, 2 do
    local m = load_or_create(q, args[at], args[at + 1])
    local attempt, known = 0, had[at / 2] or '-'
    if m and RANK[m.status] < RANK.submitting and (known == '-' or tonumber(known) == m.attempts) then
      attempt = m.attempts + 1
      m.attempts = attempt
      if m.lane ~= '' then
        want(q, 'due:' .. m.lane, m.id, false)
        want(q, 'begun', m.id, q.at)
      end
      move(q, m, 'submitting', {attempt = text(attempt)})
    end
    if m then save(m) end
    reply[#reply + 1] = attempt
    reply[#reply + 1] = m and m.status or 'unknown'
  end
  return reply
end

-- args, 9 a message: id, status, attempt, payload, carrier, carrier's reference, code, detail, receipt due.
-- Reply: each one's status afterwards.
local function finish(q, args)
  local reply = {}
  for at = 2, #args, 9 do
    local id, status, attempt, payload, carrier, reference, code, detail, receipt_due = unpack(args, at, at + 8)
    attempt = tonumber(attempt)
    local note = {attempt = args[at + 2], carrier = carrier, reference = reference, code = code, detail = detail}
    local m = load_or_create(q, id, payload)
    if m and attempt > 0 and attempt < m.attempts then
      -- Whoever speaks of an older attempt cannot end the newer one; but its yes is a second submission.
      if status == 'submitted' and redis.call('HSETNX', m.key, 'd' .. text(attempt), reference) == 1 then
        count(q, 'doubts', 1)
        tell(q, 'doubt', m, m.status, q.at, note)
      end
    elseif m and (attempt == m.attempts or attempt == 0 and m.status ~= 'submitting') then
      keep_reference(m, carrier, reference)
      if advance(q, m, status, note) and attempt > 0 and is_doubt(code) then count(q, 'doubts', 1) end
      if m.status == 'submitted' and status == 'submitted' then
        enter_lane(q, m, 'receipt', receipt_due ~= '0' and receipt_due or text(q.now + RECEIPT_WINDOW_MS))
      end
    end
    if m then save(m) end
    reply[#reply + 1] = m and m.status or 'unknown'
  end
  return reply
end

-- args, 8 a message: id, payload, lane, due, status, attempt, code, detail. Reply: how many were parked.
local function park(q, args)
  local parked = 0
  for at = 2, #args, 8 do
    local id, payload, lane, due_ms, status, attempt, code, detail = unpack(args, at, at + 7)
    attempt = tonumber(attempt)
    local m = load_or_create(q, id, payload)
    local note = {attempt = args[at + 5], code = code, detail = detail}
    local open = m and m.status == 'submitting' and attempt == m.attempts
    local waiting = m and RANK[m.status] < RANK.submitting
    if open then
      move(q, m, 'queued', note)  -- The one backwards step.
      if is_doubt(code) then count(q, 'doubts', 1) end
    elseif waiting then
      advance(q, m, status, note)
    end
    if open or waiting then
      enter_lane(q, m, lane, due_ms)
      parked = parked + 1
    end
    if m then save(m) end
  end
  return parked
end

-- args: stamps. Reply: those that stay, because a message of theirs is neither ended nor parked.
local function acknowledge(q, args)
  local open, done, ended = {}, {}, {}
  for at = 2, #args do
    local stamp = args[at]
    local entry = redis.call('XRANGE', q.base .. ':log', stamp, stamp)[1]
    local over, all = {}, true
    for place = 0, (entry and tonumber(entry[2][2]) or 0) - 1 do
      local m = load(q, message_id(q, stamp, place))
      if not settled(m) then
        all = false
      elseif RANK[m.status] == TERMINAL then
        over[#over + 1] = m.key
      end
    end
    if all then
      done[#done + 1] = stamp
      for _, key in ipairs(over) do ended[#ended + 1] = key end
    else
      open[#open + 1] = stamp
    end
  end
  retire(q, done, ended)
  return open
end

register('own', own, 'allow-oom')
register('release', release, 'allow-oom')
register('take', owned(take), 'allow-oom')
register('due', owned(due), 'allow-oom')
register('begin', owned(begin), 'allow-oom')
register('finish', owned(finish), 'allow-oom')
register('park', owned(park), 'allow-oom')
register('acknowledge', owned(acknowledge), 'allow-oom')
