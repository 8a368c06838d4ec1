import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SeamUnavailable } from '../../channels/broker.ts';
import type { Snapshot } from '../metrics/collection.ts';
import { IS_BUILT, PACKAGE_ROOT } from '../package-root.ts';
import type { ProcessUsage } from '../usage.ts';
import { CallLink, type CallLinkOptions, type Remote, remote } from './calls.ts';
import { isBatch, type ToHost, WORKER_CALLS, type WorkerMethods, type WorkerStart } from './messages.ts';

const ENTRY = fileURLToPath(
  new URL(IS_BUILT ? 'dist/server/workers/worker-main.js' : 'server/workers/worker-main.ts', PACKAGE_ROOT),
);
/** Heartbeats in a row that a worker may leave unanswered: with the time that each is waited for, less than ten seconds. */
const MAX_UNANSWERED = 4;
/** Whoever asks for the usage is not left waiting for a worker that is busy. */
const REPORT_TIMEOUT_MS = 1000;
/** For a call that other nodes, Redis or a database may have to be asked for. */
const CALL_TIMEOUT_MS = 5000;
/** For one that has to wait for a server of the operator's. */
const LONG_CALL_TIMEOUT_MS = 60_000;
const NO_USAGE: ProcessUsage = { connections: 0, residentBytes: 0, heapShare: 0 };

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
  /** Resolves when the process has ended and everything that it said has been taken. */
  readonly ended: Promise<WorkerEnd>;
  /** What it can be told and asked. Answers are rejected when it ends. */
  readonly calls: Remote<WorkerMethods, typeof WORKER_CALLS>;
  readonly #child: ChildProcess;
  readonly #link: CallLink;
  #isListening = false;
  #unanswered = 0;
  #usage = NO_USAGE;
  #onStart = (_error?: Error): void => {};

  /**
   * @param called - what the worker may call, and what becomes of a call that fails
   * @param print - writes lines that the worker logged
   */
  constructor(start: WorkerStart, called: Pick<CallLinkOptions, 'methods' | 'failed'>, print: (lines: string) => void) {
    this.number = start.worker;
    // Standard output comes through this process: one writer, one line after the other.
    this.#child = fork(ENTRY, [`worker ${start.worker}`], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.#link = new CallLink({
      ...called,
      post: (batch, sent) => this.#child.send([...batch], () => sent()),
      peer: 'the worker that was asked',
    });
    this.calls = remote<WorkerMethods, typeof WORKER_CALLS>(this.#link, WORKER_CALLS);
    const lines = new WholeLines(print);
    this.#child.stdout?.on('data', (chunk: Buffer) => lines.take(chunk));
    this.#child.on('message', (message) => this.#take(message as ToHost));
    this.ended = this.#untilEnd(lines);
    this.started = new Promise((resolve, reject) => {
      this.#onStart = (error) => (error ? reject(error) : resolve());
    });
    // Not everybody who starts a worker waits for it.
    this.started.catch(() => {});
    // What can't be sent any more is for a process that has ended.
    this.#child.send(start, () => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** It has not answered for so long that it never will. */
  get isHanging(): boolean {
    return this.#unanswered >= MAX_UNANSWERED;
  }

  /** Whether it serves clients, as far as is known. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** `report`, which also shows that it lives. */
  heartbeat(): Promise<ProcessUsage> {
    this.#unanswered += 1;
    return this.report();
  }

  /** What it takes now, or took when it reported last, if it has no time to answer. */
  async report(): Promise<ProcessUsage> {
    const reported = this.calls.processUsage().then(
      (usage) => {
        this.#usage = usage;
        this.#unanswered = 0;
      },
      () => {
        this.#usage = NO_USAGE;
      },
    );
    await Promise.race([reported, setTimeout(REPORT_TIMEOUT_MS, undefined, { ref: false })]);
    return this.#usage;
  }

  /**
   * Calls one of its methods and waits for the answer, though not for long.
   *
   * @param isLong - it may take many seconds
   * @throws {SeamUnavailable} by rejection: it can't be done now, or there was no answer in time
   */
  askInTime(call: string, args: readonly unknown[], isLong = false): Promise<unknown> {
    const timeoutMs = isLong ? LONG_CALL_TIMEOUT_MS : CALL_TIMEOUT_MS;
    const tooLate = setTimeout(timeoutMs, undefined, { ref: false }).then(() => {
      throw new SeamUnavailable(`a worker did not answer within ${timeoutMs / 1000} s`);
    });
    return Promise.race([this.#link.ask(call, args), tooLate]);
  }

  /** What it has counted; undefined if it has no time to answer, or nothing is counted. */
  async metrics(): Promise<Snapshot | undefined> {
    const counted = this.calls.metrics().then(
      ([snapshot]) => snapshot,
      () => undefined,
    );
    return Promise.race([counted, setTimeout(REPORT_TIMEOUT_MS, undefined, { ref: false })]);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(message: ToHost): void {
    if (isBatch(message)) {
      this.#link.receive(message);
      return;
    }
    switch (message.kind) {
      case 'listening':
        this.#isListening = true;
        this.#onStart();
        break;
      case 'failed':
        this.#onStart(Object.assign(new Error(message.message), { name: message.name, stack: message.stack }));
    }
  }

  async #untilEnd(lines: WholeLines): Promise<WorkerEnd> {
    const disconnected = once(this.#child, 'disconnect');
    const [code, signal] = (await once(this.#child, 'close')) as [number | null, NodeJS.Signals | null];
    await disconnected;
    lines.end();
    this.#isListening = false;
    this.#link.close();
    this.#onStart(new Error(`Worker ${this.number} ended with ${signal ?? code} while it started`));
    return { code, signal };
  }
}

/** Passes on whole lines of a stream, so that lines of several writers don't run into each other. */
export class WholeLines {
  readonly #write: (lines: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  take(chunk: Buffer): void {
    const text = this.#rest + this.#decoder.write(chunk);
    const end = text.lastIndexOf('\n') + 1;
    this.#rest = text.slice(end);
    if (end > 0) this.#write(text.slice(0, end));
  }

  /** There is nothing more: what is left is a line too. */
  end(): void {
    if (this.#rest !== '') this.#write(`${this.#rest}\n`);
    this.#rest = '';
  }
}
