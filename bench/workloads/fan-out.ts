import { HttpConnection } from '../load/http-connection.ts';
import { eventBytes, payload, signedTrigger } from '../load/signed-trigger.ts';
import { openSubscribers, type Subscriber } from '../load/subscriber.ts';
import { loads, measureWindow, perCpuSecond } from '../load/window.ts';
import type { Target, Workload } from './workload.ts';

const CHANNEL = 'fan-out';
const BURST = 8;

/** One trigger, a thousand deliveries. */
export const fanOut: Workload = {
  name: 'fan-out',
  title: 'Fan-out to 1,000 subscribers',
  description:
    'Triggers of 200 bytes over HTTP to one public channel with 1,000 subscribers, one at a time or ' +
    `${BURST} at once over as many connections; the next follow when every subscriber got all of those before. The floor parses ` +
    'the body, encodes the frame and publishes it natively; it checks no signature.',
  figures: [
    { id: 'single', title: 'deliveries, one trigger at a time', unit: 'per CPU-second', better: 'more', target: 0.8 },
    {
      id: 'bursts',
      title: `deliveries, ${BURST} triggers at once`,
      unit: 'per CPU-second',
      better: 'more',
      target: 0.8,
    },
  ],
  async measure(target, scale, onFailure) {
    const load = new FanOutLoad(onFailure);
    await load.open(target, scale.fanOutSubscribers);
    await load.run(1, scale.warmUpMs);
    const one = await measureWindow(target.pid, () => load.run(1, scale.windowMs));
    await load.run(BURST, scale.warmUpMs / 4);
    const several = await measureWindow(target.pid, () => load.run(BURST, scale.windowMs));
    load.check();
    return {
      single: perCpuSecond(one),
      bursts: perCpuSecond(several),
      ...loads(one, 'single_'),
      ...loads(several, 'bursts_'),
    };
  },
};

class FanOutLoad {
  readonly #onFailure: (error: Error) => void;
  #target: Target | undefined;
  #subscribers: readonly Subscriber[] = [];
  /** Connections with no request under way. */
  #idle: HttpConnection[] = [];
  /** Wire bytes of one event at all subscribers together. */
  #eventBytes = 0;
  #sent = 0;
  #receivedBytes = 0;
  #atOnce = 1;
  #onQuiet: (() => void) | undefined;
  #endsMs = 0;

  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  async open(target: Target, subscribers: number): Promise<void> {
    this.#target = target;
    const onBytes = (bytes: number): void => {
      this.#receivedBytes += bytes;
      this.#pump();
    };
    this.#subscribers = await openSubscribers(target.port, subscribers, 50, () => CHANNEL, this.#onFailure, onBytes);
    this.#eventBytes = subscribers * eventBytes(CHANNEL);
    for (let count = 0; count < BURST; count += 1) {
      this.#idle.push(await HttpConnection.open(target.port, this.#onFailure));
    }
  }

  /** @returns deliveries, all of which have arrived */
  async run(atOnce: number, durationMs: number): Promise<number> {
    const sentBefore = this.#sent;
    this.#atOnce = atOnce;
    this.#endsMs = performance.now() + durationMs;
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
      this.#pump();
    });
    return (this.#sent - sentBefore) * this.#subscribers.length;
  }

  /** Nobody missed anything, nobody got anything twice. */
  check(): void {
    const expected = (this.#sent * this.#eventBytes) / this.#subscribers.length;
    const wrong = this.#subscribers.find(({ received }) => received !== expected);
    if (wrong) this.#onFailure(new Error(`a subscriber got ${wrong.received} bytes instead of ${expected}`));
  }

  #pump(): void {
    const isQuiet = this.#idle.length === BURST && this.#receivedBytes === this.#sent * this.#eventBytes;
    if (!isQuiet) return;
    if (performance.now() < this.#endsMs) {
      for (let count = 0; count < this.#atOnce; count += 1) this.#send();
    } else {
      this.#onQuiet?.();
      this.#onQuiet = undefined;
    }
  }

  #send(): void {
    const connection = this.#idle.pop();
    if (!connection || !this.#target) return;
    this.#sent += 1;
    connection.request(signedTrigger(this.#target.port, CHANNEL, payload(this.#sent)), () => {
      this.#idle.push(connection);
      this.#pump();
    });
  }
}
