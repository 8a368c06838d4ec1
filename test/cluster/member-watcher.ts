import { onTestFailed } from 'vitest';
import type { Closed, Frame, RawClient } from '../support/raw-client.ts';

/** A page in a presence channel, which keeps the roster as pusher-js does and notes what must not happen. */
export class MemberWatcher {
  readonly client: RawClient;
  readonly channel: string;
  readonly userId: string;
  /** As told: the first roster with the changes that came after it. */
  members: Set<string> | undefined;
  /** `+bob` and `-bob`, in the order in which they came. */
  readonly changes: string[] = [];
  /** Who came twice, or left without having been there. */
  readonly contradictions: string[] = [];
  end: Closed | undefined;
  #pongs = 0;
  readonly #waiting = new Set<() => void>();

  constructor(client: RawClient, channel: string, userId: string) {
    this.client = client;
    this.channel = channel;
    this.userId = userId;
    void this.#watch();
    onTestFailed(() => {
      const { roster, changes, contradictions, end } = this;
      process.stderr.write(`${JSON.stringify({ userId, roster, changes, contradictions, end })}\n`);
    });
  }

  /** Asks to enter; answered or not. */
  static enter(client: RawClient, channel: string, userId: string): MemberWatcher {
    const watcher = new MemberWatcher(client, channel, userId);
    watcher.subscribe();
    return watcher;
  }

  static async entered(client: RawClient, channel: string, userId: string): Promise<MemberWatcher> {
    const watcher = MemberWatcher.enter(client, channel, userId);
    await watcher.until(() => watcher.members !== undefined);
    return watcher;
  }

  subscribe(): void {
    const member = { user_id: this.userId, user_info: { name: this.userId } };
    this.client.subscribe(this.channel, JSON.stringify(member));
  }

  unsubscribe(): void {
    this.members = undefined;
    this.client.send({ event: 'pusher:unsubscribe', data: { channel: this.channel } });
  }

  /** Sorted, as is all that it is compared with. */
  get roster(): string[] {
    return [...(this.members ?? [])].sort();
  }

  /** Waits for something that frames can bring about. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      if (this.end) throw new Error(`closed with ${this.end.code} "${this.end.reason}" while waiting`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Until everything that the server had to say is here. */
  async flush(): Promise<void> {
    const pongs = this.#pongs + 1;
    this.client.send({ event: 'pusher:ping' });
    await this.until(() => this.#pongs >= pongs);
  }

  async #watch(): Promise<void> {
    while (!this.end) {
      const item = await this.client.nextItem();
      if ('code' in item) this.end = item;
      else this.#take(JSON.parse(item.text) as Frame);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    }
  }

  #take({ event, channel, data }: Frame): void {
    if (event === 'pusher:pong') this.#pongs += 1;
    if (event === 'pusher:ping') this.client.send({ event: 'pusher:pong' });
    if (channel !== this.channel) return;
    if (event === 'pusher:subscription_error') this.contradictions.push(`refused: ${JSON.stringify(data)}`);
    if (event === 'pusher_internal:subscription_succeeded') {
      const { presence } = JSON.parse(String(data)) as { presence: { ids: string[] } };
      this.members = new Set(presence.ids);
      if (this.members.size !== presence.ids.length) this.contradictions.push(`roster ${presence.ids}`);
    } else if (event === 'pusher_internal:member_added') this.#change('+', data);
    else if (event === 'pusher_internal:member_removed') this.#change('-', data);
  }

  #change(sign: '+' | '-', data: unknown): void {
    const { user_id: id } = JSON.parse(String(data)) as { user_id: string };
    const change = `${sign}${id}`;
    this.changes.push(change);
    // On its way when the page left.
    if (!this.members) return;
    const isNews = sign === '+' ? !this.members.has(id) : this.members.delete(id);
    if (sign === '+') this.members.add(id);
    if (!isNews) this.contradictions.push(change);
  }
}
