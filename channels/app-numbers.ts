import type { ChannelKind } from '../protocol/channel-name.ts';
import type { LocalChannel } from './local-channel.ts';

/** What an app has open on one node. */
export interface AppNumbers {
  readonly connections: number;
  /** Kinds of which there is any channel with a subscription; channels of signed-in users are a kind of their own. */
  readonly byKind: ReadonlyMap<ChannelKind, KindNumbers>;
}

export interface KindNumbers {
  readonly channels: number;
  readonly subscriptions: number;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Counted extends AppNumbers {
  connections: number;
  readonly byKind: Map<ChannelKind, Writable<KindNumbers>>;
}

/** Counts what apps have on a node while it comes and goes, so that a question costs nothing. */
export class NodeNumbers {
  readonly #apps = new Map<string, Counted>();

  /** By app id; apps that have nothing here are not in it. */
  get apps(): ReadonlyMap<string, AppNumbers> {
    return this.#apps;
  }

  connected(appId: string): void {
    this.#of(appId).connections += 1;
  }

  disconnected(appId: string): void {
    const app = this.#of(appId);
    app.connections -= 1;
    this.#forgetIfEmpty(appId, app);
  }

  /** A connection has entered an application's channel. */
  entered({ app: { id }, kind, connections }: LocalChannel): void {
    const { byKind } = this.#of(id);
    let numbers = byKind.get(kind);
    if (!numbers) {
      numbers = { channels: 0, subscriptions: 0 };
      byKind.set(kind, numbers);
    }
    numbers.subscriptions += 1;
    if (connections.size === 1) numbers.channels += 1;
  }

  /** A connection has left an application's channel. */
  left({ app: { id }, kind, connections }: LocalChannel): void {
    const app = this.#apps.get(id);
    const numbers = app?.byKind.get(kind);
    if (!app || !numbers) return;
    numbers.subscriptions -= 1;
    if (connections.size === 0) numbers.channels -= 1;
    if (numbers.subscriptions > 0) return;
    app.byKind.delete(kind);
    this.#forgetIfEmpty(id, app);
  }

  #of(appId: string): Counted {
    let app = this.#apps.get(appId);
    if (!app) {
      app = { connections: 0, byKind: new Map() };
      this.#apps.set(appId, app);
    }
    return app;
  }

  #forgetIfEmpty(appId: string, { connections, byKind }: Counted): void {
    if (connections === 0 && byKind.size === 0) this.#apps.delete(appId);
  }
}
