import { HttpConnection } from '../load/http-connection.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import type { Subscriber } from '../load/subscriber.ts';
import { Turns } from '../load/turns.ts';
import { checkReceived } from '../load/waves.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Target, Workload } from './workload.ts';

const CHANNEL = 'fan-out';
/** Subscribers that read at once: with so many, some are on each worker. */
const PROMPT = 16;
/** The others take turns to read, after so many events each. */
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
    { id: 'perSecond', title: 'deliveries', unit: 'per second', better: 'more', target: { share: 1.7 } },
    { id: 'perCpuSecond', title: 'deliveries', unit: 'per CPU-second of all processes', better: 'more' },
    { id: 'serverBusyPercent', title: 'all server processes', unit: 'percent of a core', better: 'less' },
    { id: 'loadBusyPercent', title: 'load generator', unit: 'percent of a core', better: 'less' },
    { id: 'otherBusyPercent', title: 'everything else on the machine', unit: 'percent of a core', better: 'less' },
  ],
  deployments: 'workers',
  isExtra: true,
  sharesCores: true,
  mostOthersPercent: MOST_OTHERS_PERCENT,
  async measure(target, scale, onFailure) {
    const load = await PacedFanOut.open(target, scale.fanOutSubscribers * 3, onFailure);
    await load.run(scale.warmUpMs);
    const window = await measureWindow(target.pid, () => load.run(scale.windowMs));
    load.check();
    return { perSecond: perSecond(window), perCpuSecond: perCpuSecond(window), ...loads(window) };
  },
};

class PacedFanOut {
  readonly #target: Target;
  readonly #http: HttpConnection;
  readonly #subscribers: readonly Subscriber[];
  readonly #turns: Turns;
  #sent = 0;
  /** Deliveries to those who read at once. */
  #prompt = 0;
  #onPrompt = (): void => {};

  private constructor(target: Target, http: HttpConnection, subscribers: readonly Subscriber[]) {
    this.#target = target;
    this.#http = http;
    this.#subscribers = subscribers;
    this.#turns = new Turns(subscribers.slice(PROMPT), TURNS);
  }

  static async open(target: Target, count: number, onFailure: (error: Error) => void): Promise<PacedFanOut> {
    const prompt = new Set<Subscriber>();
    const subscribers = await openSubscribers(target, {
      count,
      atOnce: 50,
      channelOf: () => CHANNEL,
      onFailure,
      onFrames: (frames, subscriber) => prompt.has(subscriber) && load.#delivered(frames),
    });
    for (const subscriber of subscribers.slice(0, PROMPT)) prompt.add(subscriber);
    const load = new PacedFanOut(target, await HttpConnection.open(target, onFailure), subscribers);
    return load;
  }

  /** @returns deliveries, all of which have arrived */
  async run(durationMs: number): Promise<number> {
    const sentBefore = this.#sent;
    const endsMs = performance.now() + durationMs;
    while (performance.now() < endsMs) {
      this.#turns.next();
      await this.#send();
    }
    await this.#turns.catchUp(this.#sent);
    return (this.#sent - sentBefore) * this.#subscribers.length;
  }

  /** @throws {Error} somebody missed an event or got one twice */
  check(): void {
    checkReceived(this.#subscribers, this.#sent);
  }

  async #send(): Promise<void> {
    this.#sent += 1;
    const request = signedTrigger(this.#target, [CHANNEL], payload(this.#sent));
    const arrived = new Promise<void>((resolve) => {
      this.#onPrompt = resolve;
    });
    await new Promise<void>((resolve) => this.#http.request(request, resolve));
    await arrived;
  }

  #delivered(frames: number): void {
    this.#prompt += frames;
    if (this.#prompt >= this.#sent * PROMPT) this.#onPrompt();
  }
}
