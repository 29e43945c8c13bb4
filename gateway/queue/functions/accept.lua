-- Accepting: many requests in one log entry, keys that are known, refusals.
-- Not here: the other calls of the edge (edge.lua).

local function window_key(q, back)
  local hour = math.floor(q.now / HOUR_MS)
  return q.base .. ':i:' .. (hour - hour % WINDOW_HOURS - back * WINDOW_HOURS)
end

-- Item -> record, of the items whose key is known already.
local function remembered(q, args)
  local digests, items, known = {}, {}, {}
  for at = 3, #args, 4 do
    if args[at] ~= '' then
      digests[#digests + 1] = args[at]
      items[#items + 1] = (at + 1) / 4
    end
  end
  if #digests == 0 then return known end
  for back = 0, WINDOWS_BEFORE do
    for i, stored in ipairs(redis.call('HMGET', window_key(q, back), unpack(digests))) do
      if stored then known[items[i]] = stored end
    end
  end
  return known
end

local function remember(q, records)
  if #records == 0 then return end
  local key = window_key(q, 0)
  redis.call('HSET', key, unpack(records))
  redis.call('PEXPIRE', key, (WINDOWS_BEFORE + 1) * WINDOW_HOURS * HOUR_MS, 'NX')
end

local function write_refusals(q, joined)
  local ids = {}
  for refusal in joined:gmatch('[^\n]+') do
    ids[#ids + 1] = 'r-' .. q.number .. '-' .. append(q, 'refusal', refusal)
    count(q, 'refused', 1)
  end
  return table.concat(ids, ',')
end

-- The messages of this call but those of known items, and their number.
local function without_known(args, known)
  local skipped, kept, place = {}, {}, 0
  for at = 3, #args, 4 do
    local number = tonumber(args[at + 1])
    for message = place, place + number - 1 do skipped[message] = known[(at + 1) / 4] ~= nil end
    place = place + number
  end
  place = 0
  for message in args[1]:gmatch('[^\n]+') do
    if not skipped[place] then kept[#kept + 1] = message end
    place = place + 1
  end
  return table.concat(kept, '\n'), #kept
end

-- The hot path: what need not be told apart comes joined, and the answer says only what is out of the ordinary.
-- args: messages, their number, then 4 an item: digest, number of its messages, its refusals, tail of its record.
-- An item is a request with a key, or a run of requests without (digest ''); messages are in the order of the items.
-- A record: "1 <stamp> <first place> <refusal ids> <tail>"; the tail is the client's.
-- Reply: {stamp, {i, record of the known item, ...}, {i, ids of the item's refusals, ...}}.
local function accept(keys, args)
  local q = partition(keys)
  local messages, number = args[1], tonumber(args[2])
  local known = remembered(q, args)
  if next(known) then messages, number = without_known(args, known) end

  local stamp = ''
  if number > 0 then
    stamp = redis.call('XADD', q.base .. ':log', '*', 'n', number, 'p', messages)
    count(q, 'accepted', number)
    count(q, 's:queued', number)
  end
  local replayed, refused, records, first = {}, {}, {}, 0
  for at = 3, #args, 4 do
    local digest, many, refusals, tail = args[at], tonumber(args[at + 1]), args[at + 2], args[at + 3]
    local i, ids = (at + 1) / 4, ''
    if known[i] then
      replayed[#replayed + 1] = i
      replayed[#replayed + 1] = known[i]
    else
      if refusals ~= '' then
        ids = write_refusals(q, refusals)
        refused[#refused + 1] = i
        refused[#refused + 1] = ids
      end
      if digest ~= '' and many > 0 then
        records[#records + 1] = digest
        records[#records + 1] = '1 ' .. stamp .. ' ' .. first .. ' ' .. ids .. ' ' .. tail
      end
      first = first + many
    end
  end
  remember(q, records)
  write(q)
  return {stamp, replayed, refused}
end

-- No allow-oom: when memory is full, nothing new comes in.
register('accept', accept)
