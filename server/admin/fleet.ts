import type { AppTotals } from '../../channels/channel-store.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import type { Revocation } from '../../channels/revocations.ts';
import { revoke } from '../../channels/revoke.ts';
import { terminateUser } from '../../channels/sign-in.ts';
import type { Readiness } from '../http/health.ts';

/** What an app has open over all nodes. */
export interface AppUsage extends AppTotals {
  /** Those that count in its `maxConnections`. */
  readonly connections: number;
}

/**
 * The nodes, reached through one of them. Whatever is asked may reject with `SeamUnavailable`. Arguments and answers are plain
 * JSON: there may be a process in between.
 */
export interface Fleet {
  /** Has all nodes look again at these apps; null: at all of them. */
  announceApps(ids: readonly string[] | null): MaybePromise<void>;
  revoke(revocation: Omit<Revocation, 'atMs'>): MaybePromise<void>;
  terminateUser(appId: string, userId: string): MaybePromise<void>;
  usage(appId: string): MaybePromise<AppUsage>;
  /** Of one of the nodes here, with addresses and errors. */
  readiness(): MaybePromise<Readiness>;
}

/** The fleet as a node of this process reaches it. */
export class NodeFleet implements Fleet {
  readonly #node: Node;
  readonly #readiness: () => Readiness;

  /** @param readiness - of the node, for its operator */
  constructor(node: Node, readiness: () => Readiness) {
    this.#node = node;
    this.#readiness = readiness;
  }

  readiness(): Readiness {
    return this.#readiness();
  }

  announceApps(ids: readonly string[] | null): MaybePromise<void> {
    return this.#node.nodesChannel.announceApps(ids ?? undefined);
  }

  revoke(revocation: Omit<Revocation, 'atMs'>): MaybePromise<void> {
    return revoke(this.#node, revocation);
  }

  terminateUser(appId: string, userId: string): MaybePromise<void> {
    return terminateUser(this.#node, appId, userId);
  }

  usage(appId: string): MaybePromise<AppUsage> {
    const { store } = this.#node;
    return after(store.connectionCount(appId), (connections) =>
      after(store.totals(appId), (totals) => ({ connections, ...totals })),
    );
  }
}
