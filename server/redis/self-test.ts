import { randomBytes } from 'node:crypto';
import { messageOf } from './probe.ts';
import type { RedisLink } from './redis-link.ts';
import { type RedisPart, RedisStartError } from './redis-start-error.ts';

const MESSAGE_MS = 3000;
const KEY_TTL_MS = 10_000;

/** What the scripts of the seams do, in small. KEYS key. ARGV PUBLISH or SPUBLISH, topic, message. */
const SCRIPT = `
redis.call('TIME')
redis.call('HINCRBY', KEYS[1], 'count', 1)
redis.call('PEXPIRE', KEYS[1], ${KEY_TTL_MS})
if ARGV[1] then redis.call(ARGV[1], ARGV[2], ARGV[3]) end
return 1
`;

/**
 * Does once what Kulkul needs of Redis: writes a key, runs a script, and gets a message that a script published.
 *
 * @param prefix - the operator's, as rights may be bound to it
 * @param label - how people are told which Redis: `Redis at 127.0.0.1:6379`
 * @throws {RedisStartError} naming the part that failed
 */
export async function selfTest(link: RedisLink, prefix: string, label: string): Promise<void> {
  // One slot of a cluster for both.
  const topic = `${prefix}kulkul:{self-test/${randomBytes(6).toString('hex')}}`;
  const key = `${topic}:key`;
  const step = async (part: RedisPart, what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const message = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
      throw new RedisStartError(part, `${label}: ${what} fails (${message}). ${advise(part, message, prefix)}`);
    }
  };
  const run = (...args: string[]) => link.commands.do((client) => client.eval(SCRIPT, 1, key, ...args));

  await step('writing', 'writing a key', () => link.commands.do((client) => client.hset(key, 'count', 0)));
  await step('scripts', 'running a script', () => run());
  await step('pub/sub', 'subscribing to a topic', () => link.subscribe(topic));
  await step('pub/sub', 'publishing on a topic', async () => {
    const arrival = nextMessage(link, topic);
    try {
      await run(link.publishCommand, topic, 'hello');
      await arrival.come;
    } finally {
      arrival.cancel();
    }
  });
  await step('pub/sub', 'asking on the connection for topics', () => link.barrier());
  await step('pub/sub', 'unsubscribing from a topic', () => link.unsubscribe(topic));
  await step('writing', 'deleting a key', () => link.commands.do((client) => client.del(key)));
}

function nextMessage(link: RedisLink, topic: string): { come: Promise<void>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const come = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the message did not come')), MESSAGE_MS);
    link.onMessage((name) => {
      if (name === topic) resolve();
    });
  });
  // If publishing itself fails, nobody awaits this promise.
  come.catch(() => {});
  const cancel = (): void => {
    clearTimeout(timer);
    link.onMessage(() => {});
  };
  return { come, cancel };
}

function advise(part: RedisPart, message: string, prefix: string): string {
  if (message.includes('READONLY')) return 'This is a replica: connect to the master, or set database.redis.sentinels.';
  if (message.startsWith('MISCONF') || message.startsWith('OOM'))
    return 'Redis cannot store anything at present: see its log.';
  if (message.includes('unknown command')) return 'The command is switched off in Redis: allow it.';
  if (message.includes("script can't run this command")) return 'Allow the user the command TIME too: ACL rule +time.';
  if (!/NOPERM|permission/i.test(message)) return 'See the log of Redis.';
  switch (part) {
    case 'scripts':
      return 'Allow the user scripts: ACL rule +@scripting.';
    case 'pub/sub':
      return `Allow the user topics: ACL rules +@pubsub &${prefix}kulkul:*.`;
    default:
      return `Allow the user keys: ACL rules +@write +@read ~${prefix}kulkul:*.`;
  }
}
