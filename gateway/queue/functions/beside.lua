-- Beside the messages: inboxes, opt-outs, media.
-- An instant message goes from the log into an inbox also when memory is full: it leaves the log for it.

-- KEYS: {u:<tenant>:<user>}. args: id, payload. Once by id, for a day at least. Reply: 1 if it is new there.
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

-- KEYS: {o:<tenant>}:<recipient>, of one tenant. args, 3 a key: instant, keyword, number. The earliest instant stays.
local function optout(keys, args)
  for i, key in ipairs(keys) do
    local at_ms, keyword, number = unpack(args, 3 * i - 2, 3 * i)
    local earlier = tonumber(redis.call('HGET', key, 'at_ms'))
    if not earlier or tonumber(at_ms) < earlier then
      redis.call('HSET', key, 'at_ms', at_ms, 'keyword', keyword, 'number', number)
    end
  end
  return #keys
end

-- KEYS: {o:<tenant>}:<recipient>, of one tenant. Returns four values for each opt-out that there is: the place of its key,
-- instant, keyword, number. Most recipients have none, so most answers are empty.
local function optouts(keys)
  local found = {}
  for i, key in ipairs(keys) do
    local out = redis.call('HMGET', key, 'at_ms', 'keyword', 'number')
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
register('optout', optout, 'allow-oom')
register('optouts', optouts, 'no-writes')
register('put_media', put_media)
