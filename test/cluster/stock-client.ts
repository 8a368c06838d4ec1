import type { Pusher, PusherChannel } from '../e2e/scenarios/pusher.ts';
import { type Stage, subscribed } from '../e2e/scenarios/stage.ts';

/** What a page is there for: an event on a channel, and who else is in a room. */
export interface Interest {
  readonly channel: string;
  readonly event: string;
  readonly room: string;
}

interface Members {
  readonly members: Readonly<Record<string, unknown>>;
}

/** A page with pusher-js, left to itself: comes back by its own means. */
export class StockClient {
  readonly userId: string;
  /** Data of the events, over all its connections. */
  readonly received: string[] = [];
  /** Who came twice, or left without having been there. */
  readonly contradictions: string[] = [];
  /** One for each connection it had. */
  readonly socketIds = new Set<string>();
  readonly #pusher: Pusher;
  readonly #channels: readonly PusherChannel[];
  #members = new Set<string>();

  private constructor(pusher: Pusher, userId: string, { channel, event, room }: Interest) {
    this.userId = userId;
    this.#pusher = pusher;
    const events = pusher.subscribe(channel).bind(event, (data: unknown) => this.received.push(String(data)));
    this.#channels = [events, this.#watch(pusher.subscribe(room))];
    const noteConnection = (): unknown => this.socketIds.add(pusher.connection.socket_id);
    noteConnection();
    pusher.connection.bind('connected', noteConnection);
  }

  static async start(stage: Stage, userId: string, interest: Interest): Promise<StockClient> {
    const pusher = await stage.connected(userId);
    const client = new StockClient(pusher, userId, interest);
    await Promise.all(client.#channels.map(({ name }) => subscribed(pusher, name)));
    return client;
  }

  get isConnected(): boolean {
    return this.#pusher.connection.state === 'connected' && this.#channels.every((channel) => channel.subscribed);
  }

  /** Sorted, as is all that it is compared with. */
  get roster(): string[] {
    return [...this.#members].sort();
  }

  #watch(room: PusherChannel): PusherChannel {
    room.bind('pusher:subscription_succeeded', ({ members }: Members) => {
      this.#members = new Set(Object.keys(members));
    });
    room.bind('pusher:member_added', ({ id }: { id: string }) => {
      if (this.#members.has(id)) this.contradictions.push(`+${id}`);
      this.#members.add(id);
    });
    return room.bind('pusher:member_removed', ({ id }: { id: string }) => {
      if (!this.#members.delete(id)) this.contradictions.push(`-${id}`);
    });
  }
}
