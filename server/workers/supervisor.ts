import { availableParallelism } from 'node:os';
import { SeamUnavailable } from '../../channels/broker.ts';
import type { Fleet } from '../admin/fleet.ts';
import { Backoff } from '../backoff.ts';
import { claimPort } from '../claim-port.ts';
import { systemClock } from '../clock.ts';
import type { Settings } from '../config/index.ts';
import { isTerminal, type Logger } from '../log.ts';
import { AppNames, Collection, type Snapshot } from '../metrics/collection.ts';
import { MAIN_PROCESS, ProcessFigures } from '../metrics/process-figures.ts';
import { WorkerTotals } from '../metrics/worker-totals.ts';
import { createJournal } from '../seams.ts';
import type { Parting } from '../server.ts';
import { processUsage, sumUsage, type Usage } from '../usage.ts';
import { remote } from './calls.ts';
import { WorkerHost } from './host.ts';
import { FLEET_CALLS, type HostMethods, WORKER_LAYOUT, type WorkerStart } from './messages.ts';
import { type WorkerEnd, WorkerProcess } from './worker-process.ts';

/** What may have to wait for a target, or goes through many dead letters. */
const LONG_CALLS: ReadonlySet<string> = new Set(['testWebhook', 'replayDeadLetters'] satisfies (keyof Fleet)[]);
/** How often workers are looked after. */
const HEARTBEAT_MS = 1000;

/**
 * How many workers a setting means.
 *
 * @param platform - only Linux spreads the connections of a port over all who listen on it
 */
export function workerCount(workers: Settings['workers'], log: Logger, platform = process.platform): number {
  const wanted = workers === 'auto' ? availableParallelism() : workers;
  if (wanted === 1 || platform === 'linux') return wanted;
  log.warn(
    { workers, platform },
    'workers need Linux, where the system spreads connections over them: there is one only',
  );
  return 1;
}

/**
 * Runs workers that share a port: joins them, replaces those that die, and stops them. Serves no client itself.
 *
 * A worker is a process, not a thread: uWebSockets.js leaves its sockets to the event loop, and Node.js aborts the whole
 * process when a thread ends while its loop has some. A process can run out of memory, hang or crash by itself.
 */
