/**
 * Lua scripts: the steps that must be one for all nodes. Each begins with what KEYS, ARGV and the answer are.
 *
 * All that publish do it through `publish`, which raises the channel's position in the same step. A position is a number that only ever
 * grows: the first one of a channel is the time in microseconds, which is beyond whatever was counted before a Redis that lost
 * its data. Each message says which event came before it, so that a node can tell whether it missed one. What can be put right without
 * the message (members, counts) is no event in this sense.
 */

import { WANTS } from '../../channels/webhook-wants.ts';
import { LAYOUT } from './keys.ts';
import { FACTS, TELL } from './outbox-scripts.ts';

/** Positions are remembered for this long after the last message, in milliseconds. */
const POSITION_TTL_MS = 3_600_000;
/**
 * Those of a channel that its last subscriber left, and that keeps no event, for this long. Whoever subscribes after that begins anew: the next
 * position is the time again, beyond all that were counted, so that no node takes its message for one that it had.
 */
const EMPTIED_TTL_MS = 60_000;

/** `remember(key, milliseconds)`: keeps a key for that long, less half a minute at most, so that not each message has to say so. */
const REMEMBER = `
local function remember(key, ms)
  if redis.call('PTTL', key) < ms - 30000 then redis.call('PEXPIRE', key, string.format('%.0f', ms)) end
end
`;

/** `forget(position key, last event key)`: drops the position of an empty channel, unless it keeps an event. */
const FORGET = `
local function forget(key, last)
  if redis.call('EXISTS', last) == 0 and redis.call('HEXISTS', key, 'named') == 0 then redis.call('PEXPIRE', key, ${EMPTIED_TTL_MS}) end
end
`;

/** `publish(position key, topic, header, frame, command, is event)` → position as text. Header: see `encodeHeader`. */
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
  redis.call(command, topic, position .. '\\t' .. (known[2] or '0') .. '\\t' .. header .. '\\n' .. frame)
  return position
end
`;

/**
 * Publishes a frame.
 * KEYS position, last event, last event of the name (if it is to be kept as that, or webhooks are told), outbox and due (if webhooks are told). ARGV topic,
 * header, frame, PUBLISH or SPUBLISH, milliseconds to keep it as last event (0: don't), and as the last of its name, app, event of webhooks as JSON.
 * Answer: position.
 */
export const PUBLISH_FRAME = `${PUBLISH}
local position = publish(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], true)
for index = 2, KEYS[3] and 3 or 2 do
  local keep = tonumber(ARGV[index + 3])
  if keep > 0 then
    redis.call('SET', KEYS[index], position .. '\\n' .. ARGV[3], 'PX', ARGV[index + 3])
    -- Whoever is handed the event waits until this position is reached.
    remember(KEYS[1], keep + ${EMPTIED_TTL_MS})
    if index == 3 then redis.call('HSET', KEYS[1], 'named', 1) end
  end
end
${TELL}
return position
`;

/**
 * `isSettled(settled key, milliseconds)`: whether a first or last one in a partition is to be told of. After the partition was lost, nodes have so long
 * to write again what they have.
 */
const SETTLED = `
local function isSettled(key, ms)
  local at = redis.call('GET', key)
  if at == '0' then return true end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if not at then
    redis.call('SET', key, string.format('%.0f', now + ms))
    return false
  end
  if now < tonumber(at) then return false end
  redis.call('SET', key, '0')
  return true
