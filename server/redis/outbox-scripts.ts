/**
 * Lua scripts of the outbox. Each begins with what KEYS, ARGV and the answer are.
 *
 * An entry of the stream has the fields `a` (app), `e` (event as JSON), `t` (when it happened in milliseconds, where that is not when the entry was
 * added), `w` and `i` (webhook and event, of a dead letter that is sent again). What is held back is in the sorted set `due` as a digit, the app, a
 * line feed and the event. Of what is due at the same time, the digit puts members before their channel.
 */

/** `append(outbox, app, event, field, value…)` and `moveDue(outbox, due)` → the time in microseconds: adds what is due by now. */
const ENTRIES = `
local function append(outbox, app, event, ...)
  redis.call('XADD', outbox, '*', 'a', app, 'e', event, ...)
end
local function moveDue(outbox, due)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local items = redis.call('ZRANGEBYSCORE', due, '-inf', string.format('%.0f', now), 'WITHSCORES')
  for i = 1, #items, 2 do
    local feed = string.find(items[i], '\\n', 1, true)
    local ms = string.format('%.0f', math.floor(tonumber(items[i + 1]) / 1000))
    append(outbox, string.sub(items[i], 2, feed - 1), string.sub(items[i], feed + 1), 't', ms)
  end
  if #items > 0 then redis.call('ZREMRANGEBYSCORE', due, '-inf', string.format('%.0f', now)) end
  return now
end
`;

/**
 * For the scripts that make edges. Without the KEYS nobody wants to know, and nothing is done.
 *
 * `openOutbox(key, arg)` → what the others take, or nil. KEYS from `key` on: outbox, due, wants. ARGV from `arg` on: app/channel, beginning of the fields of
 * the event as JSON, bits of WANTS (-1: as noted in Redis; others are noted), grace in microseconds.
 *
 * `timeOf(box)`: what `moveDue` answers, which it calls once. What is appended comes after that.
 * `begin(box, digit, name, name of the end, fields, bit)`: adds an event, unless its end is held back: then neither is told.
 * `finish(box, digit, name, fields, bit)`: holds back an event. `forgetWants(box)`: the channel is empty.
 */
export const FACTS = `${ENTRIES}
local function openOutbox(key, arg)
  if not KEYS[key] then return nil end
  local id, wants = ARGV[arg], tonumber(ARGV[arg + 2])
  if wants < 0 then
    wants = tonumber(redis.call('HGET', KEYS[key + 2], id) or '0')
    if wants == 0 then return nil end
  else
    redis.call('HSET', KEYS[key + 2], id, wants)
  end
  return {outbox = KEYS[key], due = KEYS[key + 1], noted = KEYS[key + 2], id = id, app = string.match(id, '^[^/]*'), fields = ARGV[arg + 1],
    wants = wants, grace = tonumber(ARGV[arg + 3])}
end
local function timeOf(box)
  if not box.time then box.time = moveDue(box.outbox, box.due) end
  return box.time
end
local function begin(box, digit, name, ending, fields, want)
  timeOf(box)
  local isHeldBack = redis.call('ZREM', box.due, digit .. box.app .. '\\n{"name":"' .. ending .. '",' .. fields) == 1
  if not isHeldBack and bit.band(box.wants, want) ~= 0 then append(box.outbox, box.app, '{"name":"' .. name .. '",' .. fields) end
end
local function finish(box, digit, name, fields, want)
  if bit.band(box.wants, want) == 0 then return end
  local dueAt = string.format('%.0f', timeOf(box) + box.grace)
  redis.call('ZADD', box.due, dueAt, digit .. box.app .. '\\n{"name":"' .. name .. '",' .. fields)
end
local function forgetWants(box)
  redis.call('HDEL', box.noted, box.id)
end
`;

/** Adds the event of a message, at the end of a script. KEYS 4: outbox, due. ARGV 7: app, event as JSON. */
export const TELL = `
if KEYS[4] then
  ${ENTRIES}
  moveDue(KEYS[4], KEYS[5])
  append(KEYS[4], ARGV[7], ARGV[8])
end
`;

/**
 * Adds an entry.
 * KEYS outbox, due, and missed if there may be one in some time only. ARGV app, event as JSON, that time in milliseconds, further fields and values.
 * Answer: 1, or 0 when there was one.
 */
