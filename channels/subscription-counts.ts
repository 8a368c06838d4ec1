import type { Clock } from './clock.ts';
import { topicOf } from './local-channel.ts';

interface Pace {
  readonly intervalMs: number;
  /** Changes within the interval that are told at once; the others are told together when it is over. */
  readonly atOnce: number;
}

/** Up to this many subscribers hear of every change, larger channels every few seconds. */
const SMALL = 100;
/** Quicker than anybody comes and goes: this is for one who does nothing else. */
const OF_SMALL: Pace = { intervalMs: 100, atOnce: 5 };
const OF_LARGE: Pace = { intervalMs: 5000, atOnce: 1 };

interface Interval {
  told: number;
  isChanged: boolean;
  readonly pace: Pace;
  readonly cancel: () => void;
}

/**
 * Decides when subscribers are told how many they are.
 *
 * @see Pusher, "Subscription count events": each change, above 100 subscribers at most every 5 s
 */
export class SubscriptionCounts {
  readonly #clock: Clock;
  readonly #publish: (appId: string, channel: string) => number;
  /** Channels that were told a moment ago, by topic. */
  readonly #intervals = new Map<string, Interval>();

  /** @param publish - tells the subscribers of a channel their number, and answers it */
  constructor(clock: Clock, publish: (appId: string, channel: string) => number) {
    this.#clock = clock;
    this.#publish = publish;
  }

  changed(appId: string, channel: string): void {
    const topic = topicOf(appId, channel);
    const interval = this.#intervals.get(topic);
    if (interval && interval.told >= interval.pace.atOnce) {
      interval.isChanged = true;
      return;
    }
    const count = this.#publish(appId, channel);
    if (interval) interval.told += 1;
    else if (count > 0) this.#begin(appId, channel, topic, count > SMALL ? OF_LARGE : OF_SMALL);
  }

  stop(): void {
    for (const { cancel } of this.#intervals.values()) cancel();
    this.#intervals.clear();
  }

  #begin(appId: string, channel: string, topic: string, pace: Pace): void {
    const cancel = this.#clock.schedule(() => {
      const isChanged = this.#intervals.get(topic)?.isChanged;
      this.#intervals.delete(topic);
      if (isChanged) this.changed(appId, channel);
    }, pace.intervalMs);
    this.#intervals.set(topic, { told: 1, isChanged: false, pace, cancel });
  }
}
