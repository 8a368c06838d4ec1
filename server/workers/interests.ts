import { topicOf } from '../../channels/local-channel.ts';

/** Who wants which channels. */
export class Interests<T> {
  readonly #byTopic = new Map<string, Set<T>>();
  readonly #topicsOf = new Map<T, Set<string>>();

  add(who: T, appId: string, channel: string): void {
    const topic = topicOf(appId, channel);
    entry(this.#byTopic, topic).add(who);
    entry(this.#topicsOf, who).add(topic);
  }

  delete(who: T, appId: string, channel: string): void {
    const topic = topicOf(appId, channel);
    this.#topicsOf.get(who)?.delete(topic);
    this.#withdraw(who, topic);
  }

  forget(who: T): void {
    for (const topic of this.#topicsOf.get(who) ?? []) this.#withdraw(who, topic);
    this.#topicsOf.delete(who);
  }

  in(appId: string, channel: string): Iterable<T> {
    return this.#byTopic.get(topicOf(appId, channel)) ?? [];
  }

  #withdraw(who: T, topic: string): void {
    const interested = this.#byTopic.get(topic);
    interested?.delete(who);
    if (interested?.size === 0) this.#byTopic.delete(topic);
  }
}

function entry<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  let set = sets.get(key);
  if (!set) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
}