end
`;

/** `first(arrivals key, user id as JSON)` → `node/socket/user` of the user's connection that came first, or nil. */
const FIRST = `
local function first(key, user)
  local entry = redis.call('ZRANGEBYLEX', key, '[' .. user .. '\\t', '(' .. user .. '\\n', 'LIMIT', 0, 1)[1]
  return entry and string.sub(entry, #user + 19)
end
`;

/** `update(member, user_info)`: gives a member, `id TAB user_info`, the data of another connection. Names KEYS and ARGV of JOIN and LEAVE. */
const UPDATE = `
local function update(member, info)
  local tab = string.find(member, '\\t', 1, true)
  if string.sub(member, tab + 1) == info then return end
  local text = string.sub(member, 1, tab) .. info
  redis.call('HSET', KEYS[2], ARGV[3], text)
  publish(KEYS[1], ARGV[1], '${LAYOUT}\\t~' .. text, '', ARGV[5], false)
end
`;

/** `add(totals key, field, number)`: changes a total of an app, and forgets it when it is 0. */
const ADD = `
local function add(key, field, number)
  if number ~= 0 and redis.call('HINCRBY', key, field, number) <= 0 then redis.call('HDEL', key, field) end
end
`;

/**
 * Adds a connection to a presence channel, and announces the user when it is the first.
 * KEYS position, members, sockets, arrivals, members of the node, settled, totals, those of `openOutbox`. ARGV topic, node/socket/user, user id, user id
 * as JSON, PUBLISH or SPUBLISH, entry of the node, milliseconds to settle, id and user_info of the member, maximum of members, header, member_added
 * frame, time of arrival if it is known, those of `openOutbox`.
 * Answer: {-1} when full, else {2 for the channel's first member, 1 for the user's first connection, 0 for another or in a partition that is not settled,
 * position, time of arrival, member, …}.
 */
export const JOIN = `${PUBLISH}${SETTLED}${FIRST}${UPDATE}${ADD}${FACTS}
local member = redis.call('HGET', KEYS[2], ARGV[3])
local size = redis.call('HLEN', KEYS[2])
if not member and size >= tonumber(ARGV[10]) then return {-1} end
redis.call('SADD', KEYS[5], ARGV[6])
local box = openOutbox(8, 14)
local edge = 0
local known = redis.call('HGET', KEYS[3], ARGV[2])
local arrival = known and string.sub(known, 1, 16) or ARGV[13]
if not known then
  if arrival == '' then
    local time = redis.call('TIME')
    arrival = string.format('%016.0f', time[1] * 1000000 + time[2])
  end
  redis.call('HSET', KEYS[3], ARGV[2], arrival .. ARGV[9])
  redis.call('ZADD', KEYS[4], 0, ARGV[4] .. '\\t' .. arrival .. '\\t' .. ARGV[2])
  if not member then
    redis.call('HSET', KEYS[2], ARGV[3], ARGV[8] .. '\\t' .. ARGV[9])
    add(KEYS[7], 'presenceUsers', 1)
    publish(KEYS[1], ARGV[1], ARGV[11], ARGV[12], ARGV[5], false)
    if isSettled(KEYS[6], ARGV[7]) then edge = size == 0 and 2 or 1 end
    if box and edge == 2 then
      begin(box, '1', 'channel_occupied', 'channel_vacated', box.fields .. '}', ${WANTS.occupation})
    end
    if box and edge > 0 then
      begin(box, '0', 'member_added', 'member_removed', box.fields .. ',"user_id":' .. ARGV[4] .. '}', ${WANTS.members})
    end
  elseif first(KEYS[4], ARGV[4]) == ARGV[2] then
    update(member, ARGV[9])
  end
end
local answer = {edge, redis.call('HGET', KEYS[1], 'position') or '0', arrival}
local members = redis.call('HVALS', KEYS[2])
for i = 1, #members do answer[i + 3] = members[i] end
return answer
`;

/**
 * Takes a connection out of a presence channel, and announces the user's leaving when it was the last.
 * KEYS position, members, sockets, arrivals, members of the node, settled, totals, counts, last event, those of `openOutbox`. ARGV topic, node/socket/user,
 * user id, user id as JSON, PUBLISH or SPUBLISH, entry of the node, milliseconds to settle, head and tail of the member_removed frame (around the user
 * id as JSON inside of a JSON string), those of `openOutbox`.
 * Answer: 2 when nobody is left, 1 when the user is gone, else 0, also in a partition that is not settled.
 */
export const LEAVE = `${PUBLISH}${FORGET}${SETTLED}${FIRST}${UPDATE}${ADD}${FACTS}
redis.call('SREM', KEYS[5], ARGV[6])
local known = redis.call('HGET', KEYS[3], ARGV[2])
if not known then return 0 end
local box = openOutbox(10, 10)
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[4] .. '\\t' .. string.sub(known, 1, 16) .. '\\t' .. ARGV[2])
local member = redis.call('HGET', KEYS[2], ARGV[3])
local heir = first(KEYS[4], ARGV[4])
if heir then
  local data = redis.call('HGET', KEYS[3], heir)
  if member and data then update(member, string.sub(data, 17)) end
  return 0
