-- Who does not want to be texted: a hash for each company and person, and an index of them by where they stand.
-- A STOP is heard also when memory is full.
--
--   {o:<tenant>}:<recipient>   at_ms, keyword, number are those of the first word, last_ms is the instant that a carrier
--                   gave for the latest one, told_ms when we heard the latest. suspect_ms, suspect_number, suspect_text:
--                   somebody wrote a phrase that may be an opt-out. What was is kept for evidence: of an opt-out that
--                   was taken back was "<at>\t<keyword>\t<number>", lifted_ms, lifted_keyword, lifted_number, or
--                   lifted_keyword "restored" with lifted_evidence and lifted_by; of a suspicion that was none
--                   dismissed_ms, dismissed_evidence, dismissed_by
--   {o:<tenant>}:out, :suspected, :lifted   sorted sets of recipients, each person in one of them at most, by at_ms,
--                   suspect_ms, lifted_ms
--   {o:<tenant>}:seen:<day>    what came of a word or a request, by its id: heard once, for a day at least

local STATES = {'out', 'suspected', 'lifted'}

-- Puts a person where they stand. Whatever changes a hash ends here, in the same call.
local function place(key)
  local base, recipient = key:match('^(.*):([^:]*)$')
  local said = redis.call('HMGET', key, 'at_ms', 'suspect_ms', 'lifted_ms')
  local placed = false
  for i, state in ipairs(STATES) do
    if said[i] and not placed then
      redis.call('ZADD', base .. ':' .. state, said[i], recipient)
      placed = true
    else
      redis.call('ZREM', base .. ':' .. state, recipient)
    end
  end
end

local function seen_key(key, now)
  local seen, day = key:match('^(.*):') .. ':seen:', math.floor(now / DAY_MS)
  return seen .. day, seen .. day - 1
end

local function recall(key, id, now)
  local today, yesterday = seen_key(key, now)
  return redis.call('HGET', today, id) or redis.call('HGET', yesterday, id)
end

local function remember(key, id, known, now)
  local today = seen_key(key, now)
  redis.call('HSET', today, id, known)
  redis.call('PEXPIRE', today, 2 * DAY_MS, 'NX')
end

local function opt_out(key, at_ms, keyword, number, said_ms, now)
  local known = redis.call('HMGET', key, 'at_ms', 'last_ms')
  local earlier = tonumber(known[1])
  if not earlier or tonumber(at_ms) < earlier then
    redis.call('HSET', key, 'at_ms', at_ms, 'keyword', keyword, 'number', number)
  end
  if said_ms ~= '0' and tonumber(said_ms) > tonumber(known[2] or 0) then redis.call('HSET', key, 'last_ms', said_ms) end
  redis.call('HSET', key, 'told_ms', text(now))
  redis.call('HDEL', key, 'suspect_ms', 'suspect_number', 'suspect_text')
  return not earlier
end

-- KEYS: {o:<tenant>}:<recipient>, of one tenant. args, 3 a key: instant, keyword, number. The earliest instant stays.
local function optout(keys, args)
  local now = now_ms()
  for i, key in ipairs(keys) do
    local at_ms, keyword, number = unpack(args, 3 * i - 2, 3 * i)
    opt_out(key, at_ms, keyword, number, '0', now)
    place(key)
  end
  return #keys
end

-- An opt-out is over: what it was is kept, and who or what ended it.
local function lift(key, out, at_ms, keyword)
  redis.call('HDEL', key, 'at_ms', 'keyword', 'number', 'last_ms', 'told_ms', 'lifted_number', 'lifted_evidence',
    'lifted_by', 'lifted_name')
  redis.call('HSET', key, 'was', out[1] .. '\t' .. out[2] .. '\t' .. out[3], 'lifted_ms', at_ms,
    'lifted_keyword', keyword)
end

-- An opt-in counts unless the carrier says that a STOP was written later: the person's last word stands, whatever order
-- they come in.
local function opt_in(key, at_ms, keyword, number, said_ms)
  redis.call('HDEL', key, 'suspect_ms', 'suspect_number', 'suspect_text')
  local out = redis.call('HMGET', key, 'at_ms', 'keyword', 'number', 'last_ms')
  if not out[1] then return 'was_not_out' end
  if said_ms ~= '0' and tonumber(said_ms) < tonumber(out[4] or 0) then return 'overtaken' end
  lift(key, out, at_ms, keyword)
  redis.call('HSET', key, 'lifted_number', number)
  return 'opted_in'
end

local function suspect(key, at_ms, phrase, number, now)
  if redis.call('HEXISTS', key, 'at_ms') == 1 then return 'was_out' end
  if redis.call('HSETNX', key, 'suspect_ms', at_ms) == 1 then
    redis.call('HSET', key, 'suspect_number', number, 'suspect_text', phrase)
  end
  redis.call('HSET', key, 'told_ms', text(now))
  return 'suspected'
end

