import { randomBytes } from 'node:crypto';
import { SeamUnavailable } from '../../channels/broker.ts';
import { parseJson } from '../../protocol/json.ts';
import type { Fleet } from '../admin/fleet.ts';
import { EventStream, type StreamClient } from '../admin/other-answers.ts';
import type { Logger } from '../log.ts';
import type { LiveBatch, LiveEvents, LiveFact, LiveFigures, LiveSkipped } from './contract.ts';
import type { FactFilter } from './live-filter.ts';

/** Between two looks, in milliseconds. */
const LOOK_MS = 250;
/** Looks between two events with figures. */
const FIGURES_EVERY = 4;

export interface LiveStreamParts {
  readonly fleet: Pick<Fleet, 'look' | 'stopLooking'>;
  readonly filter: FactFilter;
  /** Whether whoever looks may still do so. */
  readonly isAllowed: () => boolean;
  readonly log: Logger;
}

/** What happens on all nodes, as Server-Sent Events. */
export function liveStream(parts: LiveStreamParts): EventStream {
  return new EventStream((client) => {
    const look = new Look(parts, client);
    void look.run();
    return () => look.end();
  });
}

class Look {
  readonly #parts: LiveStreamParts;
  readonly #client: StreamClient;
  readonly #id = randomBytes(8).toString('hex');
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #looks = 0;
  #skipped = 0;

  constructor(parts: LiveStreamParts, client: StreamClient) {
    this.#parts = parts;
    this.#client = client;
  }

  /** One look after the other, however long each takes. */
  async run(): Promise<void> {
    if (!this.#parts.isAllowed()) {
      this.#client.end();
      return;
    }
    try {
      await this.#look();
    } catch (error) {
      // The worker that was asked is gone: the next look asks another.
      if (!(error instanceof SeamUnavailable))
        this.#parts.log.error({ err: error, during: 'live log' }, 'unexpected failure');
    }
    if (!this.#isOver) this.#timer = setTimeout(() => void this.run(), LOOK_MS);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    // It ends by itself where that is not possible.
    Promise.resolve(this.#parts.fleet.stopLooking(this.#id)).catch(() => {});
  }

  async #look(): Promise<void> {
    const { facts, skipped, reports } = await this.#parts.fleet.look({ id: this.#id, filter: this.#parts.filter });
    if (this.#isOver) return;
    this.#skipped += skipped;
    const read = facts.flatMap(readFact);
    if (read.length > 0 && !this.#send('happened', { facts: read } satisfies LiveBatch)) this.#skipped += read.length;
    if (this.#skipped > 0 && this.#send('skipped', { count: this.#skipped } satisfies LiveSkipped)) this.#skipped = 0;
    this.#looks += 1;
    // The first ones wait for the nodes.
    if (this.#looks % FIGURES_EVERY === 3) {
      this.#send('figures', { time: new Date().toISOString(), nodes: reports } satisfies LiveFigures);
    }
  }

  #send<Name extends keyof LiveEvents>(event: Name, data: LiveEvents[Name]): boolean {
    return this.#client.send(event, data);
  }
}

function readFact(text: string): LiveFact[] {
  const fact = parseJson(text);
  // Nodes wrote it.
  return typeof fact === 'object' && fact !== null ? [fact as LiveFact] : [];
}
