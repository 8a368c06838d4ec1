import type { Address } from './address.ts';
import { HttpConnection } from './http-connection.ts';
import { openSubscribers } from './open-subscribers.ts';
import { payload, signedTrigger } from './signed-request.ts';
import { checkReceived, Waves } from './waves.ts';

export interface PublishedWavesOptions {
  readonly address: Address;
  readonly channels: number;
  readonly subscribersEach: number;
  /** Triggers that are ever under way at once. */
  readonly connections: number;
  readonly onFailure: (error: Error) => void;
}

const SUBSCRIBE_AT_ONCE = 50;

/** Triggers over HTTP to public channels in turn; each channel has subscribers of its own. */
export class PublishedWaves {
  readonly #waves: Waves;
  readonly #subscribers: Awaited<ReturnType<typeof openSubscribers>>;
  readonly #options: PublishedWavesOptions;

  private constructor(
    options: PublishedWavesOptions,
    waves: Waves,
    subscribers: Awaited<ReturnType<typeof openSubscribers>>,
  ) {
    this.#options = options;
    this.#waves = waves;
    this.#subscribers = subscribers;
  }

  static async open(options: PublishedWavesOptions): Promise<PublishedWaves> {
    const { address, channels, subscribersEach, connections, onFailure } = options;
    const channelOf = (index: number): string => `room-${index % channels}`;
    const idle = await HttpConnection.openAll(address, connections, onFailure);
    const waves = new Waves(subscribersEach, (index, done) => {
      const connection = idle.pop();
      if (!connection) throw new Error('more at once than there are connections');
      connection.request(signedTrigger(address, [channelOf(index)], payload(index)), () => {
        idle.push(connection);
        done();
      });
    });
    const subscribers = await openSubscribers(address, {
      count: channels * subscribersEach,
      atOnce: SUBSCRIBE_AT_ONCE,
      channelOf,
      onFailure,
      onFrames: (frames) => waves.delivered(frames),
    });
    return new PublishedWaves(options, waves, subscribers);
  }

  /** @returns deliveries, all of which have arrived */
  async run(atOnce: number, durationMs: number): Promise<number> {
    return (await this.#waves.run(atOnce, durationMs)) * this.#options.subscribersEach;
  }

  /** @throws {Error} somebody missed an event or got one twice */
  check(): void {
    const { channels } = this.#options;
    const { sent } = this.#waves;
    for (let channel = 0; channel < channels; channel += 1) {
      const own = this.#subscribers.filter((_, index) => index % channels === channel);
      checkReceived(own, Math.ceil((sent - channel) / channels));
    }
  }
}
