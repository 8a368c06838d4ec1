import type { AppTotals } from '../../channels/channel-store.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Revocation } from '../../channels/revocations.ts';
import { revoke } from '../../channels/revoke.ts';
import { reconnectUser, terminateUser } from '../../channels/user-connections.ts';
import type { ConsoleOperations } from '../console/console-node.ts';
import type { Readiness } from '../http/health.ts';
import type { Snapshot } from '../metrics/collection.ts';
import type { Server } from '../server.ts';
import type { WebhookOperations } from '../webhooks/operations.ts';

/** What an app has open over all nodes. */
export interface AppUsage extends AppTotals {
  /** Those that count in its `maxConnections`. */
  readonly connections: number;
}

/**
 * The nodes, reached through one of them. Whatever is asked may reject with `SeamUnavailable`. Arguments and answers are plain
 * JSON: there may be a process in between.
 */
export interface Fleet extends WebhookOperations, ConsoleOperations {
  /** Has all nodes look again at these apps; null: at all of them. */
  announceApps(ids: readonly string[] | null): MaybePromise<void>;
  revoke(revocation: Omit<Revocation, 'atMs'>): MaybePromise<void>;
  /** Connections that are signed in as a user. */
  userConnections(appId: string, userId: string): MaybePromise<number>;
  terminateUser(appId: string, userId: string): MaybePromise<void>;
  reconnectUser(appId: string, userId: string): MaybePromise<void>;
  usage(appId: string): MaybePromise<AppUsage>;
  /** Of one of the nodes here, with addresses and errors. */
  readiness(): MaybePromise<Readiness>;
  /** What the processes here have counted; empty where nothing is counted. */
  metrics(): MaybePromise<readonly Snapshot[]>;
}

/** The fleet as a node of this process reaches it. */
export function nodeFleet({
  node,
  readiness,
  webhooks,
  metrics,
  operators,
}: Pick<Server, 'node' | 'readiness' | 'webhooks' | 'metrics' | 'operators'>): Fleet {
  return {
    ...webhooks,
    ...operators,
    readiness,
    metrics() {
      const snapshot = metrics();
      return snapshot ? [snapshot] : [];
    },
    announceApps: (ids) => node.nodesChannel.announceApps(ids ?? undefined),
    revoke: (revocation) => revoke(node, revocation),
    userConnections: (appId, userId) => node.store.userConnectionCount(appId, userId),
    terminateUser: (appId, userId) => terminateUser(node, appId, userId),
    reconnectUser: (appId, userId) => reconnectUser(node, appId, userId),
    usage: (appId) =>
      after(node.store.connectionCount(appId), (connections) =>
        after(node.store.totals(appId), (totals) => ({ connections, ...totals })),
      ),
  };
}
