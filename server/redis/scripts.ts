/**
 * Lua scripts: the steps that must be one for all nodes. Each begins with what KEYS, ARGV and the answer are.
 *
 * All that publish do it through `publish`, which raises the channel's position in the same step. A position is a number that only ever
 * grows: the first one of a channel is the time in microseconds, which is beyond whatever was counted before a Redis that lost
 * its data. Each message says which event came before it, so that a node can tell whether it missed one. What can be put right without
 * the message (members, counts) is no event in this sense.
 */

import { LAYOUT } from './layout.ts';

/** Positions are remembered for this long after the last message, in milliseconds. */
export const POSITION_TTL_MS = 3_600_000;
/**
 * Those of a channel that its last subscriber left, and that keeps no event, for this long. Whoever subscribes after that begins anew: the next
 * position is the time again, beyond all that were counted, so that no node takes its message for one that it had.
 */
export const EMPTIED_TTL_MS = 60_000;

/** `remember(key, milliseconds)`: keeps a key for that long, less half a minute at most, so that not each message has to say so. */
const REMEMBER = `
local function remember(key, ms)
  if redis.call('PTTL', key) < ms - 30000 then redis.call('PEXPIRE', key, string.format('%.0f', ms)) end
end
`;

/** `forget(position key, last event key)`: lets the position of a channel go that nobody is in, unless it keeps an event. */
const FORGET = `
local function forget(key, last)
  if redis.call('EXISTS', last) == 0 then redis.call('PEXPIRE', key, ${EMPTIED_TTL_MS}) end
end
`;

/** `publish(position key, topic, header, frame, command, is event)` → position as text. Header: `layout except kind [member]`. */
const PUBLISH = `${REMEMBER}
local function publish(key, topic, header, frame, command, isEvent)
  local position
  local known = redis.call('HMGET', key, 'position', 'event')
  if known[1] then
    position = string.format('%.0f', redis.call('HINCRBY', key, 'position', 1))
  else
    local time = redis.call('TIME')
    position = string.format('%.0f', time[1] * 1000000 + time[2])
    redis.call('HSET', key, 'position', position)
  end
  if isEvent then redis.call('HSET', key, 'event', position) end
  remember(key, ${POSITION_TTL_MS})
  redis.call(command, topic, position .. ' ' .. (known[2] or '0') .. ' ' .. header .. '\\n' .. frame)
  return position
end
`;

/**
 * Publishes a frame.
 * KEYS position, last event. ARGV topic, header, frame, PUBLISH or SPUBLISH, milliseconds to keep it as last event (0: don't).
 * Answer: position.
 */
export const PUBLISH_FRAME = `${PUBLISH}
local position = publish(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], true)
local keep = tonumber(ARGV[5])
if keep > 0 then
  redis.call('SET', KEYS[2], position .. '\\n' .. ARGV[3], 'PX', ARGV[5])
  -- Whoever is handed the event waits until this position is reached.
  remember(KEYS[1], keep + ${EMPTIED_TTL_MS})
end
return position
`;

/**
 * Adds a connection to a presence channel, and announces the user when it is the first.
 * KEYS position, members, sockets, users. ARGV topic, node/socket/user, user id, member JSON, maximum of members, header, member_added frame,
 * PUBLISH or SPUBLISH.
 * Answer: {-1} when full, else {1 for the first connection or 0, position, member JSON, …}.
 */
export const JOIN = `${PUBLISH}
local known = redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1
if not known and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[5]) then return {-1} end
local first = 0
if redis.call('HSETNX', KEYS[3], ARGV[2], ARGV[3]) == 1 then
  if redis.call('HINCRBY', KEYS[4], ARGV[3], 1) == 1 then
    first = 1
    redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
    publish(KEYS[1], ARGV[1], ARGV[6], ARGV[7], ARGV[8], false)
  end
end
local answer = {first, redis.call('HGET', KEYS[1], 'position') or '0'}
local members = redis.call('HVALS', KEYS[2])
for i = 1, #members do answer[i + 2] = members[i] end
return answer
`;

