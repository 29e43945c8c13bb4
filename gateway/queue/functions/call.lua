#!lua name=a2p_queue
--
-- Every change of state in the queue store. A call is atomic, idempotent, and touches one hash slot.
--
-- One partition, slot {q:k} (KEYS[1] is its base, "{q:k}"):
--   :log            stream, group `work`, consumer `owner`; an entry packs n messages, p, separated by line feeds.
--                   An entry is in the log exactly as long as one of its messages needs it.
--   :i:<window>     idempotency: digest -> record (see accept), for one window of 8 hours; expires whole
--   :m:<id>         a message's state, from the first touch on: s "<status> <attempts begun> <number of events> <lane>";
--                   p payload; e1..en events "<status>\t<at>\t<code>\t<detail>"; carrier, ref the carrier's reference;
--                   d<attempt> the reference of an attempt that was taken for lost and said yes too late
--   :due:<lane>     sorted set: who waits in this lane until when. :lanes is the set of lanes there ever were
--   :begun          sorted set: attempts opened on messages that no log entry holds any more; back to their lane when
--                   the owner changes, so that no doubt is forgotten
--   :events         the journal: what a call changed, some lines an entry (field lines), or one refusal (field refusal)
--   :n              counters; accepted == sum over s:<status>, always
--   :owner          epoch, holder, until_ms
--
-- A line of the journal has columns, separated by tabs: kind (status, doubt, contradicted), message id, seq, status,
-- at, attempt, carrier, carrier's reference, code, detail, carrier's instant, payload. What does not apply is empty;
-- the payload is in a message's first line only, and alone may contain tabs.
-- The rule for whatever is stored: fields are only added, with a default; readers skip what they do not know.
--
-- One library in several files, put together in this order: call, message, accept, edge, owner, beside, opt_outs.
-- Not here: what a status means and when to retry (the worker), the bytes of a payload (opaque).

local VERSION = 4

local GROUP, CONSUMER = 'work', 'owner'
local HOUR_MS = 3600000
local DAY_MS = 24 * HOUR_MS
-- A message can be read this long after its end.
local KEPT_MS = DAY_MS
-- A submitted message waits this long for a receipt, where nobody said otherwise.
local RECEIPT_WINDOW_MS = 72 * HOUR_MS
-- The present window and so many before it are looked up: 24 hours at least, 32 at most.
local WINDOW_HOURS, WINDOWS_BEFORE = 8, 3
-- A journal that nobody reads never stops the sending: the oldest entries go. So many lines are packed into an entry.
local JOURNAL_LENGTH, JOURNAL_LINES = 100000, 16

-- A status only ever moves to a higher rank; park() alone makes the one backwards step.
local TERMINAL = 5
local RANK = {
  queued = 1, scheduled = 2, submitting = 3, submitted = 4,
  delivered = TERMINAL, undelivered = TERMINAL, failed = TERMINAL, expired = TERMINAL,
  cancelled = TERMINAL, blocked = TERMINAL, unknown = TERMINAL,
}

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lua's numbers are floats, and printing one is slow: counts are printed once for all, the present once a call.
local PRINTED = {}
local function text(number)
  local printed = PRINTED[number]
  if not printed then
    printed = string.format('%d', number)
    if number < 1000 then PRINTED[number] = printed end
  end
  return printed
end

-- What one call sees of its partition. A command costs some microseconds, however small, so counters, lanes and journal
-- are gathered here and written once, by write().
local function partition(keys)
  local now = now_ms()
  return {
    base = keys[1], number = keys[1]:match('%d+'), now = now, at = text(now),
    counts = {}, lanes = {}, lines = {}, held = {},
  }
end

local function count(q, counter, by)
  q.counts[counter] = (q.counts[counter] or 0) + by
end

-- Calls a command with many values; Lua passes some thousand at most.
local function call_many(command, key, values)
  for first = 1, #values, 1000 do
    redis.call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
end

-- An id is to be in a sorted set with this score, or with false not at all.
local function want(q, set, id, score)
  q.lanes[set] = q.lanes[set] or {}
  q.lanes[set][id] = score
end

local function append(q, ...)
  return redis.call('XADD', q.base .. ':events', 'MAXLEN', '~', JOURNAL_LENGTH, '*', ...)
end

local function write(q)
  for counter, by in pairs(q.counts) do
    if by ~= 0 then redis.call('HINCRBY', q.base .. ':n', counter, by) end
  end
  for set, ids in pairs(q.lanes) do
    local added, removed = {}, {}
    for id, score in pairs(ids) do
      if score then
        added[#added + 1] = score
        added[#added + 1] = id
      else
        removed[#removed + 1] = id
      end
    end
    call_many('ZADD', q.base .. ':' .. set, added)
    call_many('ZREM', q.base .. ':' .. set, removed)
    local lane = set:match('^due:(.*)$')
    if lane and #added > 0 then redis.call('SADD', q.base .. ':lanes', lane) end
  end
  for first = 1, #q.lines, JOURNAL_LINES do
    append(q, 'lines', table.concat(q.lines, '\n', first, math.min(first + JOURNAL_LINES - 1, #q.lines)))
  end
end

local function register(name, act, flag)
  redis.register_function{function_name = 'a2p_' .. name, callback = act, flags = {flag}}
end

register('version', function() return VERSION end, 'no-writes')