-- KEYS: {o:<tenant>}:<recipient>. args: word (stop, start, suspected), id of the text, instant, keyword, number, the
-- carrier's own instant or 0, user. Once by id, for a day at least. Reply: {what came of it, for how many ms it has been
-- known, the user}; when it comes again, what came of it the first time and whose it was then.
local function heard(keys, args)
  local word, id, at_ms, keyword, number, said_ms, user = unpack(args)
  local now = now_ms()
  local known = recall(keys[1], id, now)
  if known then
    local became, first_ms, whose = known:match('^(%S+) (%d+) (.*)$')
    return {became, math.max(0, now - tonumber(first_ms)), whose}
  end
  local became
  if word == 'stop' then
    became = opt_out(keys[1], at_ms, keyword, number, said_ms, now) and 'opted_out' or 'was_out'
  elseif word == 'start' then
    became = opt_in(keys[1], at_ms, keyword, number, said_ms)
  elseif word == 'suspected' then
    became = suspect(keys[1], at_ms, keyword, number, now)
  else
    return redis.error_reply('ERR no such word')
  end
  place(keys[1])
  remember(keys[1], id, became .. ' ' .. text(now) .. ' ' .. user, now)
  return {became, 0, user}
end

-- KEYS: {o:<tenant>}:<recipient>. args: name of the request, evidence, who vouches, the instant that they vouch for or 0
-- for now. Somebody vouches that the person themself wants texts again: an opt-out, or a suspicion, of before that
-- instant ends. One that we heard of later stands, whenever a carrier says that it was written. Reply: {what came of it,
-- when}; the same request again gives the same, and changes nothing, whatever was said in between.
local function restore(keys, args)
  local name, evidence, by, vouched_ms = unpack(args)
  local key, now = keys[1], now_ms()
  local before = recall(key, 'restore:' .. name, now)
  if before then
    local became, first_ms = before:match('^(%S+) (%d+)$')
    return {became, tonumber(first_ms)}
  end
  local said = redis.call('HMGET', key, 'at_ms', 'keyword', 'number', 'suspect_ms', 'last_ms', 'told_ms',
    'lifted_name', 'lifted_ms', 'dismissed_name', 'dismissed_ms')
  -- The latest request is known for as long as the person is.
  if said[7] == name then return {'restored', tonumber(said[8])} end
  if said[9] == name then return {'dismissed', tonumber(said[10])} end
  local vouched = vouched_ms == '0' and now or tonumber(vouched_ms)
  -- (told_ms is missing where an older version heard it)
  local told = tonumber(said[6] or math.max(tonumber(said[1] or said[4] or 0), tonumber(said[5] or 0)))
  local became = 'was_not_out'
  if (said[1] or said[4]) and told > vouched then
    became = 'overtaken'
  elseif said[1] then
    became = 'restored'
    lift(key, said, text(now), 'restored')
    redis.call('HSET', key, 'lifted_evidence', evidence, 'lifted_by', by, 'lifted_name', name)
  elseif said[4] then
    became = 'dismissed'
    redis.call('HDEL', key, 'suspect_ms', 'suspect_number', 'suspect_text', 'told_ms')
    redis.call('HSET', key, 'dismissed_ms', text(now), 'dismissed_evidence', evidence, 'dismissed_by', by,
      'dismissed_name', name)
  end
  place(key)
  remember(key, 'restore:' .. name, became .. ' ' .. text(now), now)
  return {became, now}
end

-- KEYS: {o:<tenant>}:<recipient>, of one tenant. Returns four values for each opt-out that there is: the place of its key,
-- instant, keyword, number. Most recipients have none, so most answers are empty.
-- args: 'suspected', or nothing: whether suspicions are told as well, as an instant without a keyword.
local function optouts(keys, args)
  local found, all = {}, args[1] == 'suspected'
  for i, key in ipairs(keys) do
    local out = redis.call('HMGET', key, 'at_ms', 'keyword', 'number', 'suspect_ms')
    if all and not out[1] and out[4] then out = {out[4], '', ''} end
    if out[1] then
      found[#found + 1] = i
      for j = 1, 3 do found[#found + 1] = out[j] end
    end
  end
  return found
end

-- The place in an index, the newest first, behind an instant and a member, whether these are still there or not. Of
-- equal instants there may be a hundred thousand: they are halved, not read. (Recipients are a + and digits, which
-- every locale orders as their bytes.)
local function place_behind(index, at_ms, recipient)
  local low = redis.call('ZCOUNT', index, '(' .. at_ms, '+inf')
  local high = low + redis.call('ZCOUNT', index, at_ms, at_ms)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('ZREVRANGE', index, middle, middle)[1] >= recipient then low = middle + 1 else high = middle end
  end
  return low
end

-- KEYS: an index, {o:<tenant>}:<state>. args: how many, and the last one that is known: its instant and recipient, both
-- '' for none. Reply: for each, the newest first, {recipient, the index' instant, fields and values of the hash}.
local function optouts_page(keys, args)
  local count, at_ms, recipient = unpack(args)
  local first = at_ms == '' and 0 or place_behind(keys[1], at_ms, recipient)
  local listed = redis.call('ZREVRANGE', keys[1], first, first + tonumber(count) - 1, 'WITHSCORES')
  local base, found = keys[1]:match('^(.*):'), {}
  for i = 1, #listed, 2 do
    found[#found + 1] = {listed[i], listed[i + 1], redis.call('HGETALL', base .. ':' .. listed[i])}
  end
  return found
end

-- KEYS: {o:<tenant>}:<recipient>, of one tenant, as older versions left them: they come into the index.
local function optouts_index(keys)
  for _, key in ipairs(keys) do place(key) end
  return #keys
end

register('optout', optout, 'allow-oom')
register('heard', heard, 'allow-oom')
register('optouts', optouts, 'no-writes')
register('restore', restore)
register('optouts_page', optouts_page, 'no-writes')
register('optouts_index', optouts_index)
