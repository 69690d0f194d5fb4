-- Introduces a connection to a board: makes the board if it may, raises the epoch if the server is another one,
-- says whether the last commit that the caller saw is still in this server's history.
--
-- KEYS[1] meta    hash: format, epoch, revision, run_id, created, "epoch:<n>" = "revision it began at, run id"; the
--                  run id is "-" where the epoch was lost as a whole, so that no commit has a name of it
-- KEYS[2] log     stream
-- KEYS[3] session string: opened here, so that a call of a session that is not there is never a first one
--
-- ARGV[1] format that the caller speaks
-- ARGV[2] the server's run id, as it told this connection
-- ARGV[3] time to live of the session in ms ("" opens none)
-- ARGV[4] last commit seen, "" for none
-- ARGV[5] run id of the server under which that commit's epoch began, as an earlier handshake told, or ""
-- ARGV[6] time in ms since 1970, or "" for the server's
-- ARGV[7] "1": make the board if it is not there
--
-- Returns {status, epoch, revision, run id that began the epoch, time in ms}
-- status: ok | lost (this history ends before the commit seen; it never gives that name again)
--         | other (its epoch began elsewhere, so that this history may give names that the caller knows to others)
--         | absent | format | disagree (meta and log)
-- An error that begins with NOPERM: this user may not do all that a commit does.
--
-- A connection that comes back to its session writes nothing in an epoch that goes on, so that a full or read-only
-- server still tells what became of a call.

local now = ARGV[6]
if now == '' then
  local t = redis.call('TIME')
  now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
end

local meta = redis.call('HMGET', KEYS[1], 'format', 'epoch', 'revision', 'run_id')
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
if not meta[1] then
  if #newest > 0 then
    return { 'disagree', '0', '0', '', now }
  end
  if ARGV[7] ~= '1' then
    return { 'absent', '0', '0', '', now }
  end
  redis.call('HSET', KEYS[1], 'format', ARGV[1], 'epoch', '1', 'revision', '0', 'run_id', ARGV[2],
    'created', now, 'epoch:1', '0 ' .. ARGV[2])
  meta = { ARGV[1], '1', '0', ARGV[2] }
end
if meta[1] ~= ARGV[1] then
  return { 'format', meta[1], '0', '', now }
end
if not (meta[2] and meta[3] and meta[4]) then
  return { 'disagree', meta[2] or '0', meta[3] or '0', '', now }
end

local epoch, revision = tonumber(meta[2]), tonumber(meta[3])
local logged = 0
if #newest > 0 then
  logged = tonumber(string.match(newest[1][1], '%-(%d+)$'))
end
if logged ~= revision then
  return { 'disagree', meta[2], meta[3], '', now }
end

local status = 'ok'
local last = epoch  -- the last epoch that gave names to commits, here or in what was lost
if ARGV[4] ~= '' then
  local e, r = string.match(ARGV[4], '^(%d+)%-(%d+)$')
  e, r = tonumber(e), tonumber(r)
  local began = redis.call('HGET', KEYS[1], 'epoch:' .. string.format('%.0f', e))
  if not began and e > epoch and e - epoch <= 100 and meta[4] ~= ARGV[2] then
    status, last = 'lost', e
  elseif not began then
    status = 'other'
  else
    local from, run = string.match(began, '^(%d+) (.*)$')
    local ended = revision
    local following = redis.call('HGET', KEYS[1], 'epoch:' .. string.format('%.0f', e + 1))
    if following then
      ended = tonumber(string.match(following, '^(%d+)'))
    end
    if run == '-' then
      status = 'lost'
    elseif ARGV[5] ~= '' and ARGV[5] ~= run then
      status = 'other'
    elseif r > ended or r < tonumber(from) then
      status = 'lost'
    end
  end
end

if meta[4] ~= ARGV[2] then
  for skipped = epoch + 1, last do
    redis.call('HSET', KEYS[1], 'epoch:' .. skipped, revision .. ' -')
  end
  epoch = last + 1
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'run_id', ARGV[2], 'epoch:' .. epoch, revision .. ' ' .. ARGV[2])
end
if ARGV[3] ~= '' and redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('SET', KEYS[3], '0 0\n', 'PX', ARGV[3])
  -- A user who may do a part of what a commit does would leave halves.  On a string these do nothing but say so.
  for _, attempt in ipairs({ { 'HSET', 'x', 'x' }, { 'HDEL', 'x' }, { 'XADD', '1-1', 'x', 'x' }, { 'ZADD', '1', 'x' },
    { 'ZREM', 'x' }, { 'HMGET', 'x' } }) do
    local said = tostring(redis.pcall(attempt[1], KEYS[3], unpack(attempt, 2)).err)
    if string.find(said, "can't run", 1, true) or string.find(said, 'NOPERM', 1, true) then
      redis.call('SET', KEYS[3], '', 'PX', 1)
      return redis.error_reply('NOPERM this user may not run ' .. attempt[1])
    end
  end
end
return { status, tostring(epoch), tostring(revision), ARGV[2], now }
