-- Beside the messages: inboxes, media.
-- An instant message goes from the log into an inbox also when memory is full: it leaves the log for it. A carrier's text
-- does too.

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

-- KEYS: {media}:<id>. args: description, bytes, time to live in ms.
local function put_media(keys, args)
  redis.call('HSET', keys[1], 'meta', args[1], 'body', args[2])
  redis.call('PEXPIRE', keys[1], args[3])
  return 1
end

register('deliver_im', deliver_im, 'allow-oom')
register('keep_orphan', keep_orphan, 'allow-oom')
register('put_media', put_media)