export const APPEND = `${ENTRIES}
if KEYS[3] and not redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[3]) then return 0 end
moveDue(KEYS[1], KEYS[2])
append(KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 4))
return 1
`;

/** `untilDue(due, now)` → milliseconds until the next one of what is held back is due, or -1. */
const UNTIL_DUE = `
local function untilDue(due)
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if not first[2] then return -1 end
  local time = redis.call('TIME')
  return math.max(0, math.ceil((tonumber(first[2]) - time[1] * 1000000 - time[2]) / 1000))
end
`;

/**
 * Reads entries of a partition, with what is due by now.
 * KEYS worker, outbox, due, told. ARGV node, what XRANGE begins with, maximum of entries.
 * Answer: {milliseconds until more is due or -1, answer of XRANGE, {webhooks that have the entry or nil, …}}, or {-2} when the partition is not the node's.
 */
export const READ_OUTBOX = `${ENTRIES}${UNTIL_DUE}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-2} end
moveDue(KEYS[2], KEYS[3])
local entries = redis.call('XRANGE', KEYS[2], ARGV[2], '+', 'COUNT', ARGV[3])
local told = {}
if #entries > 0 and redis.call('EXISTS', KEYS[4]) == 1 then
  for i = 1, #entries do told[i] = redis.call('HGET', KEYS[4], entries[i][1]) end
end
return {untilDue(KEYS[3]), entries, told}
`;

/** Notes that a webhook has an entry, which may be gone meanwhile. KEYS outbox, told. ARGV id, webhook. */
export const NOTE_TOLD = `
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
local told = redis.call('HGET', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], told and told .. ' ' .. ARGV[2] or ARGV[2])
return 1
`;

/** Renews a node's claim to a share. KEYS workers. ARGV node, milliseconds. Answer: the nodes that have one. */
export const SHARE_OUTBOX = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)
`;

/**
 * Renews a node's claim to a partition, or makes it.
 * KEYS worker, outbox, due. ARGV node, milliseconds.
 * Answer: {id of the last entry or '', milliseconds until more is due or -1}, or nil when another node has it.
 */
export const CLAIM_PARTITION = `${UNTIL_DUE}
local worker = redis.call('GET', KEYS[1])
if worker and worker ~= ARGV[1] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
return {last and last[1] or '', untilDue(KEYS[3])}
`;

/** Gives a partition to others. KEYS worker. ARGV node. */
export const RELEASE_PARTITION = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;

/**
 * Keeps dead letters of a webhook, in place of the oldest.
 * KEYS letters, letter order, letter webhooks. ARGV webhook, maximum, maximum of age in milliseconds, then of each its id, when it was given up in
 * milliseconds, and the letter.
 */
export const BURY = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i = 4, #ARGV, 3 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  redis.call('ZADD', KEYS[2], string.format('%.0f', ARGV[i + 1] * 1000 + i), ARGV[i])
end
local function drop(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[1], id)
  end
end
drop(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[3] * 1000)))
local excess = redis.call('ZCARD', KEYS[2]) - ARGV[2]
if excess > 0 then drop(redis.call('ZRANGE', KEYS[2], 0, excess - 1)) end
redis.call('SADD', KEYS[3], ARGV[1])
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
return 1
`;

/** Takes dead letters out, all of them without ids. KEYS letters, letter order. ARGV id, … Answer: those that there were. */
export const EXHUME = `
local ids = #ARGV > 0 and ARGV or redis.call('ZRANGE', KEYS[2], 0, -1)
local found = {}
for _, id in ipairs(ids) do
  local letter = redis.call('HGET', KEYS[1], id)
  if letter then
    found[#found + 1] = letter
    redis.call('HDEL', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
  end
end
return found
`;

/** Tells how webhooks do. KEYS states. ARGV milliseconds to keep it, webhook/node, state, … */
export const REPORT_STATES = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f', now) .. '\\t' .. ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`;

/** KEYS states. ARGV milliseconds for which they are kept. Answer: the states; those that are older are forgotten. */
export const READ_STATES = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local states = {}
local known = redis.call('HGETALL', KEYS[1])
for i = 1, #known, 2 do
  local tab = string.find(known[i + 1], '\\t', 1, true)
  if tonumber(string.sub(known[i + 1], 1, tab - 1)) > now - ARGV[1] then states[#states + 1] = string.sub(known[i + 1], tab + 1)
  else redis.call('HDEL', KEYS[1], known[i]) end
end
return states
`;
