import { encodeSubscriptionCount } from '../protocol/server-message.ts';
import type { LocalChannel } from './local-channel.ts';
import { after } from './maybe-promise.ts';
import type { Node } from './node.ts';

/** Up to this many subscribers hear of every change, larger channels every few seconds. */
const EACH_CHANGE_UP_TO = 100;
const LARGE_CHANNEL_INTERVAL_MS = 5000;

/**
 * Tells subscribers how many they are, where the app wants it.
 *
 * @see Pusher, "Subscription count events": each change, above 100 subscribers at most every 5 s
 */
export class SubscriptionCounts {
  readonly #node: Node;
  /** Large channels whose next announcement is due, by topic. */
  readonly #waiting = new Map<string, { channel: LocalChannel; isChanged: boolean; cancel: () => void }>();

  constructor(node: Node) {
    this.#node = node;
  }

  /** To be called after a connection entered or left a channel. */
  changed(channel: LocalChannel): void {
    const { app, kind, role } = channel;
    if (!app.enableSubscriptionCountEvents || kind.isPresence || kind.isUser || role !== 'application') return;
    const waiting = this.#waiting.get(channel.topic);
    if (waiting) waiting.isChanged = true;
    else this.#announce(channel);
  }

  stop(): void {
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  #announce(channel: LocalChannel): void {
    const { broker, store } = this.#node;
    const { app, name } = channel;
    const announced = after(store.summary(app.id, name), ({ subscriptionCount }) => {
      if (subscriptionCount > EACH_CHANGE_UP_TO) this.#pause(channel);
      if (subscriptionCount === 0) return;
      return broker.publish({ appId: app.id, channel: name, frame: encodeSubscriptionCount(name, subscriptionCount) });
    });
    this.#node.settle(announced, 'subscription count');
  }

  #pause(channel: LocalChannel): void {
    const resume = (): void => {
      const waiting = this.#waiting.get(channel.topic);
      this.#waiting.delete(channel.topic);
      if (waiting?.isChanged) this.#announce(channel);
    };
    const cancel = this.#node.clock.schedule(resume, LARGE_CHANNEL_INTERVAL_MS);
    this.#waiting.set(channel.topic, { channel, isChanged: false, cancel });
  }
}
