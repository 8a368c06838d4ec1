import type { Clock } from './clock.ts';
import { topicOf } from './local-channel.ts';

/** Up to this many subscribers hear of every change, larger channels every few seconds. */
const EACH_CHANGE_UP_TO = 100;
const LARGE_CHANNEL_INTERVAL_MS = 5000;

/**
 * Decides when subscribers are told how many they are.
 *
 * @see Pusher, "Subscription count events": each change, above 100 subscribers at most every 5 s
 */
export class SubscriptionCounts {
  readonly #clock: Clock;
  readonly #publish: (appId: string, channel: string) => number;
  /** Large channels that were told a moment ago, by topic. */
  readonly #waiting = new Map<string, { isChanged: boolean; cancel: () => void }>();

  /** @param publish - tells the subscribers of a channel their number, and answers it */
  constructor(clock: Clock, publish: (appId: string, channel: string) => number) {
    this.#clock = clock;
    this.#publish = publish;
  }

  changed(appId: string, channel: string): void {
    const topic = topicOf(appId, channel);
    const waiting = this.#waiting.get(topic);
    if (waiting) {
      waiting.isChanged = true;
      return;
    }
    if (this.#publish(appId, channel) <= EACH_CHANGE_UP_TO) return;
    const resume = (): void => {
      const isChanged = this.#waiting.get(topic)?.isChanged;
      this.#waiting.delete(topic);
      if (isChanged) this.changed(appId, channel);
    };
    const cancel = this.#clock.schedule(resume, LARGE_CHANNEL_INTERVAL_MS);
    this.#waiting.set(topic, { isChanged: false, cancel });
  }

  stop(): void {
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }
}
