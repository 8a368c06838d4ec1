import { HttpConnection } from '../load/http-connection.ts';
import { eventBytes, payload, signedTrigger } from '../load/signed-trigger.ts';
import { openSubscribers, type Subscriber } from '../load/subscriber.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Target, Workload } from './workload.ts';

const CHANNEL = 'fan-out';
/** Subscribers that read at once: with so many, some are on each worker. */
const PROMPT = 16;
/** The others take turns to read, after so many events each; they fit into the buffers of the kernel. */
const TURNS = 50;
const MOST_OTHERS_PERCENT = 15;

/** What a second core is worth. */
export const workers: Workload = {
  name: 'workers',
  title: 'Two workers against one process',
  description:
    'Triggers of 200 bytes over HTTP to one public channel with 3,000 subscribers, one at a time. Servers and load generator share both cores. So that ' +
    `the load leaves them room, only ${PROMPT} subscribers read at once: the next event follows when they have it. The others leave theirs to the ` +
    `kernel, and read once in ${TURNS} events, in turns; in the end everybody must have all of them. What the load generator still takes (its ` +
    'row) is lacking to two workers, which want both cores, and not to one process: with more cores than these two the gain is larger. Rounds ' +
    `in which everything else on the machine took more than ${MOST_OTHERS_PERCENT} percent of a core are repeated.`,
  figures: [
    { id: 'perSecond', title: 'deliveries', unit: 'per second', better: 'more', target: 1.6 },
    { id: 'perCpuSecond', title: 'deliveries', unit: 'per CPU-second of all processes', better: 'more' },
    { id: 'serverBusyPercent', title: 'all server processes', unit: 'percent of a core', better: 'less' },
    { id: 'loadBusyPercent', title: 'load generator', unit: 'percent of a core', better: 'less' },
    { id: 'otherBusyPercent', title: 'everything else on the machine', unit: 'percent of a core', better: 'less' },
  ],
  deployments: 'workers',
  isExtra: true,
  sharesCores: true,
  mostOthersPercent: MOST_OTHERS_PERCENT,
  reference: '1 process',
  async measure(target, scale, onFailure) {
    const load = new PacedFanOut(onFailure);
    await load.open(target, scale.fanOutSubscribers * 3);
    await load.run(scale.warmUpMs);
    const window = await measureWindow(target.pid, () => load.run(scale.windowMs));
    return { perSecond: perSecond(window), perCpuSecond: perCpuSecond(window), ...loads(window) };
  },
};

class PacedFanOut {
  readonly #onFailure: (error: Error) => void;
  #port = 0;
  #http: HttpConnection | undefined;
  #prompt: readonly Subscriber[] = [];
  #others: readonly Subscriber[] = [];
  readonly #eventBytes = eventBytes(CHANNEL);
  #sent = 0;
  #onBytes = (): void => {};

  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  async open({ port }: Target, count: number): Promise<void> {
    this.#port = port;
    const onBytes = (): void => this.#onBytes();
    const subscribers = await openSubscribers(port, count, 50, () => CHANNEL, this.#onFailure, onBytes);
    this.#prompt = subscribers.slice(0, PROMPT);
    this.#others = subscribers.slice(PROMPT);
    for (const subscriber of this.#others) subscriber.pause();
    this.#http = await HttpConnection.open(port, this.#onFailure);
  }

  /** @returns deliveries, all of which have arrived */
  async run(durationMs: number): Promise<number> {
    const sentBefore = this.#sent;
    const endsMs = performance.now() + durationMs;
    while (performance.now() < endsMs) {
      const readers = this.#others.filter((_, index) => index % TURNS === this.#sent % TURNS);
      for (const subscriber of readers) subscriber.resume();
      await this.#send();
      for (const subscriber of readers) subscriber.pause();
    }
    for (const subscriber of this.#others) subscriber.resume();
    await this.#received(this.#others);
    for (const subscriber of this.#others) subscriber.pause();
    return (this.#sent - sentBefore) * (this.#prompt.length + this.#others.length);
  }

  async #send(): Promise<void> {
    this.#sent += 1;
    const request = signedTrigger(this.#port, CHANNEL, payload(this.#sent));
    const answered = new Promise<void>((resolve) => this.#http?.request(request, resolve));
    await this.#received(this.#prompt);
    await answered;
  }

  /** Waits until subscribers have got all that was sent, to the byte. */
  #received(subscribers: readonly Subscriber[]): Promise<void> {
    const expected = this.#sent * this.#eventBytes;
    let left = subscribers.filter(({ received }) => received < expected);
    return new Promise((resolve) => {
      this.#onBytes = () => {
        while (left.length > 0 && (left.at(-1)?.received ?? 0) >= expected) left.pop();
        if (left.length > 0) return;
        left = [];
        this.#onBytes = () => {};
        const wrong = subscribers.find(({ received }) => received !== expected);
        if (wrong) this.#onFailure(new Error(`a subscriber got ${wrong.received} bytes instead of ${expected}`));
        resolve();
      };
      this.#onBytes();
    });
  }
}
