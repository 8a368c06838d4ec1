import type { Broker, BrokerMessage } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { Edge } from '../../channels/edge.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { Outbox } from '../../channels/outbox.ts';
import type { RateUse } from '../../channels/rate-limits.ts';
import type { WebhookFilter } from '../../protocol/webhook.ts';
import type { Fleet } from '../admin/fleet.ts';
import type { Settings } from '../config/index.ts';
import type { Parting } from '../server.ts';
import type { ProcessUsage, Usage } from '../usage.ts';
import type { Batch, How } from './calls.ts';

/**
 * Version of all that the main process and its workers say to each other. To be raised with any change that the other side would misread: a worker that is
 * replaced is started from what is installed then, which may be another version than the one that runs.
 */
export const WORKER_LAYOUT = 5;

/** The first message to a worker: what it has to know to start. `kind` and `layout` are the same in all versions. */
export interface WorkerStart {
  readonly kind: 'start';
  readonly layout: number;
  readonly worker: number;
  /** With the apps as they are configured: their keys for tokens don't survive the way. */
  readonly settings: Settings;
  /** False while the broker starts, true when this worker stands in for one that died. */
  readonly areStarted: boolean;
  /** Whether what is logged ends up on a terminal. */
  readonly isTerminal: boolean;
}

/** What came of the start. The same in all versions. */
export type WorkerStarted =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string; readonly stack: string | undefined };

/** From the main process to a worker. */
export type ToWorker = WorkerStart | Batch;

/** From a worker to the main process. */
export type ToHost = WorkerStarted | Batch;

export function isBatch(message: object): message is Batch {
  return Array.isArray(message);
}

export const STORE_CALLS = {
  occupy: 'ask',
  setSubscriptionCount: 'tell',
  announceSubscriptionCount: 'tell',
  summary: 'ask',
  occupied: 'ask',
  totals: 'ask',
  join: 'ask',
  leave: 'ask',
  members: 'ask',
  signIn: 'ask',
  signOut: 'ask',
  online: 'ask',
  userConnectionCount: 'ask',
  addConnection: 'ask',
  removeConnection: 'tell',
  connectionCount: 'ask',
  nodeCount: 'ask',
  revoke: 'ask',
  revocations: 'ask',
} as const satisfies Record<keyof Omit<ChannelStore, 'close'>, How>;

/** The outbox as workers call it: what they say is JSON. */
export interface OutboxMethods extends Omit<Outbox, 'work' | 'deadLetterCounts' | 'close'> {
  /** Has this worker work on entries when it is the one that is there for longest. */
  work(): void;
  deadLetterCounts(appId: string): MaybePromise<readonly (readonly [webhookId: string, count: number])[]>;
}

export const OUTBOX_CALLS = {
  append: 'ask',
  appendMiss: 'ask',
  work: 'tell',
  claim: 'ask',
  release: 'ask',
  conclude: 'ask',
  read: 'ask',
  noteTold: 'ask',
  remove: 'ask',
  bury: 'ask',
  deadLetters: 'ask',
  deadLetterCounts: 'ask',
  exhume: 'ask',
  report: 'ask',
  states: 'ask',
} as const satisfies Record<keyof OutboxMethods, How>;

/** What a worker calls in the main process. */
export interface HostMethods extends Pick<ChannelStore, keyof typeof STORE_CALLS>, OutboxMethods {
  subscribe(appId: string, channel: string): MaybePromise<number | undefined>;
  unsubscribe(appId: string, channel: string): void;
  publish(message: BrokerMessage): void;
  /** `publish`, for what is kept: answered when it is there for whoever asks next, on any worker. */
  publishKept(message: BrokerMessage): void;
  publishCounted: Broker['publishCounted'];
  lastEvent: Broker['lastEvent'];
  /** Has this worker report edges from now on, if it is the one that is there for longest. */
  listenToEdges(): void;
  /** What the webhooks of an app are for. Told before facts that they may want, and when it has changed. */
  noteWebhooks(appId: string, filters: readonly WebhookFilter[]): void;
  /** Of all processes, now. */
  usage(): MaybePromise<Usage>;
  /** What passed the rate limits here counts on the other workers too. */
  shareRates(uses: readonly RateUse[]): void;
}

export const HOST_CALLS = {
  ...STORE_CALLS,
  ...OUTBOX_CALLS,
  subscribe: 'ask',
  unsubscribe: 'tell',
  publish: 'tell',
  publishKept: 'ask',
  publishCounted: 'ask',
  lastEvent: 'ask',
  listenToEdges: 'tell',
  noteWebhooks: 'tell',
  usage: 'ask',
  shareRates: 'tell',
} as const satisfies Record<keyof HostMethods, How>;

export const FLEET_CALLS = {
  announceApps: 'ask',
  revoke: 'ask',
  userConnections: 'ask',
  terminateUser: 'ask',
  reconnectUser: 'ask',
  usage: 'ask',
  readiness: 'ask',
  metrics: 'ask',
  webhooks: 'ask',
  deadLetters: 'ask',
  deadLetter: 'ask',
  replayDeadLetters: 'ask',
  discardDeadLetters: 'ask',
  testWebhook: 'ask',
  nodes: 'ask',
  look: 'ask',
  stopLooking: 'ask',
  noteChange: 'ask',
  channelPage: 'ask',
  channelDetail: 'ask',
  connectionPage: 'ask',
  connectionDetail: 'ask',
  publishEvent: 'ask',
  disconnectSocket: 'ask',
  unsubscribeSocket: 'ask',
} as const satisfies Record<keyof Fleet, How>;

/** What the main process calls in a worker. */
export interface WorkerMethods extends Fleet {
  deliver(message: BrokerMessage): void;
  /** Likewise. Answers how many connections received it. */
  deliverCounted(message: BrokerMessage): number;
  /** What changed over all workers, for this one to report. */
  reportEdge(edge: Edge): void;
  /** There may be something to read in the outbox. */
  wakeOutbox(): void;
  /** Asked once a second at least; a worker that does not answer any more is ended. */
  processUsage(): ProcessUsage;
  status(areStarted: boolean, usage: Usage): void;
  /** What passed on other workers. */
  takeRates(uses: readonly RateUse[]): void;
  /** Other apps, and limits that they fall back to, in place of those known so far. */
  replaceApps(settings: Settings): void;
  /** Apps that are kept elsewhere may be different now. */
  refreshApps(): void;
  /** @param hasClients - whether any worker has a connection */
  stopListening(parting: { readonly how: Parting | undefined; readonly hasClients: boolean }): MaybePromise<void>;
  /** Parts from all clients. */
  part(parting: { readonly how: Parting | undefined }): MaybePromise<void>;
  end(): void;
}

export const WORKER_CALLS = {
  ...FLEET_CALLS,
  deliver: 'tell',
  deliverCounted: 'ask',
  reportEdge: 'tell',
  wakeOutbox: 'tell',
  processUsage: 'ask',
  status: 'tell',
  takeRates: 'tell',
  replaceApps: 'tell',
  refreshApps: 'tell',
  stopListening: 'ask',
  part: 'ask',
  end: 'tell',
} as const satisfies Record<keyof WorkerMethods, How>;