export class Supervisor {
  readonly port: number;
  /** All nodes, reached through a worker. */
  readonly fleet: Fleet = {
    ...remote<Fleet, typeof FLEET_CALLS>(
      {
        ask: async (call, args) => this.#anyWorker().askInTime(call, args, LONG_CALLS.has(call)),
        tell: () => {},
      },
      FLEET_CALLS,
    ),
    metrics: () => this.#metrics(),
  };
  #settings: Settings;
  readonly #log: Logger;
  readonly #host: WorkerHost;
  readonly #print: (lines: string) => void;
  readonly #workers = new Set<WorkerProcess>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #totals = new WorkerTotals<WorkerProcess>();
  readonly #ownFigures: ProcessFigures | undefined;
  #areStarted = false;
  #isStopping = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(settings: Settings, port: number, log: Logger, print: (lines: string) => void) {
    this.#print = print;
    this.#settings = { ...settings, port };
    this.port = port;
    this.#log = log;
    this.#ownFigures = settings.metrics.enabled ? new ProcessFigures(MAIN_PROCESS) : undefined;
    this.#host = new WorkerHost(systemClock, {
      graceMs: settings.webhooks.graceSeconds * 1000,
      // With Redis each worker is a node, whose outbox is there.
      journal: settings.adapter.driver === 'local' ? createJournal(settings, systemClock, log) : undefined,
    });
    process.once('exit', this.#killAll);
  }

  /**
   * @param print - writes lines that a worker logged
   * @param sharesPort - another process of this user listens on the port, until this one does
   * @throws {Error} why the port can't be had, or what the first worker that failed says
   */
  static async start(
    settings: Settings,
    count: number,
    log: Logger,
    print: (lines: string) => void,
    sharesPort = false,
  ): Promise<Supervisor> {
    const address = { host: settings.host, port: settings.port, isTls: settings.ssl.certPath !== '' };
    const port = sharesPort ? settings.port : await claimPort(address, log);
    const supervisor = new Supervisor(settings, port, log, print);
    const workers = Array.from({ length: count }, (_, index) => supervisor.#run(index + 1, new Backoff()));
    try {
      await Promise.race([Promise.all(workers.map(({ started }) => started)), ...workers.map(failAtEnd)]);
    } catch (error) {
      supervisor.#isStopping = true;
      supervisor.kill();
      await Promise.all(workers.map(({ ended }) => ended));
      throw error;
    }
    supervisor.#areStarted = true;
    await supervisor.#lookAfter();
    // They take one thing after the other: once they answer this, they know that all are started.
    await supervisor.#usage();
    return supervisor;
  }

  /** Takes other apps, and limits that they fall back to, on all workers, and on those that start later. Resolves when they hold. */
  async replaceApps(settings: Settings): Promise<void> {
    this.#settings = { ...settings, port: this.port };
    for (const worker of this.#workers) worker.calls.replaceApps(this.#settings);
    // They take one thing after the other.
    await this.#usage();
  }

  /** Apps that are kept elsewhere may be different now. */
  refreshApps(): void {
    for (const worker of this.#workers) worker.calls.refreshApps();
  }

  /** Parts from the clients of all workers, then ends. A second call changes nothing. */
  stop(how?: Parting): Promise<void> {
    this.#stopping ??= this.#stop(how);
    return this.#stopping;
  }

  /** Ends at once. */
  kill(): void {
    clearTimeout(this.#heartbeat);
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#killAll();
    process.off('exit', this.#killAll);
    this.#ownFigures?.stop();
    this.#host.close();
  }

  async #stop(how: Parting | undefined): Promise<void> {
    this.#isStopping = true;
    if (how === 'takeover') this.#host.outbox.handOver();
    for (const timer of this.#restarts) clearTimeout(timer);
    const workers = [...this.#workers];
    // A worker without clients waits for those of the others: a load balancer does not tell workers apart.
    const { connections } = await this.#usage();
    // All of them, before the first client comes back: the one that it reached would cut it off a moment later.
    const hasClients = connections > 0;
    await Promise.allSettled(workers.map(({ calls }) => calls.stopListening({ how, hasClients })));
    // All go on telling load balancers and clients that they stop, until the last is done.
    await Promise.allSettled(workers.map(({ calls }) => calls.part({ how })));
    for (const { calls } of workers) calls.end();
    await Promise.all(workers.map(({ ended }) => ended));
    this.kill();
  }

  #run(number: number, backoff: Backoff): WorkerProcess {
    const start: WorkerStart = {
      kind: 'start',
      layout: WORKER_LAYOUT,
      worker: number,
      settings: this.#settings,
      areStarted: this.#areStarted,
      isTerminal: isTerminal(),
    };
    const hosted = this.#host.add({
      deliver: (message) => worker.calls.deliver(message),
      deliverCounted: (message) => worker.calls.deliverCounted(message),
      report: (edge) => worker.calls.reportEdge(edge),
      wakeOutbox: () => worker.calls.wakeOutbox(),
    });
    const methods: HostMethods = {
      ...hosted.methods,
      usage: () => this.#usage(),
      shareRates: (uses) => {
        for (const other of this.#workers) if (other !== worker) other.calls.takeRates(uses);
      },
    };
    const failed = (error: unknown, during: string): Error => {
      this.#log.error({ err: error, during }, 'unexpected failure');
      return new SeamUnavailable('the main process failed to do it');
    };
    const worker = new WorkerProcess(start, { methods, failed }, this.#print);
    this.#workers.add(worker);
    this.#totals.began(worker);
    void worker.ended.then((end) => {
      this.#workers.delete(worker);
      this.#totals.ended(worker, this.#areStarted && !this.#isStopping);
      hosted.remove();
      if (this.#areStarted && !this.#isStopping) this.#replace(number, backoff, end);
    });
    worker.started.then(
      () => {
        backoff.started(performance.now());
        this.#log.info({ worker: number, pid: worker.pid }, 'worker started');
      },
      // Why a first start failed is told by whoever called for it.
      (error: unknown) => this.#areStarted && this.#log.error({ err: error, worker: number }, 'worker failed to start'),
    );
    return worker;
  }

  #replace(worker: number, backoff: Backoff, { code, signal }: WorkerEnd): void {
    const delayMs = backoff.ended(performance.now());
    this.#log.error(
      { worker, code, signal, delayMs },
      'worker ended: its members and counts are taken out, a new one starts',
    );
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#run(worker, backoff);
    }, delayMs);
    this.#restarts.add(timer);
  }

  /** Once a second: ends workers that hang, and tells all of them how it stands. */
  async #lookAfter(): Promise<void> {
    for (const worker of this.#workers) {
      if (!worker.isHanging) continue;
      this.#log.error({ worker: worker.number, pid: worker.pid }, 'worker does not answer any more and is ended');
      worker.kill();
    }
    const reports = await Promise.all([...this.#workers].map((worker) => worker.heartbeat()));
    const usage = sumUsage([processUsage(), ...reports]);
    for (const worker of this.#workers) worker.calls.status(this.#areStarted, usage);
    if (this.#workers.size > 0 || !this.#isStopping)
      this.#heartbeat = setTimeout(() => void this.#lookAfter(), HEARTBEAT_MS);
  }

  #anyWorker(): WorkerProcess {
    for (const worker of this.#workers) if (worker.isListening && !worker.isHanging) return worker;
    throw new SeamUnavailable('no worker is running');
  }

  async #usage(): Promise<Usage> {
    const reports = await Promise.all([...this.#workers].map((worker) => worker.report()));
    return sumUsage([processUsage(), ...reports]);
  }

  async #metrics(): Promise<readonly Snapshot[]> {
    if (!this.#ownFigures) return [];
    await Promise.all(
      [...this.#workers].map(async (worker) => {
        const snapshot = await worker.metrics();
        if (snapshot) this.#totals.note(worker, snapshot);
      }),
    );
    const own = new Collection(new AppNames());
    this.#ownFigures.put(own.put);
    return [this.#totals.total(), own.snapshot()];
  }

  readonly #killAll = (): void => {
    for (const worker of this.#workers) worker.kill();
  };
}

/** Rejects when a worker ends, with why it could not start if that is it. */
async function failAtEnd(worker: WorkerProcess): Promise<never> {
  const { code, signal } = await worker.ended;
  await worker.started;
  throw new Error(`Worker ${worker.number} ended with ${signal ?? code} before all were started`);
}
