import type { ChannelPattern } from '../auth/channel-pattern.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import { type LocalChannel, othersIn } from './local-channel.ts';
import type { Node } from './node.ts';

/** Frames of matching channels wait for others. */
export interface CoalescingRule {
  readonly pattern: ChannelPattern;
  /** How long the first of them waits; 0: not at all. */
  readonly milliseconds: number;
}

/** A frame that waits. */
export interface HeldFrame {
  readonly delivery: Delivery;
  readonly except: Connection | undefined;
}

/** How long frames of a channel wait; the first rule that matches counts. */
export function coalescingOf(rules: readonly CoalescingRule[], channel: string): number {
  return rules.find(({ pattern }) => pattern.matches(channel))?.milliseconds ?? 0;
}

/**
 * Sends frames to the subscribers of channels: at once, or those of a few milliseconds together. A subscriber costs a system call
 * per turn of the event loop in which it gets anything, so frames sent in one turn are much cheaper.
 */
export class Coalescer {
  readonly #clock: Clock;
  readonly #fanOut: FanOut;
  readonly #node: Pick<Node, 'observer'>;
  /** Channels by the time that they wait, from the moment when the first of them began. */
  readonly #waiting = new Map<number, Set<LocalChannel>>();

  /** @param node - whose observer is told of each frame that was handed on, where anybody wants to know */
  constructor(clock: Clock, fanOut: FanOut, node: Pick<Node, 'observer'>) {
    this.#clock = clock;
    this.#fanOut = fanOut;
    this.#node = node;
  }

  /** @param except - a connection in the channel that must not receive the frame */
  publish(channel: LocalChannel, delivery: Delivery, except: Connection | undefined): void {
    if (channel.coalescingMs === 0) {
      this.#handOn(channel, delivery, except);
      return;
    }
    channel.held ??= this.#wait(channel);
    channel.held.push({ delivery, except });
  }

  /** Sends a channel's waiting frames: before somebody enters, who must not get earlier events. */
  release(channel: LocalChannel): void {
    const { held, connections } = channel;
    if (!held) return;
    channel.held = undefined;
    for (const { delivery, except } of held) {
      // Whoever has left meanwhile gets none of it anyway, and native topics know it no longer.
      const isThere = except !== undefined && connections.has(except);
      this.#handOn(channel, delivery, isThere ? except : undefined);
    }
  }

  #handOn(channel: LocalChannel, delivery: Delivery, except: Connection | undefined): void {
    this.#fanOut.publish(channel.topic, delivery, except);
    this.#node.observer.delivered?.({
      channel,
      frame: delivery.frame,
      receivers: othersIn(channel, except),
      publishedMs: delivery.publishedMs,
    });
  }

  #wait(channel: LocalChannel): HeldFrame[] {
    const { coalescingMs } = channel;
    const waiting = this.#waiting.get(coalescingMs);
    if (waiting) {
      waiting.add(channel);
    } else {
      const channels = new Set([channel]);
      this.#waiting.set(coalescingMs, channels);
      this.#clock.schedule(() => {
        this.#waiting.delete(coalescingMs);
        for (const each of channels) this.release(each);
      }, coalescingMs);
    }
    return [];
  }
}
