import { APP } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';
import type { ClusterNode } from './cluster.ts';
import { MemberWatcher } from './member-watcher.ts';

/** A page that a user opened: wants to be in a channel or not, as long as its connection lives. */
export class Page {
  readonly channel: string;
  readonly userId: string;
  /** Undefined until it is connected. */
  watcher: MemberWatcher | undefined;
  isWanted = true;
  #isLost = false;
  #ws: RawClient | undefined;
  readonly #connected: Promise<void>;

  constructor(node: ClusterNode, channel: string, userId: string) {
    this.channel = channel;
    this.userId = userId;
    this.#connected = this.#connect(node);
  }

  get isOpen(): boolean {
    return !this.#isLost && this.watcher?.end === undefined;
  }

  get isIn(): boolean {
    return this.isWanted && this.isOpen;
  }

  enter(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.watcher?.subscribe();
  }

  leave(): void {
    if (!this.isWanted) return;
    this.isWanted = false;
    this.watcher?.unsubscribe();
  }

  vanish(): void {
    this.#isLost = true;
    this.#ws?.ws.terminate();
  }

  /** Until it is connected, or never will be. */
  settled(): Promise<void> {
    return this.#connected;
  }

  async #connect(node: ClusterNode): Promise<void> {
    this.#ws = new RawClient(`${node.wsUrl}/app/${APP.key}?protocol=7`);
    try {
      await this.#ws.established();
    } catch {
      this.#isLost = true;
      return;
    }
    this.watcher = new MemberWatcher(this.#ws, this.channel, this.userId);
    if (this.#isLost) this.vanish();
    else if (this.isWanted) this.watcher.subscribe();
  }
}