end
local edge = 0
if member then
  redis.call('HDEL', KEYS[2], ARGV[3])
  add(KEYS[7], 'presenceUsers', -1)
  -- The second string of the id, as it stands there. Inside of the first one no quotation mark follows a comma.
  local escaped = string.sub(member, string.find(member, '","', 1, true) + 3, string.find(member, '\\t', 1, true) - 3)
  publish(KEYS[1], ARGV[1], '${LAYOUT}\\t-' .. member, ARGV[8] .. escaped .. ARGV[9], ARGV[5], false)
  if isSettled(KEYS[6], ARGV[7]) then edge = redis.call('HLEN', KEYS[2]) == 0 and 2 or 1 end
  if box and edge > 0 then finish(box, '0', 'member_removed', box.fields .. ',"user_id":' .. ARGV[4] .. '}', ${WANTS.members}) end
  if box and edge == 2 then finish(box, '1', 'channel_vacated', box.fields .. '}', ${WANTS.occupation}) end
end
if box and redis.call('EXISTS', KEYS[2]) == 0 then forgetWants(box) end
-- Who joined and was gone before the subscription came about counted nowhere.
if redis.call('EXISTS', KEYS[3], KEYS[8]) == 0 then forget(KEYS[1], KEYS[9]) end
return edge
`;

/** KEYS position, members. Answer: {position, member, …}. */
export const MEMBERS = `
local answer = redis.call('HVALS', KEYS[2])
table.insert(answer, 1, redis.call('HGET', KEYS[1], 'position') or '0')
return answer
`;

/**
 * Notes a signed-in connection of a user, and announces the user when it is the first.
 * KEYS position, sockets, members of the node, settled, those of `openOutbox`. ARGV topic, node/socket/user, user id, entry of the node, milliseconds to
 * settle, header, frame, PUBLISH or SPUBLISH, 1 to announce, those of `openOutbox`.
 * Answer: 1 for the first connection, else 0, also in a partition that is not settled.
 */
export const SIGN_IN = `${PUBLISH}${SETTLED}${FACTS}
redis.call('SADD', KEYS[3], ARGV[4])
local box = openOutbox(5, 10)
local empty = redis.call('HLEN', KEYS[2]) == 0
if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) == 0 or not empty then return 0 end
if ARGV[9] == '1' then publish(KEYS[1], ARGV[1], ARGV[6], ARGV[7], ARGV[8], true) end
if not isSettled(KEYS[4], ARGV[5]) then return 0 end
if box then begin(box, '0', 'user_online', 'user_offline', box.fields .. '}', ${WANTS.users}) end
return 1
`;

/** The reverse of SIGN_IN, same KEYS and ARGV. Answer: 1 when it was the last connection, likewise. */
export const SIGN_OUT = `${PUBLISH}${SETTLED}${FACTS}
redis.call('SREM', KEYS[3], ARGV[4])
if redis.call('HDEL', KEYS[2], ARGV[2]) == 0 or redis.call('HLEN', KEYS[2]) > 0 then return 0 end
local box = openOutbox(5, 10)
if box then forgetWants(box) end
if ARGV[9] == '1' then publish(KEYS[1], ARGV[1], ARGV[6], ARGV[7], ARGV[8], true) end
if not isSettled(KEYS[4], ARGV[5]) then return 0 end
if box then finish(box, '0', 'user_offline', box.fields .. '}', ${WANTS.users}) end
return 1
`;

/**
 * Writes one node's number of subscriptions of a channel, and announces the sum.
 * KEYS position, counts, announced, last event, channels of the node, channels of the app, settled, totals, those of `openOutbox`. ARGV topic, node, count, 1
 * to announce, head and tail of the frame, PUBLISH or SPUBLISH, number of subscribers up to which each change is announced, interval above it in
 * milliseconds, 1 when the node itself says so (one that died may be cut off only, and look for its positions when it is back), app/channel, channel,
 * milliseconds to settle, those of `openOutbox`.
 * Answer: {sum, milliseconds after which to announce again or 0, 1 when the first subscription came or -1 when the last went, 1 when the channel was
 * told a new sum}; no 1 or -1 in a partition that is not settled.
 */
export const COUNT = `${PUBLISH}${FORGET}${SETTLED}${ADD}${FACTS}
local before = redis.call('EXISTS', KEYS[2])
if tonumber(ARGV[3]) > 0 then
  redis.call('SADD', KEYS[5], ARGV[11])
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
else
  redis.call('SREM', KEYS[5], ARGV[11])
  redis.call('HDEL', KEYS[2], ARGV[2])
