import { Cluster, type Redis } from 'ioredis';
import { SeamUnavailable } from '../../channels/broker.ts';
import { maskSecrets } from '../config/mask.ts';
import {
  APPEND,
  BURY,
  CLAIM_PARTITION,
  EXHUME,
  NOTE_TOLD,
  READ_OUTBOX,
  READ_STATES,
  RELEASE_PARTITION,
  REPORT_STATES,
  SHARE_OUTBOX,
} from './outbox-scripts.ts';
import {
  ADD_CONNECTION,
  COUNT,
  JOIN,
  LEAVE,
  MEMBERS,
  PUBLISH_FRAME,
  RAISE_POSITION,
  RECALL,
  RENEW,
  RESTORE_EVENT,
  SHARE_RATES,
  SIGN_IN,
  SIGN_OUT,
} from './scripts.ts';

const SCRIPTS = {
  publish: PUBLISH_FRAME,
  join: JOIN,
  leave: LEAVE,
  members: MEMBERS,
  addConnection: ADD_CONNECTION,
  signIn: SIGN_IN,
  signOut: SIGN_OUT,
  count: COUNT,
  recall: RECALL,
  renew: RENEW,
  raisePosition: RAISE_POSITION,
  restoreEvent: RESTORE_EVENT,
  shareRates: SHARE_RATES,
  append: APPEND,
  readOutbox: READ_OUTBOX,
  noteTold: NOTE_TOLD,
  shareOutbox: SHARE_OUTBOX,
  claimPartition: CLAIM_PARTITION,
  releasePartition: RELEASE_PARTITION,
  bury: BURY,
  exhume: EXHUME,
  reportStates: REPORT_STATES,
  readStates: READ_STATES,
} as const;

export type ScriptName = keyof typeof SCRIPTS;

type Run = (...args: (string | number)[]) => Promise<unknown>;

/** Redis can't be asked now. Nothing is known of what became of a command that was on its way. */
export class RedisUnavailable extends SeamUnavailable {
  override readonly name = 'RedisUnavailable';
  /** Whether the same command can succeed later: the connection is gone, or Redis is busy with itself. */
  readonly isPassing: boolean;

  constructor(cause: unknown) {
    const { name, message: text } = cause instanceof Error ? cause : new Error(String(cause));
    const message = maskSecrets(text);
    super(name === 'ReplyError' ? `Redis refuses (${message})` : `Redis can't be reached (${message})`, { cause });
    this.isPassing = name !== 'ReplyError' || PASSING.test(message);
  }

  /** Without the cause, which holds addresses. */
  override get told(): string {
    return this.message.replace(/ \(.*$/s, '');
  }
}

/** How Redis begins the errors that pass by themselves. */
const PASSING = /^(LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS)\b/;

/** Redis answers, and takes nothing: it has no memory left, is a replica, or can't save what it is told. Of a script with more before it. */
const REFUSES_WRITES = /\b(OOM|READONLY|MISCONF|NOREPLICAS)\b/;

/** Commands and scripts on one connection. Any failure of the connection is a `RedisUnavailable`. */
export class RedisCommands {
  readonly client: Redis | Cluster;
  #refusal: string | undefined;
  #refusals = 0;
  #onRefusal = (_reason: string | undefined): void => {};

  constructor(client: Redis | Cluster) {
    this.client = client;
    for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(`kulkul_${name}`, { lua });
    if (client instanceof Cluster) client.on('+node', (node: Redis) => node.on('ready', () => loadScripts(node)));
    else client.on('ready', () => loadScripts(client));
  }

  /** Runs a script; the client loads it into Redis where it is missing. */
  async run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const scripts = this.client as unknown as Readonly<Record<string, Run>>;
    const run = scripts[`kulkul_${name}`];
    if (!run) throw new Error(`script ${name} is not defined`);
    const refusals = this.#refusals;
    const answer = await this.#guard(() => run.call(this.client, keys.length, ...keys, ...args));
    // It always writes, unlike others, which may find nothing to do, or only delete.
    if (name === 'renew' && this.#refusals === refusals) this.#noteRefusal(undefined);
    return answer;
  }

  /** Why Redis currently refuses writes; undefined if it accepts them. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** @param handler - told when Redis begins to refuse writes, and with undefined when it takes them again */
  onRefusal(handler: (reason: string | undefined) => void): void {
    this.#onRefusal = handler;
  }

  async do<T>(command: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    return this.#guard(() => command(this.client));
  }

  async #guard<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      const unavailable = new RedisUnavailable(error);
      if (REFUSES_WRITES.test(unavailable.message)) {
        this.#refusals += 1;
        this.#noteRefusal(unavailable.message);
      }
      throw unavailable;
    }
  }

  #noteRefusal(reason: string | undefined): void {
    const isNews = (reason === undefined) !== (this.#refusal === undefined);
    this.#refusal = reason;
    if (isNews) this.#onRefusal(reason);
  }
}

/**
 * Hands a server the scripts before anything else. A call of a script that is not there is sent again, and a later one would
 * overtake it.
 */
function loadScripts(client: Redis): void {
  for (const lua of Object.values(SCRIPTS)) {
    // Where loading is not allowed, calling with the whole text still works.
    client.script('LOAD', lua).catch(() => {});
  }
}
