import { isJsonObject, parseJson } from '../protocol/json.ts';
import type { BrokerMessage } from './broker.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { isRevocation, type Revocation, Revocations } from './revocations.ts';
import { applyRevocation } from './revoke.ts';

/** The channel that every node listens to. It belongs to no app, and no client can name it. */
export const NODES_APP = '';
export const NODES_CHANNEL = '#nodes';

/** Whether a channel is the one that every node listens to. */
export function isNodesChannel(appId: string, channel: string): boolean {
  return channel === NODES_CHANNEL && appId === NODES_APP;
}

/** What nodes tell each other, whatever apps they serve: rare, and never an event. */
export type NodesMessage =
  | { readonly kind: 'revoked'; readonly revocation: Revocation }
  /** Look again at these apps; null: at all. */
  | { readonly kind: 'apps-changed'; readonly ids: readonly string[] | null };

export function createNodesMessage(message: NodesMessage): BrokerMessage {
  return { appId: NODES_APP, channel: NODES_CHANNEL, frame: JSON.stringify(message) };
}

/** @returns undefined for anything else: what comes from Redis may have been put there by anybody */
export function parseNodesMessage(frame: string): NodesMessage | undefined {
  const message = parseJson(frame);
  if (!isJsonObject(message)) return undefined;
  const { kind, ids, revocation } = message;
  if (kind === 'revoked') return isRevocation(revocation) ? { kind, revocation } : undefined;
  if (kind !== 'apps-changed') return undefined;
  if (ids === null) return { kind, ids };
  return isTexts(ids) ? { kind, ids } : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** A node's end of the channel of all nodes, and what it heard there of revocations. */
export class NodesChannel {
  readonly revocations: Revocations;
  readonly #node: Node;
  readonly #appsChanged: (ids: readonly string[] | undefined) => void;

  /** @param appsChanged - some apps were changed elsewhere, or any of them when it is not known which */
  constructor(node: Node, appsChanged: (ids: readonly string[] | undefined) => void) {
    this.revocations = new Revocations(node.clock);
    this.#node = node;
    this.#appsChanged = appsChanged;
  }

  /** To be called before clients come. */
  start(): MaybePromise<void> {
    return after(this.#node.broker.subscribe(NODES_APP, NODES_CHANNEL), () => this.#load());
  }

  /** Tells all nodes, this one included, that apps are different now. This one knows even where the others can't be told. */
  announceApps(ids: readonly string[] | undefined): MaybePromise<void> {
    const told = this.#node.broker.publish(createNodesMessage({ kind: 'apps-changed', ids: ids ?? null }));
    if (!(told instanceof Promise)) return told;
    return told.catch((error: unknown) => {
      this.#appsChanged(ids);
      throw error;
    });
  }

  take(frame: string): void {
    const message = parseNodesMessage(frame);
    switch (message?.kind) {
      case 'revoked':
        this.#revoke(message.revocation);
        break;
      case 'apps-changed':
        this.#appsChanged(message.ids ?? undefined);
        break;
      default:
        this.#node.observer.failed({
          error: new TypeError('unknown message between nodes'),
          during: 'reading a message between nodes',
        });
    }
  }

  /** Messages may have been missed: asks for what they said. */
  resync(): void {
    this.#appsChanged(undefined);
    this.reload();
  }

  /** Asks for revocations that this node may not know. */
  reload(): void {
    this.#node.settle(this.#load(), 'asking for revocations');
  }

  #load(): MaybePromise<void> {
    return after(this.#node.store.revocations(), (revocations) => {
      for (const revocation of revocations) this.#revoke(revocation);
    });
  }

  #revoke(revocation: Revocation): void {
    if (this.revocations.add(revocation, this.#node.lastSerial)) applyRevocation(this.#node, revocation);
  }
}
