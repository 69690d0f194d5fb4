-- Moves the horizon of a board's log forward: folds its oldest entries into the base and removes them from the log,
-- in one atomic step, so that base and log together always make up the records.
--
-- KEYS[1] meta    hash: revision, horizon (the revision that the base stands at; missing: 0), horizon_ms (when that
--                  was committed)
-- KEYS[2] log     stream
-- KEYS[3] base    hash: key -> "epoch revision version time" and the client's bytes, as in the records
-- KEYS[4] holds   hash: member -> "revision ...": nobody may take away what comes after that revision
--
-- ARGV[1] revision that the horizon may move to
-- ARGV[2] entries that are folded at most
-- ARGV[3] bytes after which no further entry is begun
-- then    member, value: holds that are known to be dead, removed if they still say the same
--
-- Returns {horizon, member that holds it back or "", revision of that hold}
--
-- Calling it again does no harm.  The newest entry always stays: the handshake compares it with meta.  Everything
-- is read and checked before the first write, which is one that a full server refuses.

local AT_ONCE = 16
local CHUNK = 3000

local meta = redis.call('HMGET', KEYS[1], 'revision', 'horizon')
local head, horizon = tonumber(meta[1] or '0'), tonumber(meta[2] or '0')

local dead = {}
for i = 4, #ARGV, 2 do
  dead[ARGV[i]] = ARGV[i + 1]
end
local upto = math.min(tonumber(ARGV[1]), head - 1)
local holder, held_at, gone = '', '', {}
local holds = redis.call('HGETALL', KEYS[4])
for i = 1, #holds, 2 do
  local member, value = holds[i], holds[i + 1]
  if dead[member] == value then
    gone[#gone + 1] = member
  else
    -- what does not parse holds everything: better a log too long than a reader's gap
    local revision = tonumber(string.match(value, '^%d+') or '0')
    if revision < upto then
      upto, holder, held_at = revision, member, string.format('%.0f', revision)
    end
  end
end

-- the entries that go, and what each key holds after them
local last, order = {}, {}
local entries, bytes, from = 0, 0, '-'
local reached, last_id, time = horizon, nil, nil
while reached < upto and entries < tonumber(ARGV[2]) and bytes < tonumber(ARGV[3]) do
  local page = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', AT_ONCE)
  if #page == 0 then
    return redis.error_reply('GAP the log ends before the head')
  end
  for _, entry in ipairs(page) do
    if reached == upto or entries == tonumber(ARGV[2]) or bytes >= tonumber(ARGV[3]) then
      break
    end
    local epoch, revision = string.match(entry[1], '^(%d+)%-(%d+)$')
    if tonumber(revision) ~= reached + 1 then
      return redis.error_reply('GAP the log does not go on at the horizon')
    end
    local fields = entry[2]
    time = string.match(fields[2], '^%S*')
    for f = 3, #fields, 2 do
      local key, text = fields[f], fields[f + 1]
      local _, stop, mark, version = string.find(text, '^(%a) %S+ (%d+) ')
      if not stop then
        return redis.error_reply('GAP an entry of the log does not parse')
      end
      if last[key] == nil then
        order[#order + 1] = key
      end
      last[key] = mark == 'p' and epoch .. ' ' .. revision .. ' ' .. version .. ' ' .. time .. ' '
        .. string.sub(text, stop + 1)
      bytes = bytes + #key + #text
    end
    entries, reached, last_id = entries + 1, reached + 1, entry[1]
  end
  if last_id then
    local epoch, revision = string.match(last_id, '^(%d+)%-(%d+)$')
    from = epoch .. '-' .. string.format('%.0f', tonumber(revision) + 1)
  end
end

if reached > horizon then
  redis.call('HSET', KEYS[1], 'horizon', string.format('%.0f', reached), 'horizon_ms', time)
  local puts, removals = {}, {}
  for _, key in ipairs(order) do
    if last[key] then
      puts[#puts + 1] = key
      puts[#puts + 1] = last[key]
    else
      removals[#removals + 1] = key
    end
  end
  for i = 1, #puts, CHUNK do
    redis.call('HSET', KEYS[3], unpack(puts, i, math.min(i + CHUNK - 1, #puts)))
  end
  for i = 1, #removals, CHUNK do
    redis.call('HDEL', KEYS[3], unpack(removals, i, math.min(i + CHUNK - 1, #removals)))
  end
  redis.call('XTRIM', KEYS[2], 'MINID', from)
end
if #gone > 0 then
  redis.call('HDEL', KEYS[4], unpack(gone, 1, math.min(#gone, CHUNK)))
end
return { string.format('%.0f', reached), holder, held_at }
