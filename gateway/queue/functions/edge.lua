-- What the edge asks about messages that were accepted: look, cancel, receipt, counts.
-- They go on when memory is full, or it would never empty again.

-- args: ids. Reply, one an id: false, or {payload, status, attempts, carrier's reference, events...}.
local function look(keys, args)
  local base, replies = keys[1], {}
  for i, id in ipairs(args) do
    local key = base .. ':m:' .. id
    local stored = redis.call('HMGET', key, 'p', 's', 'ref')
    local reply = false
    if stored[2] then
      local status, attempts, events = stored[2]:match(STATE)
      reply = {stored[1], status, tonumber(attempts), stored[3] or ''}
      for seq = 1, tonumber(events) do reply[4 + seq] = redis.call('HGET', key, 'e' .. seq) end
    else
      local payload = payload_in_log(base, id)
      if payload then
        reply = {payload, 'queued', 0, '', 'queued\t' .. id:match('^%d+%-(%d+)') .. '\t\t'}
      end
    end
    replies[i] = reply
  end
  return replies
end

-- args: id, payload. Reply: the status it has now.
local function cancel(keys, args)
  local q, id = partition(keys), args[1]
  local m = load(q, id)
  if m == nil then
    if not payload_in_log(q.base, id) then return 'unknown' end
    q.held[entry_of(id)] = true
    m = create(q, id, args[2])
  end
  if m.status == 'queued' or m.status == 'scheduled' then move(q, m, 'cancelled', {}) end
  save(m)
  write(q)
  return m.status
end

local function fold(q, m, status, note)
  -- Without an attempt no carrier can know of it.
  if m == nil or m.attempts == 0 then return 'unknown_message' end
  local before = m.status
  if advance(q, m, status, note) then
    if status == 'submitted' then enter_lane(q, m, 'receipt', text(q.now + RECEIPT_WINDOW_MS)) end
    return 'applied'
  end
  if before == status or RANK[status] < TERMINAL then return 'repeated' end
  count(q, 'contradicted', 1)
  tell(q, 'contradicted', m, status, q.at, note)
  return 'contradicted'
end

-- args, 6 a receipt: id, status, carrier, carrier's reference, code, carrier's instant. Reply: what each did.
local function receipt(keys, args)
  local q, replies = partition(keys), {}
  for at = 1, #args, 6 do
    local id, status, carrier, reference, code, instant = unpack(args, at, at + 5)
    local m = load(q, id)
    local note = {carrier = carrier, reference = reference, code = code, instant = instant}
    local folded = fold(q, m, status, note)
    if folded == 'applied' then
      if not m.reference then keep_reference(m, carrier, reference) end
      save(m)
    end
    replies[#replies + 1] = folded
  end
  write(q)
  return replies
end

-- Reply: {counters and values, log entries, age of the oldest, lane, number waiting, lane, ...}.
local function counts(keys, _)
  local base, oldest = keys[1], 0
  local entry = redis.call('XRANGE', base .. ':log', '-', '+', 'COUNT', 1)[1]
  if entry then oldest = math.max(0, now_ms() - tonumber(entry[1]:match('^%d+'))) end
  local reply = {redis.call('HGETALL', base .. ':n'), redis.call('XLEN', base .. ':log'), oldest}
  for _, lane in ipairs(redis.call('SMEMBERS', base .. ':lanes')) do
    reply[#reply + 1] = lane
    reply[#reply + 1] = redis.call('ZCARD', base .. ':due:' .. lane)
  end
  return reply
end

register('look', look, 'no-writes')
register('counts', counts, 'no-writes')
register('cancel', cancel, 'allow-oom')
register('receipt', receipt, 'allow-oom')
