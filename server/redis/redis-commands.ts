import { Cluster, type Redis } from 'ioredis';
import { SeamUnavailable } from '../../channels/broker.ts';
import {
  ADD_CONNECTION,
  COUNT,
  JOIN,
  LEAVE,
  MEMBERS,
  PUBLISH_FRAME,
  RAISE_POSITION,
  RENEW,
  RESTORE_EVENT,
  SHARE_RATES,
  SIGN_IN,
  SIGN_OUT,
} from './scripts.ts';

/** The scripts by name, with their number of keys. */
const SCRIPTS = {
  publish: [PUBLISH_FRAME, 2],
  join: [JOIN, 4],
  leave: [LEAVE, 4],
  members: [MEMBERS, 2],
  addConnection: [ADD_CONNECTION, 1],
  signIn: [SIGN_IN, 2],
  signOut: [SIGN_OUT, 2],
  count: [COUNT, 3],
  renew: [RENEW, 3],
  raisePosition: [RAISE_POSITION, 1],
  restoreEvent: [RESTORE_EVENT, 1],
  shareRates: [SHARE_RATES, 1],
} as const;

export type ScriptName = keyof typeof SCRIPTS;

type Run = (...args: (string | number)[]) => Promise<unknown>;

/** Redis can't be asked now. Nothing is known of what became of a command that was on its way. */
export class RedisUnavailable extends SeamUnavailable {
  override readonly name = 'RedisUnavailable';
  /** Whether the same command can succeed later: the connection is gone, or Redis is busy with itself. */
  readonly isPassing: boolean;

  constructor(cause: unknown) {
    const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
    super(name === 'ReplyError' ? `Redis refuses (${message})` : `Redis can't be reached (${message})`, { cause });
    this.isPassing = name !== 'ReplyError' || PASSING.test(message);
  }
}

/** How Redis begins the errors that pass by themselves. */
const PASSING = /^(LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS)\b/;

/** Commands and scripts on one connection. Any failure of the connection is a `RedisUnavailable`. */
export class RedisCommands {
  readonly client: Redis | Cluster;

  constructor(client: Redis | Cluster) {
    this.client = client;
    for (const [name, [lua, numberOfKeys]] of Object.entries(SCRIPTS)) {
      client.defineCommand(`kulkul_${name}`, { lua, numberOfKeys });
    }
    if (client instanceof Cluster) client.on('+node', (node: Redis) => node.on('ready', () => loadScripts(node)));
    else client.on('ready', () => loadScripts(client));
  }

  /** Runs a script; the client loads it into Redis where it is missing. */
  async run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const scripts = this.client as unknown as Readonly<Record<string, Run>>;
    const run = scripts[`kulkul_${name}`];
    if (!run) throw new Error(`script ${name} is not defined`);
    return this.#guard(() => run.call(this.client, ...keys, ...args));
  }

  async do<T>(command: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    return this.#guard(() => command(this.client));
  }

  async #guard<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw new RedisUnavailable(error);
    }
  }
}

/**
 * Hands a server the scripts before anything else. A call of a script that is not there is sent again, and a later one would
 * overtake it.
 */
function loadScripts(client: Redis): void {
  for (const [lua] of Object.values(SCRIPTS)) {
    // Where loading is not allowed, calling with the whole text still works.
    client.script('LOAD', lua).catch(() => {});
  }
}
