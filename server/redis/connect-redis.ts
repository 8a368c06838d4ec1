import { randomBytes } from 'node:crypto';
import type { Redis, RedisOptions } from 'ioredis';
import { hostPort } from '../client-address.ts';
import { maskSecrets } from '../config/mask.ts';
import type { Logger } from '../log.ts';
import { createRedisLink } from './create-link.ts';
import { messageOf, notYet, type ProbeTarget, probe } from './probe.ts';
import type { RedisLink } from './redis-link.ts';
import {
  clientOptions,
  type HostAndPort,
  isRedisCluster,
  nodeOptions,
  type RedisPart,
  type RedisSettings,
  RedisStartError,
  redisPrefix,
  sentinelOptions,
  startupNodes,
} from './redis-options.ts';

/** How long the start waits for a Redis that is not there yet, in milliseconds. */
const WAIT_MS = 10_000;
/** The link repeats what was just tried, so this is ample. */
const LINK_MS = 5000;

/**
 * Connects to Redis, and checks that all parts of the connection work, so that problems show now and are named.
 *
 * @throws {RedisStartError}
 */
export async function connectRedis(settings: RedisSettings, log: Logger, waitMs = WAIT_MS): Promise<RedisLink> {
  const deadline = performance.now() + waitMs;
  let isSaid = false;
  const onWaiting = (reason: string): void => {
    if (!isSaid) log.warn({ reason, seconds: waitMs / 1000 }, 'waiting for Redis');
    isSaid = true;
  };
  const label = await tryServers(settings, deadline, onWaiting);
  const link = createRedisLink(settings);
  try {
    await whenUp(link, label);
    await selfTest(link, redisPrefix(settings), label);
  } catch (error) {
    link.close();
    throw error;
  }
  return link;
}

/** @returns how people are told which Redis it is */
function tryServers(settings: RedisSettings, deadline: number, onWaiting: (reason: string) => void): Promise<string> {
  if (isRedisCluster(settings)) return tryCluster(settings, deadline, onWaiting);
  const options = clientOptions(settings, 'commands');
  if (settings.database.redis.sentinels.length > 0) return trySentinels(settings, options, deadline, onWaiting);
  return tryOne(options, 'Redis', ADVICE, deadline, onWaiting, refuseCluster);
}

/** Some keys would do and others would not. */
async function refuseCluster(client: Redis, { label }: ProbeTarget): Promise<void> {
  if (!/^redis_mode:cluster/m.test(await readInfo(client))) return;
  throw new RedisStartError('cluster', `${label}: is a node of a Redis Cluster. Set adapter.redis.clusterMode.`);
}

const ADVICE =
  'Start Redis, or set database.redis.host and database.redis.port (SOKETI_DB_REDIS_HOST, SOKETI_DB_REDIS_PORT).';

async function tryOne(
  options: RedisOptions,
  name: string,
  advice: string,
  deadline: number,
  onWaiting: (reason: string) => void,
  check: (client: Redis, target: ProbeTarget) => Promise<void> = async () => {},
): Promise<string> {
  const target = { label: `${name} at ${showAddress(options)}`, options, advice };
  await probe(target, deadline, (client) => check(client, target), onWaiting);
  return target.label;
}

async function trySentinels(
  settings: RedisSettings,
  options: RedisOptions,
  deadline: number,
  onWaiting: (reason: string) => void,
): Promise<string> {
  const { name } = settings.database.redis;
  const targets = sentinelOptions(settings).map((sentinel) => targetOf('Sentinel', sentinel));
  const master = await tryAny('Sentinel', targets, deadline, onWaiting, async (client, { label }) => {
    const answer: unknown = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
    if (!Array.isArray(answer)) {
      const advice = 'Set database.redis.name (SOKETI_DB_REDIS_INSTANCE_NAME) to the name in "sentinel monitor".';
      throw new RedisStartError('Sentinel', `${label}: knows no master named ${JSON.stringify(name)}. ${advice}`);
    }
    return { host: String(answer[0]), port: Number(answer[1]) };
  });
  const { host, port } = mapAddress(options, master);
  const advice = `The Sentinels name it as the master ${JSON.stringify(name)}: it must be reachable from here.`;
  return tryOne({ ...options, host, port }, 'Redis', advice, deadline, onWaiting);
}

