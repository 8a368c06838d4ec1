import { CONTROL_APP, CONTROL_CHANNEL, createControlMessage, parseControlMessage } from './control-message.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { type Revocation, Revocations } from './revocations.ts';
import { applyRevocation } from './revoke.ts';

/** A node's ear for what concerns all nodes. */
export class NodeControl {
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
    return after(this.#node.broker.subscribe(CONTROL_APP, CONTROL_CHANNEL), () => this.#load());
  }

  /** Tells all nodes, this one included, that apps are different now. This one knows even where the others can't be told. */
  announceApps(ids: readonly string[] | undefined): MaybePromise<void> {
    const told = this.#node.broker.publish(createControlMessage({ kind: 'apps-changed', ids: ids ?? null }));
    if (!(told instanceof Promise)) return told;
    return told.catch((error: unknown) => {
      this.#appsChanged(ids);
      throw error;
    });
  }

  take(frame: string): void {
    const message = parseControlMessage(frame);
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
          during: 'control message',
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
