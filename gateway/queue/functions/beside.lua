-- Beside the messages: inboxes, opt-outs, media.
-- An instant message goes from the log into an inbox also when memory is full: it leaves the log for it. A carrier's text
-- does too, and above all a STOP is heard.

-- KEYS: {u:<tenant>:<user>}. args: id of an instant message or of a carrier's text, payload. Once by id, for a day at least. Reply: 1 if it is new there.
local function deliver_im(keys, args)
  local day = math.floor(now_ms() / DAY_MS)
  local seen = keys[1] .. ':seen:'
  if redis.call('HEXISTS', seen .. day, args[1]) == 1 or redis.call('HEXISTS', seen .. day - 1, args[1]) == 1 then
    return 0
  end
  redis.call('XADD', keys[1] .. ':inbox', '*', 'id', args[1], 'p', args[2])
  redis.call('HSET', seen .. day, args[1], 1)
  redis.call('PEXPIRE', seen .. day, 2 * DAY_MS, 'NX')
  return 1
end

-- A text from a carrier that came to a number which nobody owns is kept for people to look at, the oldest go first.
local ORPHANS_LENGTH = 100000

-- KEYS: {orphans}. args: id, payload. Once by id, for a day at least. Reply: 1 if it is new there.
local function keep_orphan(keys, args)
  local new = deliver_im(keys, args)
  if new == 1 then redis.call('XTRIM', keys[1] .. ':inbox', 'MAXLEN', '~', ORPHANS_LENGTH) end
  return new
end

-- An opt-out is a hash: at_ms, keyword and number are those of the first word, last_ms is the instant that a carrier
-- gave for the latest one. suspect_ms: somebody wrote a phrase that may be one. After a START: was "<at>\t<keyword>\t<number>", lifted_ms,
-- lifted_keyword, lifted_number, for evidence.
local function opt_out(key, at_ms, keyword, number, said_ms)
  local known = redis.call('HMGET', key, 'at_ms', 'last_ms')
  local earlier = tonumber(known[1])
  if not earlier or tonumber(at_ms) < earlier then
    redis.call('HSET', key, 'at_ms', at_ms, 'keyword', keyword, 'number', number)
  end
  if said_ms ~= '0' and tonumber(said_ms) > tonumber(known[2] or 0) then redis.call('HSET', key, 'last_ms', said_ms) end
  redis.call('HDEL', key, 'suspect_ms')
  return not earlier
end

-- KEYS: {o:<tenant>}:<recipient>, of one tenant. args, 3 a key: instant, keyword, number. The earliest instant stays.
local function optout(keys, args)
  for i, key in ipairs(keys) do
    local at_ms, keyword, number = unpack(args, 3 * i - 2, 3 * i)
    opt_out(key, at_ms, keyword, number, '0')
  end
  return #keys
end

-- An opt-in counts unless the carrier says that a STOP was written later: the person's last word stands, whatever order
-- they come in.
local function opt_in(key, at_ms, keyword, number, said_ms)
  redis.call('HDEL', key, 'suspect_ms')
  local out = redis.call('HMGET', key, 'at_ms', 'keyword', 'number', 'last_ms')
  if not out[1] then return 'was_not_out' end
  if said_ms ~= '0' and tonumber(said_ms) < tonumber(out[4] or 0) then return 'overtaken' end
  redis.call('HDEL', key, 'at_ms', 'keyword', 'number', 'last_ms')
  redis.call('HSET', key, 'was', out[1] .. '\t' .. out[2] .. '\t' .. out[3], 'lifted_ms', at_ms,
    'lifted_keyword', keyword, 'lifted_number', number)
  return 'opted_in'
end

local function suspect(key, at_ms)
  if redis.call('HEXISTS', key, 'at_ms') == 1 then return 'was_out' end
  redis.call('HSETNX', key, 'suspect_ms', at_ms)
  return 'suspected'
end

-- KEYS: {o:<tenant>}:<recipient>. args: word (stop, start, suspected), id of the text, instant, keyword, number, the
-- carrier's own instant or 0, user. Once by id, for a day at least. Reply: {what came of it, for how many ms it has been
-- known, the user}; when it comes again, what came of it the first time and whose it was then.
local function heard(keys, args)
  local word, id, at_ms, keyword, number, said_ms, user = unpack(args)
  local now = now_ms()
  local day = math.floor(now / DAY_MS)
  local seen = keys[1]:match('^(.*):') .. ':seen:'
  for _, before in ipairs({day, day - 1}) do
    local known = redis.call('HGET', seen .. before, id)
    if known then
      local became, first_ms, whose = known:match('^(%S+) (%d+) (.*)$')
      return {became, math.max(0, now - tonumber(first_ms)), whose}
    end
  end
  local became
  if word == 'stop' then
    became = opt_out(keys[1], at_ms, keyword, number, said_ms) and 'opted_out' or 'was_out'
  elseif word == 'start' then
    became = opt_in(keys[1], at_ms, keyword, number, said_ms)
  elseif word == 'suspected' then
    became = suspect(keys[1], at_ms)
  else
    return redis.error_reply('ERR no such word')
  end
  redis.call('HSET', seen .. day, id, became .. ' ' .. text(now) .. ' ' .. user)
  redis.call('PEXPIRE', seen .. day, 2 * DAY_MS, 'NX')
  return {became, 0, user}
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

-- KEYS: {media}:<id>. args: description, bytes, time to live in ms.
local function put_media(keys, args)
  redis.call('HSET', keys[1], 'meta', args[1], 'body', args[2])
  redis.call('PEXPIRE', keys[1], args[3])
  return 1
end

register('deliver_im', deliver_im, 'allow-oom')
register('keep_orphan', keep_orphan, 'allow-oom')
register('optout', optout, 'allow-oom')
register('heard', heard, 'allow-oom')
register('optouts', optouts, 'no-writes')
register('put_media', put_media)
