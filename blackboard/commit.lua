-- Applies a group of commits to one board in one atomic step, each commit all or nothing.
--
-- KEYS[1] meta      hash: epoch, revision, horizon
-- KEYS[2] log       stream
-- KEYS[3] revisions hash: key -> "commit version digest"
-- KEYS[4] regions   hash: region -> last revision
-- KEYS[5] expiries  zset: key by expiry time in ms
-- KEYS[6] session   string: "sequence length\noutcomes" of the last two calls, newest first
-- KEYS[7 .. 6+R]    records:<region> of the R regions named in ARGV
-- KEYS[7+R ..]      once:<key> of the commits that carry an idempotency key
--
-- ARGV[1] sequence of this call in the session, 1 2 3 ...
-- ARGV[2] epoch that the caller shook hands in
-- ARGV[3] time in ms since 1970, or "" for the server's
-- ARGV[4] time to live of the session in ms
-- then    R, and R region names
--         K, and K times: key, number of its region
--         C, and C times one commit:
--           author, number of its once key (0: none), payload digest, time to live of the once key in ms,
--           G, W,
--           G times: kind, number, argument
--             "c" key commit | "a" key "" | "p" key "" | "r" region revision | "r" region commit | "$" 0 ""
--             "r" fails above the head, and above the end of the epoch of its commit: such a revision was read in a
--             history that is gone.
--             "$" fails for the first commit: whether one in another call was applied is not known here.
--           W times: number of the key, expiry in ms (0: never), digest ("" deletes), bytes
--
-- Returns one string.  "E epoch": other epoch.  "G last": the sequence leaves a gap.  "O last": too old.
-- "D sentence": the keys contradict each other, so that somebody else has written to them; nothing was changed.
-- The epoch stands in the outcomes because a call sent again after a restart gets those of the epoch before.
-- "R epoch time due-regions..." and per commit, each on a line:
--   "+revision result ..."   applied; a result per write: version | "0" deleted | "=" nothing to delete
--                            | "=commit/version" unchanged; revision 0: nothing changed, nothing logged
--   "!" and the first result  the idempotency key was used with this payload
--   "?"                       the idempotency key was used with another payload
--   "-guard:commit:length ..." refused; per failing guard its number from 0, the present commit,
--                            the length of the present record's bytes; the bytes follow the line
--   "*sentence"              refused: what the keys say of a record that is guarded contradicts itself
--
-- Nothing is written before all commits were judged, and nothing after the first write can fail: keys of another
-- type are found by reading from each first.

local EXPIRE_AT_MOST = 16
local REFUSAL_BYTES = 65536
local CHUNK = 3000

local meta = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'horizon')
if meta[1] ~= ARGV[2] then
  return 'E ' .. (meta[1] or '0')
end

local sequence = tonumber(ARGV[1])
local session = redis.call('GET', KEYS[6])
if not session then
  return 'G 0'
