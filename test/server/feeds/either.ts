import type { TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { StreamReader } from '../../support/stream-reader.ts';

export interface Refusal {
  /** Close code, or status. */
  readonly code: number;
  readonly reason: string;
}

/** A reader of a feed, whichever way it goes. */
export interface EitherReader {
  /** The data of the next event of a feed in the format `data`. */
  nextData(): Promise<string>;
  /** Resolves when the server ended it properly; with code and reason where there are such. */
  ended(): Promise<Partial<Refusal>>;
  /** Goes away without a word. */
  vanish(): void;
}

export type Headers = Readonly<Record<string, string>>;

/** One of the two ways to read a feed. */
export interface Way {
  readonly name: 'WebSocket' | 'stream';
  open(broker: TestBroker, path: string, headers?: Headers): Promise<EitherReader>;
  refused(broker: TestBroker, path: string, headers?: Headers): Promise<Refusal>;
}

const sockets: Way = {
  name: 'WebSocket',
  async open({ wsUrl }, path, headers = {}) {
    const client = new RawClient(`${wsUrl}${path}`, { headers });
    await new Promise((resolve) => client.ws.once('open', resolve));
    return {
      nextData: () => client.nextText(),
      ended: async () => {
        const { code, reason } = await client.closed();
        return { code, reason };
      },
      vanish: () => client.ws.terminate(),
    };
  },
  async refused({ wsUrl }, path, headers = {}) {
    const { code, reason, before } = await new RawClient(`${wsUrl}${path}`, { headers }).closed();
    if (before.length > 0) throw new Error(`was told ${before[0]}`);
    return { code, reason };
  },
};

const streams: Way = {
  name: 'stream',
  async open({ url }, path, headers) {
    const reader = await StreamReader.open(`${url}${path}`, headers);
    return {
      nextData: () => reader.nextData(),
      ended: async () => {
        const { isComplete, before } = await reader.ended();
        if (!isComplete) throw new Error('the stream was cut off');
        const reason = before.at(-1)?.comment;
        return reason === undefined ? {} : { reason };
      },
      vanish: () => reader.close(),
    };
  },
  async refused({ url }, path, headers) {
    const answer = await StreamReader.ask(`${url}${path}`, headers);
    return { code: answer.status, reason: await answer.text() };
  },
};

export const WAYS: readonly Way[] = [sockets, streams];
