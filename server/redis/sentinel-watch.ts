import type { Redis, RedisOptions } from 'ioredis';
import { createClient } from './create-client.ts';

/**
 * Listens to Sentinels for a new master. An old master that is only cut off from its Sentinels would be talked to for ever:
 * it does not know that it was replaced.
 */
export class SentinelWatch {
  readonly #clients: readonly Redis[];

  /** @param sentinels - how to connect to each */
  constructor(sentinels: readonly RedisOptions[], masterName: string, onSwitch: () => void) {
    this.#clients = sentinels.map((options) => {
      const client = createClient(options);
      // The link itself tells what keeps it from its master.
      client.on('error', () => {});
      client.on('message', (_topic, text) => {
        if (text.startsWith(`${masterName} `)) onSwitch();
      });
      client.subscribe('+switch-master').catch(() => {});
      return client;
    });
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}
