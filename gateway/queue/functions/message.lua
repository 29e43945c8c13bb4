-- A message: its state in the store, and the only ways to change it.
-- Not here: who may ask for a change (edge.lua, owner.lua).

local function entry_of(id)
  return id:match('^%d+%-(%d+%-%d+)%-%d+$')
end

local function message_id(q, stamp, place)
  return q.number .. '-' .. stamp .. '-' .. place
end

local STATE = '^(%S+) (%d+) (%d+) (.*)$'

-- The message's state, or nil while it is untouched (or gone).
local function load(q, id)
  local key = q.base .. ':m:' .. id
  local stored = redis.call('HMGET', key, 's', 'ref')
  if not stored[1] then return nil end
  local status, attempts, events, lane = stored[1]:match(STATE)
  return {
    id = id, key = key, status = status, attempts = tonumber(attempts), events = tonumber(events), lane = lane,
    reference = stored[2], state = stored[1], fields = {},
  }
end

local function set(m, field, value)
  m.fields[#m.fields + 1] = field
  m.fields[#m.fields + 1] = value
end

local function save(m)
  local state = m.status .. ' ' .. text(m.attempts) .. ' ' .. text(m.events) .. ' ' .. m.lane
  if state ~= m.state then set(m, 's', state) end
  if #m.fields > 0 then redis.call('HSET', m.key, unpack(m.fields)) end
  if m.expires then redis.call('PEXPIRE', m.key, KEPT_MS) end
end

-- Whether the message's log entry is still in the owner's hands: then the entry needs the message's state.
local function held(q, id)
  local stamp = entry_of(id)
  if not stamp then return false end
  if q.held[stamp] == nil then
    q.held[stamp] = #redis.call('XPENDING', q.base .. ':log', GROUP, stamp, stamp, 1) > 0
  end
  return q.held[stamp]
end

-- What others wrote, so that it cannot break columns and lines.
local function clean(words)
  if words == nil then return '' end
  return (words:gsub('%c', ' '))
end

-- note: what a caller says about it: attempt, carrier, reference, code, detail, instant.
local function tell(q, kind, m, status, at, note, payload)
  q.lines[#q.lines + 1] = table.concat({
    kind, m.id, text(m.events), status, at, note.attempt or '', clean(note.carrier), clean(note.reference),
    clean(note.code), clean(note.detail), note.instant or '', payload or '',
  }, '\t')
end

local function record(q, m, status, at, note, payload)
  m.status = status
  m.events = m.events + 1
  set(m, 'e' .. text(m.events), status .. '\t' .. at .. '\t' .. clean(note.code) .. '\t' .. clean(note.detail))
  tell(q, 'status', m, status, at, note, payload)
end

-- The payload of a message whose entry is in the log; nil where there is none.
local function payload_in_log(base, id)
  local stamp = entry_of(id)
  local entry = redis.call('XRANGE', base .. ':log', stamp, stamp)[1]
  if not entry then return nil end
  local before = tonumber(id:match('%d+$'))
  for payload in entry[2][4]:gmatch('[^\n]+') do
    if before == 0 then return payload end
    before = before - 1
  end
  return nil
end

-- The first touch: event 1 says when the message was accepted, which its id tells.
local function create(q, id, payload)
  local m = {
    id = id, key = q.base .. ':m:' .. id, status = 'queued', attempts = 0, events = 0, lane = '', fields = {},
  }
  set(m, 'p', payload)
  record(q, m, 'queued', id:match('^%d+%-(%d+)'), {}, payload)
  return m
end

-- Only what is in the owner's hands may be touched first: a message that is long gone is never counted twice.
local function load_or_create(q, id, payload)
  local m = load(q, id)
  if m ~= nil or not held(q, id) then return m end
  return create(q, id, payload ~= '' and payload or payload_in_log(q.base, id))
end

local function leave_lane(q, m)
  if m.lane == '' then return end
  want(q, 'due:' .. m.lane, m.id, false)
  want(q, 'begun', m.id, false)
  m.lane = ''
end

local function enter_lane(q, m, lane, due_ms)
  leave_lane(q, m)
  want(q, 'due:' .. lane, m.id, due_ms)
  m.lane = lane
end

local function move(q, m, status, note)
  count(q, 's:' .. m.status, -1)
  count(q, 's:' .. status, 1)
  record(q, m, status, q.at, note)
  if RANK[status] < TERMINAL then return end
  leave_lane(q, m)
  -- While the entry is in the log it must find its messages ended; retire() sets the time then.
  m.expires = not held(q, m.id)
end

local function keep_reference(m, carrier, reference)
  if reference == '' then return end
  set(m, 'carrier', carrier)
  set(m, 'ref', reference)
end

-- Forward only: true if the status changed.
local function advance(q, m, status, note)
  if RANK[status] <= RANK[m.status] then return false end
  move(q, m, status, note)
  return true
end

-- Nobody needs the log to find this message again: it came to an end or waits in a lane.
local function settled(m)
  return m ~= nil and (RANK[m.status] == TERMINAL or m.lane ~= '')
end

-- These entries have served: they leave the log, and the time of their ended messages starts to run.
local function retire(q, stamps, ended)
  if #stamps == 0 then return end
  for _, stamp in ipairs(stamps) do redis.call('XACK', q.base .. ':log', GROUP, stamp) end
  call_many('XDEL', q.base .. ':log', stamps)
  for _, key in ipairs(ended) do redis.call('PEXPIRE', key, KEPT_MS) end
end

local function is_doubt(code)
  return code:sub(1, 5) == 'doubt'
end
