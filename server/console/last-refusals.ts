import type { Connection } from '../../channels/connection.ts';
import type { Observer } from '../../channels/observer.ts';
import type { LastRefusal } from './contract.ts';

const MAX_TEXT_LENGTH = 500;

/** Remembers why each connection was refused something last, as long as it is there. */
export class LastRefusals {
  readonly #refusals = new WeakMap<Connection, LastRefusal>();
  readonly #now: () => number;

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly observer: Observer = {
    messageRefused: ({ connection, message, error: { id, message: reason } }) =>
      this.#note(connection, id, reason, message && 'channel' in message ? message.channel : null),
    subscriptionRefused: ({ connection, error: { id, channel, message } }) =>
      this.#note(connection, id, message, channel),
  };

  of(connection: Connection): LastRefusal | null {
    return this.#refusals.get(connection) ?? null;
  }

  #note(connection: Connection, cause: string, reason: string, channel: string | null): void {
    this.#refusals.set(connection, {
      time: new Date(this.#now()).toISOString(),
      cause,
      reason: reason.slice(0, MAX_TEXT_LENGTH),
      channel: channel?.slice(0, MAX_TEXT_LENGTH) ?? null,
    });
  }
}
