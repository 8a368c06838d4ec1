import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RateUse } from '../../channels/rate-limits.ts';
import { IS_BUILT, PACKAGE_ROOT } from '../package-root.ts';
import type { ProcessUsage } from '../usage.ts';
import { isBatch, type WorkerCommand, type WorkerReport, type WorkerStart } from './control.ts';
import { Lines } from './lines.ts';
import type { Post } from './outbox.ts';
import { type FleetAnswer, type FleetCall, resultOf } from './remote-fleet.ts';
import type { ToHost, ToWorker } from './wire.ts';

const ENTRY = fileURLToPath(
  new URL(IS_BUILT ? 'dist/server/workers/worker-main.js' : 'server/workers/worker-main.ts', PACKAGE_ROOT),
);
/** Heartbeats in a row that a worker may leave unanswered: with the time that each is waited for, less than ten seconds. */
const MAX_UNANSWERED = 4;
/** Whoever asks for the usage is not left waiting for a worker that is busy. */
const REPORT_TIMEOUT_MS = 1000;
/** For a call that other nodes, Redis or a database may have to be asked for. */
const CALL_TIMEOUT_MS = 5000;

export interface WorkerEvents {
  calls(batch: readonly ToHost[]): void;
  rates(uses: readonly RateUse[]): void;
  usageAsked(id: number): void;
}

/** How a process ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A worker as a child process. */
export class WorkerProcess {
  readonly number: number;
  /** Resolves when it listens; rejects with what it could not start for. */
  readonly started: Promise<void>;
  /** Resolves when it listens no more, or has ended. */
  readonly deaf: Promise<void>;
  /** Resolves when it has parted from its clients, or they are gone with it. */
  readonly parted: Promise<void>;
  /** Resolves when the process has ended and everything that it said has been taken. */
  readonly ended: Promise<WorkerEnd>;
  readonly #child: ChildProcess;
  readonly #events: WorkerEvents;
  readonly #reports = new Map<number, (usage: ProcessUsage) => void>();
  readonly #calls = new Map<number, (answer: FleetAnswer) => void>();
  #lastId = 0;
  #isListening = false;
  #unanswered = 0;
  #usage: ProcessUsage = { connections: 0, residentBytes: 0, heapShare: 0 };
  #onStart = (_error?: Error): void => {};
  #onDeaf = (): void => {};
  #onParted = (): void => {};

  /** @param print - writes lines that the worker logged */
  constructor(start: WorkerStart, events: WorkerEvents, print: (lines: string) => void) {
    this.number = start.worker;
    this.#events = events;
    // Standard output comes through this process: one writer, one line after the other.
    this.#child = fork(ENTRY, [`worker ${start.worker}`], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const lines = new Lines(print);
    this.#child.stdout?.on('data', (chunk: Buffer) => lines.take(chunk));
    this.#child.on('message', (message) => this.#take(message as WorkerReport));
    this.ended = this.#untilEnd(lines);
    this.started = new Promise((resolve, reject) => {
      this.#onStart = (error) => (error ? reject(error) : resolve());
    });
    // Not everybody who starts a worker waits for it.
    this.started.catch(() => {});
    this.deaf = new Promise((resolve) => {
      this.#onDeaf = resolve;
    });
    this.parted = new Promise((resolve) => {
      this.#onParted = resolve;
    });
    this.send(start);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** As it was reported last. */
  get usage(): ProcessUsage {
    return this.#usage;
  }

  /** It has not answered for so long that it never will. */
  get isHanging(): boolean {
    return this.#unanswered >= MAX_UNANSWERED;
  }

  readonly post: Post<ToWorker> = (batch, sent) => this.#child.send([...batch], () => sent());

  /** Whether it serves clients, as far as is known. */
  get isListening(): boolean {
    return this.#isListening;
  }

  send(command: WorkerCommand): void {
    // What can't be sent any more is for a process that has ended.
    this.#child.send(command, () => {});
  }

  /** `report`, which also shows that it lives. */
  heartbeat(): Promise<ProcessUsage> {
    this.#unanswered += 1;
    return this.report();
  }

  /** What it takes now, or took when it reported last, if it has no time to answer. */
  async report(): Promise<ProcessUsage> {
    this.#lastId += 1;
    const id = this.#lastId;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, REPORT_TIMEOUT_MS);
      this.#reports.set(id, (usage) => {
        this.#usage = usage;
        clearTimeout(timer);
        resolve();
      });
      this.send({ kind: 'report', id });
    });
    this.#reports.delete(id);
    return this.#usage;
  }

  /**
   * Has its node do something.
   *
   * @throws {SeamUnavailable} by rejection: it can't be done now, or there was no answer in time
   */
  async call(call: FleetCall): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = await new Promise<FleetAnswer>((resolve) => {
      const reason = `a worker did not answer within ${CALL_TIMEOUT_MS / 1000} s`;
      const timer = setTimeout(() => resolve({ outcome: 'unavailable', reason }), CALL_TIMEOUT_MS);
      this.#calls.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.send({ kind: 'call', id, call });
    });
    this.#calls.delete(id);
    return resultOf(answer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(message: WorkerReport): void {
    if (isBatch(message)) {
      this.#events.calls(message);
      return;
    }
    switch (message.kind) {
      case 'listening':
        this.#isListening = true;
        this.#onStart();
        break;
      case 'failed':
        this.#onStart(Object.assign(new Error(message.message), { name: message.name, stack: message.stack }));
        break;
      case 'report':
        this.#unanswered = 0;
        this.#reports.get(message.id)?.(message.usage);
        break;
      case 'usage':
        this.#events.usageAsked(message.id);
        break;
      case 'rates':
        this.#events.rates(message.uses);
        break;
      case 'answer':
        this.#calls.get(message.id)?.(message.answer);
        break;
      case 'deaf':
        this.#onDeaf();
        break;
      case 'parted':
        this.#onParted();
    }
  }

  async #untilEnd(lines: Lines): Promise<WorkerEnd> {
    const disconnected = once(this.#child, 'disconnect');
    const [code, signal] = (await once(this.#child, 'close')) as [number | null, NodeJS.Signals | null];
    await disconnected;
    lines.end();
    this.#isListening = false;
    for (const answer of this.#calls.values())
      answer({ outcome: 'unavailable', reason: 'the worker that was asked ended' });
    for (const answer of this.#reports.values()) answer({ connections: 0, residentBytes: 0, heapShare: 0 });
    this.#onStart(new Error(`Worker ${this.number} ended with ${signal ?? code} while it started`));
    this.#onDeaf();
    this.#onParted();
    return { code, signal };
  }
}