end
local _, stop, last, length = string.find(session, '^(%d+) (%d+)\n')
last, length = tonumber(last), tonumber(length)
local newest = string.sub(session, 1, stop + length)
if sequence ~= last + 1 then
  if sequence > last + 1 then
    return 'G ' .. last
  end
  if sequence == last then
    return string.sub(session, stop + 1, stop + length)
  end
  local _, stop2, before, length2 = string.find(session, '^(%d+) (%d+)\n', #newest + 1)
  if before and tonumber(before) == sequence then
    return string.sub(session, stop2 + 1, stop2 + tonumber(length2))
  end
  return 'O ' .. last
end

local now = ARGV[3]
if now == '' then
  local t = redis.call('TIME')
  now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
end

-- the tables that the commits refer to by number
local epoch, head = meta[1], tonumber(meta[2])
local at = 5
local R = tonumber(ARGV[at])
local region_name, region_revision, region_number = {}, {}, {}
for i = 1, R do
  region_name[i] = ARGV[at + i]
  region_number[ARGV[at + i]] = i
end
at = at + R + 1
local K = tonumber(ARGV[at])
local key_name, key_region, key_number = {}, {}, {}
for i = 1, K do
  key_name[i] = ARGV[at + i * 2 - 1]
  key_region[i] = tonumber(ARGV[at + i * 2])
end
at = at + K * 2 + 1

local function many(command, hash, names)
  local all, count = {}, #names
  for from = 1, count, CHUNK do
    local upto = math.min(from + CHUNK - 1, count)
    local part = redis.call(command, hash, unpack(names, from, upto))
    for i = 1, #part do
      all[from + i - 1] = part[i]
    end
  end
  return all
end

-- What one key says is borne out by another, or this board is not to be built on: a key that was deleted would be
-- begun anew, and every guard would be judged by what it then lacks.
local horizon = tonumber(meta[3] or 0)
if not head or not horizon or redis.call('XLEN', KEYS[2]) ~= head - horizon then
  return 'D ' .. KEYS[2] .. ' does not hold what ' .. KEYS[1] .. ' says'
end
local unexplained = -redis.call('HLEN', KEYS[3])
local told = many('HMGET', KEYS[4], region_name)
for i = 1, R do
  local records = redis.call('HLEN', KEYS[6 + i])
  unexplained = unexplained + records
  region_revision[i] = tonumber(told[i] or 0)
  if not region_revision[i] or (records > 0 and not told[i]) then
    return 'D ' .. KEYS[4] .. ' does not tell when ' .. KEYS[6 + i] .. ' was last written'
  elseif unexplained > 0 then
    return 'D ' .. KEYS[3] .. ' does not hold the commits of ' .. KEYS[6 + i]
  end
end

-- the overlay: what each key would hold after the commits judged so far
local commit_of, version_of, digest_of = {}, {}, {}
local contradicted = {} -- key numbers that only one of revisions and records knows
local stored = many('HMGET', KEYS[3], key_name)
for i = 1, K do
  if stored[i] then
    local _, _, commit, version, digest = string.find(stored[i], '^(%S+) (%d+) (.*)$')
    commit_of[i], version_of[i], digest_of[i] = commit, tonumber(version), digest
    if not commit then
      return 'D ' .. KEYS[3] .. ' does not say which commit wrote ' .. key_name[i]
    end
  end
  contradicted[i] = (commit_of[i] ~= nil) ~= (redis.call('HEXISTS', KEYS[6 + key_region[i]], key_name[i]) == 1)
end

local entries = {}      -- log entries to add: {id, author, changes}
local last_write = {}   -- key number -> {bytes or false, expiry, stored header}
local touched = {}      -- key numbers with an entry in last_write, in order
local region_touched = {}

local function change(i, bytes, expiry, digest, changes, operation, id)
  local previous = commit_of[i] or '-'
  if not last_write[i] then
    touched[#touched + 1] = i
  end
  if bytes then
    local version = (version_of[i] or 0) + 1
    commit_of[i], version_of[i], digest_of[i] = id, version, digest
    last_write[i] = { bytes, expiry, epoch .. ' ' .. head .. ' ' .. version .. ' ' .. now .. ' ' }
    changes[#changes + 1] = key_name[i]
    changes[#changes + 1] = operation .. ' ' .. previous .. ' ' .. version .. ' ' .. bytes
  else
    commit_of[i], version_of[i], digest_of[i] = nil, nil, nil
    last_write[i] = { false, 0, '' }
    changes[#changes + 1] = key_name[i]
    changes[#changes + 1] = operation .. ' ' .. previous .. ' 0 '
  end
  region_revision[key_region[i]] = head
  region_touched[key_region[i]] = true
end

-- records past their time go first, each as a revision of its own
local due_elsewhere = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, EXPIRE_AT_MOST)
if #due > 0 then
  for i = 1, K do
    key_number[key_name[i]] = i
  end
  local expired = {}
  for i = 1, K do
    if commit_of[i] then
      local score = redis.call('ZSCORE', KEYS[5], key_name[i])
      if score and tonumber(score) <= tonumber(now) then
        expired[#expired + 1] = i
      end
    end
  end
  local reported = {}
  for _, key in ipairs(due) do
    if not key_number[key] then
      local region = string.match(key, '^[^/]*')
      if region_number[region] then
        local known = redis.call('HGET', KEYS[3], key)
        K = K + 1
        key_name[K], key_region[K] = key, region_number[region]
        key_number[key] = K
        if known then
          local _, _, commit, version, digest = string.find(known, '^(%S+) (%d+) (.*)$')
          commit_of[K], version_of[K], digest_of[K] = commit, tonumber(version), digest
          expired[#expired + 1] = K
        end
      end
      -- a full batch: more of these regions may be due, so the next call names them again
      if (not region_number[region] or #due == EXPIRE_AT_MOST) and not reported[region] then
        reported[region] = true
        due_elsewhere[#due_elsewhere + 1] = ' ' .. region
      end
    end
  end
  for _, i in ipairs(expired) do
    head = head + 1
    local changes = {}
    change(i, false, 0, '', changes, 'x', epoch .. '-' .. head)
    entries[#entries + 1] = { epoch .. '-' .. head, '', changes }
  end
end

local function present_bytes(i)
  local pending = last_write[i]
  if pending then
    return pending[1] and pending[3] .. pending[1], true
  end
  local bytes = redis.call('HGET', KEYS[6 + key_region[i]], key_name[i])
  local epoch_of, revision = string.match(bytes or '', '^(%d+) (%d+) ')
  return bytes, commit_of[i] == (bytes and (epoch_of or '') .. '-' .. (revision or '') or nil)
end

-- pass one: judge
local C = tonumber(ARGV[at])
at = at + 1
local outcomes = {}
local once_writes, once_known = {}, {}
local room = REFUSAL_BYTES
local previous_applied = false

local function end_of_epoch(of)
  local following = redis.call('HGET', KEYS[1], 'epoch:' .. string.format('%.0f', (tonumber(of or '') or 0) + 1))
  return tonumber(string.match(following or '', '^(%d+) ') or -1)
end

local function refuse(failures)
  local heads, values = {}, {}
  for _, f in ipairs(failures) do
    local present, bytes = '', ''
    if f[2] == 'r' then
      present = epoch .. '-' .. region_revision[f[3]]
    elseif f[2] ~= '$' then
      local found, borne_out = present_bytes(f[3])
      if not borne_out then
        local home = KEYS[6 + key_region[f[3]]]
        return '*' .. KEYS[3] .. ' and ' .. home .. ' do not say the same of ' .. key_name[f[3]]
      end
      present = commit_of[f[3]] or ''
      if found and #found <= room then
        bytes = found
        room = room - #bytes
      end
    end
    heads[#heads + 1] = f[1] .. ':' .. present .. ':' .. #bytes
    values[#values + 1] = bytes
  end
  return '-' .. table.concat(heads, ' ') .. '\n' .. table.concat(values)
end

local function judge_guards(G)
  local failures
  for g = 0, G - 1 do
    local kind, number, argument = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
    at = at + 3
    local holds
    if kind == 'c' then
      holds = commit_of[number] == argument
    elseif kind == 'a' then
      holds = commit_of[number] == nil
    elseif kind == 'p' then
      holds = commit_of[number] ~= nil
    elseif kind == 'r' then
      local since, ended = tonumber(argument), head
      if not since then
        local of, revision = string.match(argument, '^(%d+)%-(%d+)$')
        since = tonumber(revision or '')
        ended = of == epoch and head or end_of_epoch(of)
      end
      holds = since and since <= ended and region_revision[number] <= since
    else
      holds = previous_applied
    end
    if contradicted[number] and not last_write[number] and kind ~= 'r' then
      holds = false
    end
    if not holds then
      failures = failures or {}
      failures[#failures + 1] = { g, kind, number }
    end
  end
  return failures
end

local function apply_writes(W, author)
  local results, changes, new_head = {}, {}, head + 1
  local id = epoch .. '-' .. new_head
  for w = 1, W do
    local i, expiry, digest, bytes = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    at = at + 4
    if digest == '' then
      if commit_of[i] then
        head = new_head
        change(i, false, 0, '', changes, 'd', id)
        results[w] = '0'
      else
        results[w] = '='
      end
    elseif digest_of[i] == digest then
      results[w] = '=' .. commit_of[i] .. '/' .. version_of[i]
    else
      head = new_head
      change(i, bytes, expiry, digest, changes, 'p', id)
      results[w] = version_of[i]
    end
  end
  if #changes > 0 then
    entries[#entries + 1] = { id, author, changes }
    return '+' .. head .. ' ' .. table.concat(results, ' ')
  end
  return '+0 ' .. table.concat(results, ' ')
end

for c = 1, C do
  local author, once, payload, once_ttl = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local G, W = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  at = at + 6
  local after = at + G * 3 + W * 4
  local first
  if once > 0 then
    first = once_known[once] or redis.call('GET', KEYS[6 + R + once])
  end
  if first then
    local known, result = string.match(first, '^(%x*) (.*)$')
    if known == payload then
      outcomes[c], previous_applied = '!' .. result, true
    else
      outcomes[c], previous_applied = '?', false
    end
  else
    local failures = judge_guards(G)
    if failures then
      outcomes[c], previous_applied = refuse(failures), false
    else
      outcomes[c], previous_applied = apply_writes(W, author), true
      if once > 0 then
        once_known[once] = payload .. ' ' .. epoch .. ' ' .. now .. ' ' .. outcomes[c]
        once_writes[#once_writes + 1] = { KEYS[6 + R + once], once_known[once], once_ttl }
      end
    end
  end
  at = after
end

local blob = 'R ' .. epoch .. ' ' .. now .. table.concat(due_elsewhere) .. '\n' .. table.concat(outcomes, '\n')

-- pass two: write.  The first write is one that a full server refuses.
redis.call('SET', KEYS[6], sequence .. ' ' .. #blob .. '\n' .. blob .. newest, 'PX', ARGV[4])
if #entries == 0 then
  for _, o in ipairs(once_writes) do
    redis.call('SET', o[1], o[2], 'PX', o[3])
  end
  return blob
end
redis.call('HSET', KEYS[1], 'revision', head)
for _, e in ipairs(entries) do
  redis.call('XADD', KEYS[2], e[1], '', now .. ' ' .. e[2], unpack(e[3]))
end

local puts, gone = {}, {}                 -- per region: hash arguments, hash fields
local new_revisions, old_revisions = {}, {}
local timed, untimed = {}, {}
for _, i in ipairs(touched) do
  local write, key, region = last_write[i], key_name[i], key_region[i]
  if write[1] then
    local list = puts[region] or {}
    puts[region] = list
    list[#list + 1] = key
    list[#list + 1] = write[3] .. write[1]
    new_revisions[#new_revisions + 1] = key
    new_revisions[#new_revisions + 1] = commit_of[i] .. ' ' .. version_of[i] .. ' ' .. digest_of[i]
  else
    local list = gone[region] or {}
    gone[region] = list
    list[#list + 1] = key
    old_revisions[#old_revisions + 1] = key
  end
  if tonumber(write[2]) > 0 then
    timed[#timed + 1] = write[2]
    timed[#timed + 1] = key
  else
    untimed[#untimed + 1] = key
  end
end

local function in_chunks(command, name, arguments)
  for from = 1, #arguments, CHUNK do
    redis.call(command, name, unpack(arguments, from, math.min(from + CHUNK - 1, #arguments)))
  end
end

local touched_regions = {}
for r = 1, R do
  if puts[r] then
    in_chunks('HSET', KEYS[6 + r], puts[r])
  end
  if gone[r] then
    in_chunks('HDEL', KEYS[6 + r], gone[r])
  end
  if region_touched[r] then
    touched_regions[#touched_regions + 1] = region_name[r]
    touched_regions[#touched_regions + 1] = region_revision[r]
  end
end
in_chunks('HSET', KEYS[4], touched_regions)
in_chunks('HSET', KEYS[3], new_revisions)
in_chunks('HDEL', KEYS[3], old_revisions)
if redis.call('EXISTS', KEYS[5]) == 1 then
  in_chunks('ZREM', KEYS[5], untimed)
end
in_chunks('ZADD', KEYS[5], timed)
for _, o in ipairs(once_writes) do
  redis.call('SET', o[1], o[2], 'PX', o[3])
end

-- read back: what stands there is what was to stand there
for r = 1, R do
  local list = puts[r]
  if list then
    local names = {}
    for i = 1, #list, 2 do
      names[#names + 1] = list[i]
    end
    local found = many('HMGET', KEYS[6 + r], names)
    for n = 1, #names do
      if found[n] ~= list[n * 2] then
        return redis.error_reply('READBACK a record does not hold what was written')
      end
    end
  end
end
return blob