/**
 * Takes a connection out of a presence channel, and announces the user's leaving when it was the last.
 * KEYS position, members, sockets, users, counts, last event. ARGV topic, node/socket/user, user id, head and tail of the member_removed frame
 * (around the user id as JSON inside of a JSON string), PUBLISH or SPUBLISH.
 * Answer: 1 when the user is gone now.
 */
export const LEAVE = `${PUBLISH}${FORGET}
if redis.call('HDEL', KEYS[3], ARGV[2]) == 0 then return 0 end
if redis.call('HINCRBY', KEYS[4], ARGV[3], -1) > 0 then return 0 end
redis.call('HDEL', KEYS[4], ARGV[3])
local member = redis.call('HGET', KEYS[2], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[3])
if member then
  local id = cjson.decode(member)[2]
  local escaped = string.gsub((string.gsub(id, '\\\\', '\\\\\\\\')), '"', '\\\\"')
  publish(KEYS[1], ARGV[1], '${LAYOUT} - - ' .. member, ARGV[4] .. escaped .. ARGV[5], ARGV[6], false)
end
-- Who joined and was gone before the subscription came about counted nowhere.
if redis.call('EXISTS', KEYS[3], KEYS[5]) == 0 then forget(KEYS[1], KEYS[6]) end
return 1
`;

/** KEYS position, members. Answer: {position, member JSON, …}. */
export const MEMBERS = `
local answer = redis.call('HVALS', KEYS[2])
table.insert(answer, 1, redis.call('HGET', KEYS[1], 'position') or '0')
return answer
`;

/**
 * Notes a signed-in connection of a user, and announces the user when it is the first.
 * KEYS position, sockets. ARGV topic, node/socket/user, user id, header, frame, PUBLISH or SPUBLISH, 1 to announce.
 * Answer: 1 for the first connection.
 */
export const SIGN_IN = `${PUBLISH}
local empty = redis.call('HLEN', KEYS[2]) == 0
if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) == 0 or not empty then return 0 end
if ARGV[7] == '1' then publish(KEYS[1], ARGV[1], ARGV[4], ARGV[5], ARGV[6], true) end
return 1
`;

/** The reverse of SIGN_IN, same KEYS and ARGV. Answer: 1 when it was the last connection. */
export const SIGN_OUT = `${PUBLISH}
if redis.call('HDEL', KEYS[2], ARGV[2]) == 0 or redis.call('HLEN', KEYS[2]) > 0 then return 0 end
if ARGV[7] == '1' then publish(KEYS[1], ARGV[1], ARGV[4], ARGV[5], ARGV[6], true) end
return 1
`;

/**
 * Writes one node's number of subscriptions of a channel, and announces the sum.
 * KEYS position, counts, announced, last event. ARGV topic, node, count, 1 to announce, head and tail of the frame, PUBLISH or SPUBLISH, number of
 * subscribers up to which each change is announced, interval above it in milliseconds, 1 when the node itself says so: one that died may be cut off only,
 * and look for its positions when it is back.
 * Answer: {sum, milliseconds after which to announce again or 0}.
 */
export const COUNT = `${PUBLISH}${FORGET}
if tonumber(ARGV[3]) > 0 then redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) else redis.call('HDEL', KEYS[2], ARGV[2]) end
local sum = 0
for _, count in ipairs(redis.call('HVALS', KEYS[2])) do sum = sum + tonumber(count) end
if sum == 0 and ARGV[10] == '1' then forget(KEYS[1], KEYS[4]) end
if sum > 0 then remember(KEYS[1], ${POSITION_TTL_MS}) end
if ARGV[4] ~= '1' or sum == 0 then return {sum, 0} end
if sum > tonumber(ARGV[8]) and not redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[9]) then
  return {sum, redis.call('PTTL', KEYS[3])}
end
publish(KEYS[1], ARGV[1], '${LAYOUT} - c', ARGV[5] .. sum .. ARGV[6], ARGV[7], false)
return {sum, 0}
`;