end
local sum = 0
for _, count in ipairs(redis.call('HVALS', KEYS[2])) do sum = sum + tonumber(count) end
local edge = (sum > 0 and 1 or 0) - before
if edge ~= 0 and not isSettled(KEYS[7], ARGV[13]) then edge = 0 end
local box = openOutbox(9, 14)
if box and edge > 0 then begin(box, '1', 'channel_occupied', 'channel_vacated', box.fields .. '}', ${WANTS.occupation}) end
if box and edge < 0 then finish(box, '1', 'channel_vacated', box.fields .. '}', ${WANTS.occupation}) end
if box and sum == 0 then forgetWants(box) end
add(KEYS[8], 'subscriptions', sum - tonumber(redis.call('HGET', KEYS[6], ARGV[12]) or '0'))
if sum == 0 then
  redis.call('HDEL', KEYS[6], ARGV[12])
  redis.call('HDEL', KEYS[1], 'count')
  if ARGV[10] == '1' then forget(KEYS[1], KEYS[4]) end
  return {0, 0, edge, 0}
end
redis.call('HSET', KEYS[6], ARGV[12], sum)
remember(KEYS[1], ${POSITION_TTL_MS})
if ARGV[4] ~= '1' then return {sum, 0, edge, 0} end
if sum > tonumber(ARGV[8]) and not redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[9]) then
  return {sum, math.max(1, redis.call('PTTL', KEYS[3])), edge, 0}
end
publish(KEYS[1], ARGV[1], '${LAYOUT}\\tc', ARGV[5] .. sum .. ARGV[6], ARGV[7], false)
local isNews = redis.call('HGET', KEYS[1], 'count') ~= tostring(sum) and isSettled(KEYS[7], ARGV[13])
redis.call('HSET', KEYS[1], 'count', sum)
if box and isNews and bit.band(box.wants, ${WANTS.count}) ~= 0 then
  timeOf(box)
  append(box.outbox, box.app, '{"name":"subscription_count",' .. box.fields .. ',"subscription_count":' .. sum .. '}')
end
return {sum, 0, edge, isNews and 1 or 0}
`;

/**
 * What a node has in a partition. Whoever asks writes again what is missing; if the partition was lost, the time for that begins.
 * KEYS settled, members of the node, channels of the node. ARGV milliseconds to settle. Answer: {{entry, …}, {app/channel, …}}.
 */
export const RECALL = `${SETTLED}
isSettled(KEYS[1], ARGV[1])
return {redis.call('SMEMBERS', KEYS[2]), redis.call('SMEMBERS', KEYS[3])}
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
 * Answer: {1 when this node lives or 0 when it was declared dead, number of the others that live, claimed node…}, or {-1, the layout of the others (0: from before there were any)}.
 */
export const RENEW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local layout = redis.call('GET', KEYS[3])
local others = redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
local own = redis.call('ZSCORE', KEYS[1], ARGV[1])
if own and tonumber(own) > now then others = others - 1 end
if layout ~= ARGV[5] and others > 0 then return {-1, layout or '0'} end
redis.call('SET', KEYS[3], ARGV[5], 'PX', 2 * ARGV[2])
local alive = 1
if ARGV[4] ~= '1' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then alive = 0 end
if alive == 1 then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
local answer = {alive, others}
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
 * Gives a channel back its last event, or the last one of a name, unless Redis has this or a later one.
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
