import type { Subscription } from './connection.ts';

/**
 * The channels that a connection is in, by name. Many connections are in one channel only, and a map would be the largest
 * part of what is kept for such.
 */
export class Subscriptions {
  #only: Subscription | undefined;
  #byName: Map<string, Subscription> | undefined;

  get size(): number {
    return this.#byName?.size ?? (this.#only ? 1 : 0);
  }

  get(name: string): Subscription | undefined {
    if (this.#byName) return this.#byName.get(name);
    return this.#only?.channel.name === name ? this.#only : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  add(subscription: Subscription): void {
    const { name } = subscription.channel;
    if (this.#byName) {
      this.#byName.set(name, subscription);
    } else if (!this.#only || this.#only.channel.name === name) {
      this.#only = subscription;
    } else {
      this.#byName = new Map([
        [this.#only.channel.name, this.#only],
        [name, subscription],
      ]);
      this.#only = undefined;
    }
  }

  delete(name: string): void {
    if (this.#byName) this.#byName.delete(name);
    else if (this.has(name)) this.#only = undefined;
  }

  /** As they are now: what is added or deleted meanwhile does not disturb. */
  values(): readonly Subscription[] {
    if (this.#byName) return [...this.#byName.values()];
    return this.#only ? [this.#only] : [];
  }
}