/**
 * Counts one more connection of a node, unless its app has as many as it may.
 * KEYS connections. ARGV node, maximum over all nodes. Answer: 1, or 0 when there are as many already.
 */
export const ADD_CONNECTION = `
local sum = 0
for _, count in ipairs(redis.call('HVALS', KEYS[1])) do sum = sum + tonumber(count) end
if sum >= tonumber(ARGV[2]) then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return 1
`;

/**
 * Renews a node's lease and claims nodes whose lease ended, so that one survivor cleans up after each. Refuses while other nodes live that share
 * things in another layout.
 * KEYS leases, dead, layout. ARGV node, lease in milliseconds, claim in milliseconds, 1 to register (else a node that is not there any more is
 * not put back), layout.
 * Answer: {1 when this node lives or 0 when it was declared dead, claimed node…}, or {-1, the layout of the others (0: from before there were any)}.
 */
export const RENEW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local layout = redis.call('GET', KEYS[3])
if layout ~= ARGV[5] then
  local others = redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf') - (redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0)
  if others > 0 then return {-1, layout or '0'} end
end
redis.call('SET', KEYS[3], ARGV[5], 'PX', 2 * ARGV[2])
local alive = 1
if ARGV[4] ~= '1' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then alive = 0 end
if alive == 1 then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
local answer = {alive}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], node)
  redis.call('ZADD', KEYS[2], 0, node)
end
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1)) do
  redis.call('ZADD', KEYS[2], now + ARGV[3], node)
  answer[#answer + 1] = node
end
return answer
`;

/**
 * Gives a channel back positions that Redis lost, unless it has later ones.
 * KEYS position. ARGV position, position of the last event.
 */
export const RAISE_POSITION = `${REMEMBER}
for index, field in ipairs({'position', 'event'}) do
  local known = tonumber(redis.call('HGET', KEYS[1], field) or '0')
  if known < tonumber(ARGV[index]) then redis.call('HSET', KEYS[1], field, ARGV[index]) end
end
remember(KEYS[1], ${POSITION_TTL_MS})
return 1
`;

/**
 * Gives a cache channel back its last event, unless Redis has this or a later one.
 * KEYS last event, position. ARGV position, frame, milliseconds to keep it.
 */
export const RESTORE_EVENT = `${REMEMBER}
local known = string.match(redis.call('GET', KEYS[1]) or '', '^%d+')
if not known or tonumber(known) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1] .. '\\n' .. ARGV[2], 'PX', ARGV[3])
  remember(KEYS[2], ARGV[3] + ${EMPTIED_TTL_MS})
end
return 1
`;

/**
 * Takes what a node let pass from an app's allowances, which fill up again with the time, each to one second's worth.
 * KEYS rates. ARGV for backend events, client events and read requests: limit per second (0 or -1: none kept), how many passed.
 * Answer: {what is left of each, as text; less than 0 when too much passed}.
 */
export const SHARE_RATES = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = {'backendEvents', 'clientEvents', 'readRequests'}
local known = redis.call('HMGET', KEYS[1], 'time', names[1], names[2], names[3])
local elapsed = math.max(0, now - tonumber(known[1] or now))
local answer, fullMs = {}, 1
for i, name in ipairs(names) do
  local limit, used = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local left = 0
  if limit > 0 then
    left = math.min(limit, tonumber(known[i + 1] or limit) + elapsed * limit / 1000) - used
    fullMs = math.max(fullMs, math.ceil((limit - left) * 1000 / limit))
  end
  answer[i] = string.format('%.3f', left)
  redis.call('HSET', KEYS[1], name, answer[i])
end
redis.call('HSET', KEYS[1], 'time', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], fullMs)
return answer
`;