async function tryCluster(
  settings: RedisSettings,
  deadline: number,
  onWaiting: (reason: string) => void,
): Promise<string> {
  const options = nodeOptions(settings, 'topics');
  const targets = startupNodes(settings).map((node) => targetOf('Redis Cluster', { ...options, ...node }));
  const { label, masters } = await tryAny('cluster', targets, deadline, onWaiting, tryClusterNode);
  for (const master of masters) {
    const { host, port } = mapAddress(clientOptions(settings, 'commands'), master);
    const advice =
      'It is a master of the cluster, and must be reachable from here by the address that the cluster tells.';
    await tryOne({ ...options, host, port }, 'Redis Cluster', advice, deadline, onWaiting);
  }
  return label;
}

async function tryClusterNode(
  client: Redis,
  { label }: ProbeTarget,
): Promise<{ label: string; masters: HostAndPort[] }> {
  const info = await client.cluster('INFO').catch((error: unknown) => {
    const advice = 'Unset adapter.redis.clusterMode and database.redis.clusterNodes if it is a single server.';
    throw new RedisStartError('cluster', `${label}: is no Redis Cluster (${messageOf(error)}). ${advice}`);
  });
  const version = /^redis_version:(\S+)/m.exec(await readInfo(client))?.[1];
  if (version !== undefined && Number.parseInt(version, 10) < 7) {
    const advice = 'Sharded pub/sub needs 7.0 or later.';
    throw new RedisStartError('cluster', `${label}: is Redis ${version}. ${advice}`);
  }
  if (!String(info).includes('cluster_state:ok')) throw notYet('the cluster is not in order (cluster_state:fail)');
  const slots = await client.cluster('SLOTS');
  const masters = new Map<string, HostAndPort>();
  for (const [, , master] of slots) {
    if (master?.[0]) masters.set(`${master[0]}:${master[1]}`, { host: master[0], port: master[1] });
  }
  return { label, masters: [...masters.values()] };
}

/** Empty where INFO is not allowed. */
function readInfo(client: Redis): Promise<string> {
  return client.info('server').catch(() => '');
}

/** Asks the first of several servers that can be asked; one that is down is no reason not to start. */
async function tryAny<T>(
  part: 'Sentinel' | 'cluster',
  targets: readonly ProbeTarget[],
  deadline: number,
  onWaiting: (reason: string) => void,
  ask: (client: Redis, target: ProbeTarget) => Promise<T>,
): Promise<T> {
  for (;;) {
    const failures: RedisStartError[] = [];
    for (const target of targets) {
      try {
        return await probe(target, 0, (client) => ask(client, target));
      } catch (error) {
        if (!(error instanceof RedisStartError)) throw error;
        failures.push(error);
      }
    }
    const definite = failures.find((failure) => failure.part !== 'address');
    if (definite) throw definite;
    const reasons = failures.map(({ message }) => message).join(' ');
    if (performance.now() > deadline) throw new RedisStartError(part, reasons);
    onWaiting(reasons);
    await pause(200);
  }
}

function targetOf(name: string, options: RedisOptions): ProbeTarget {
  const setting = name === 'Sentinel' ? 'sentinels' : 'clusterNodes';
  const advice = `Start it, or correct database.redis.${setting}.`;
  return { label: `${name} at ${showAddress(options)}`, options, advice };
}

/** The address by which a server that others tell of is reached from here. */
function mapAddress({ natMap }: RedisOptions, { host, port }: HostAndPort): HostAndPort {
  if (typeof natMap !== 'object') return { host, port };
  return natMap[`${host}:${port}`] ?? { host, port };
}

function showAddress({ host = '127.0.0.1', port = 6379, path }: RedisOptions): string {
  return path ?? hostPort(maskSecrets(host), port);
}

async function whenUp(link: RedisLink, label: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new RedisStartError('connection', `${label}: ${link.problem ?? 'no connection in time'}.`));
    }, LINK_MS);
  });
  try {
    await Promise.race([link.whenUp(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

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
async function selfTest(link: RedisLink, prefix: string, label: string): Promise<void> {
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
