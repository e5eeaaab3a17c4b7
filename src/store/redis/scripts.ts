import { createHash } from 'node:crypto';
import type { Script } from './link.js';

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * Puts the devices of an AOR unless somebody else has since the version that is named ('' for any). Keys: devices, holders. Arguments:
 * version, devices ('' for none), epoch milliseconds at which all of it has run out ('' for never). Gives 1, the new version, whether
 * there were devices before, and the nodes that hold calls for the AOR; or 0 and what is there. Versions are microseconds, so that they
 * also grow over a Redis that lost its data.
 */
export const PUT_DEVICES = script(`
local there = redis.call('GET', KEYS[1])
local version = there and tonumber(string.match(there, '^%d+')) or 0
if ARGV[1] ~= '' and version ~= tonumber(ARGV[1]) then return {0, there or ''} end
local now = redis.call('TIME')
local following = math.max(version + 1, now[1] * 1000000 + now[2])
local text = string.format('%.0f', following)
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  text = '0'
elseif ARGV[3] == '' then
  redis.call('SET', KEYS[1], text .. ' ' .. ARGV[2])
else
  redis.call('SET', KEYS[1], text .. ' ' .. ARGV[2], 'PXAT', ARGV[3])
end
return {1, text, there and 1 or 0, redis.call('HVALS', KEYS[2])}
`);

/** Puts a shared value if it has the version that is named. Key: the hash. Arguments: value, version. Gives version and value then. */
export const PUT_SHARED = script(`
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version == tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'value', ARGV[1], 'version', version + 1)
end
return redis.call('HMGET', KEYS[1], 'version', 'value')
`);

/** Puts an entry. Keys: values, order. Arguments: name, value. */
export const PUT_ENTRY = script(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('ZADD', KEYS[2], 0, ARGV[1])
`);

/** Removes an entry. Keys: values, order. Argument: name. Gives how many are left. */
export const REMOVE_ENTRY = script(`
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('ZCARD', KEYS[2])
`);

/** The first entries behind a name. Keys: values, order. Arguments: name ('' for the start), how many. */
export const ENTRIES = script(`
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local names = redis.call('ZRANGE', KEYS[2], from, '+', 'BYLEX', 'LIMIT', 0, ARGV[2])
local found = {}
for _, name in ipairs(names) do
  local value = redis.call('HGET', KEYS[1], name)
  if value then
    found[#found + 1] = name
    found[#found + 1] = value
  end
end
return found
`);

/**
 * Claims a call for a node. Keys: holders, calls. Arguments: call UUID, node, the holder that may be replaced ('' for none), milliseconds
 * that the claim is kept. Gives who has it then, and all that the journal has of the AOR's calls.
 */
export const CLAIM = script(`
local holder = redis.call('HGET', KEYS[1], ARGV[1])
if not holder or holder == ARGV[3] then
  holder = ARGV[2]
  redis.call('HSET', KEYS[1], ARGV[1], holder)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return {holder, redis.call('HGETALL', KEYS[2])}
`);

/** Gives a claim up. Key: holders. Arguments: call UUID, node. */
export const RELEASE = script(`
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
`);

/** Takes a node's sign of life away if it is still this one. Key: the node. Argument: the sign. Gives 1 if it was. */
export const END_NODE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

/**
 * Takes one of a budget that fills up evenly. Key: the budget. Arguments: how much it holds, milliseconds in which as much comes back.
 * Gives 1, or 0 when nothing is left. By the clock of Redis, the same for all nodes.
 */
export const TAKE = script(`
local count, per = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left, at = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%S+)$')
left = math.min(count, (tonumber(left) or count) + math.max(0, now - (tonumber(at) or now)) * count / per)
local may = left >= 1 and 1 or 0
redis.call('SET', KEYS[1], string.format('%.3f %.0f', left - may, now), 'PX', per)
return may
`);
