import { type ChildProcess, fork } from 'node:child_process';
import { Backoff } from '../backoff.ts';
import { randomCredentials } from '../config/credentials.ts';
import { createLog, type Logger, openStandardOutput } from '../log.ts';
import type { Output } from '../output.ts';
import { EXIT_FAILURE, onHangup } from './exit.ts';
import {
  type ListeningMessage,
  SUPERVISION_VERSION,
  type Supervision,
  type SupervisorMessage,
  writeMadeApp,
} from './supervision.ts';

/** Time for a broker to listen in a takeover: it may wait ten seconds for Redis. */
const READY_MS = 30_000;
/** Time for a broker to exit after it was told to. */
const LEAVE_MS = 60_000;

/** A broker as a child process. */
interface Broker {
  readonly process: ChildProcess;
  readonly pid: number | undefined;
  isListening: boolean;
  /** How it ended, once it has. */
  end: string | undefined;
}

/**
 * Runs `kulkul start` in a child process: restarts it when it dies, and on SIGUSR2 lets the next one take over its port and clients, with a new configuration or
 * a new version of the package. Does not return.
 *
 * @param args - of the command line, without `--supervised`
 */
export async function supervise(args: readonly string[]): Promise<void> {
  const output = openStandardOutput();
  new SupervisingProcess(args, output, await createLog({ level: 'info', format: 'auto' }, output)).run();
}

class SupervisingProcess {
  readonly #args: readonly string[];
  readonly #output: Output;
  readonly #env = writeMadeApp(process.env, randomCredentials());
  readonly #backoff = new Backoff();
  readonly #leaving = new Set<Broker>();
  /** The one that has the clients. */
  #current: Broker | undefined;
  /** The one that is to take over. */
  #next: Broker | undefined;
  #log: Logger;
  #port: number | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;
  #exitCode = 0;

  /** @param log - used until a broker has reported the operator's log settings */
  constructor(args: readonly string[], output: Output, log: Logger) {
    this.#args = args;
    this.#output = output;
    this.#log = log;
  }

  run(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#stop(signal));
    process.on('SIGUSR2', () => this.#takeOver());
    onHangup((isTerminalClosed) => {
      if (isTerminalClosed) process.exit(EXIT_FAILURE);
      if (this.#current) this.#tell(this.#current, { kind: 'reload' });
    });
    // However this process ends, no broker may outlive it: nobody could stop or replace it.
    process.on('exit', () => {
      for (const broker of this.#brokers()) broker.process.kill('SIGKILL');
    });
    this.#backoff.started(performance.now());
    this.#current = this.#start(false);
  }

  #brokers(): Broker[] {
    return [this.#current, this.#next, ...this.#leaving].filter((broker) => broker !== undefined);
  }

  #start(isTakeover: boolean): Broker {
    const supervision: Supervision = { version: SUPERVISION_VERSION, port: this.#port ?? null, isTakeover };
    // The path is not resolved: where it is a link to the present release, the next start finds the next release.
    const child = fork(process.argv[1] ?? '', [...this.#args, '--supervision', JSON.stringify(supervision)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: this.#env,
    });
    const broker: Broker = { process: child, pid: child.pid, isListening: false, end: undefined };
    child.on('message', (message) => this.#listens(broker, message as ListeningMessage));
    child.on('error', (error) => {
      this.#log.error({ err: error, pid: broker.pid }, 'a broker could not be started or signalled');
      if (broker.pid === undefined) this.#ended(broker, EXIT_FAILURE, 'not started');
    });
    child.on('close', (code, signal) => this.#ended(broker, code ?? EXIT_FAILURE, signal ?? `code ${code}`));
    return broker;
  }

  #listens(broker: Broker, { port, log }: ListeningMessage): void {
    broker.isListening = true;
    this.#port = port;
    void createLog(log, this.#output).then((own) => {
      this.#log = own;
    });
    this.#backoff.started(performance.now());
    if (broker !== this.#next) return;
    const former = this.#current;
    this.#next = undefined;
    this.#current = broker;
    if (former && former.end === undefined) this.#sendAway(former, broker);
  }

  #sendAway(former: Broker, successor: Broker): void {
    this.#log.info(
      { pid: successor.pid, former: former.pid },
      'takeover: the next broker listens, the former one leaves',
    );
    this.#leaving.add(former);
    this.#tell(former, { kind: 'leave' });
    const timer = setTimeout(() => {
      this.#log.error(
        { pid: former.pid, seconds: LEAVE_MS / 1000 },
        'takeover: the former broker does not exit, and is killed',
      );
      former.process.kill('SIGKILL');
    }, LEAVE_MS);
    former.process.once('close', () => clearTimeout(timer));
  }

  #takeOver(): void {
    if (this.#isStopping) return;
    if (this.#next || !this.#current?.isListening || this.#current.end !== undefined) {
      this.#log.warn('takeover: not now, a broker is already being started');
      return;
    }
    this.#log.info({ former: this.#current.pid }, 'takeover: starting the next broker');
    const next = this.#start(true);
    this.#next = next;
    const timer = setTimeout(() => {
      if (this.#next !== next) return;
      this.#log.error({ pid: next.pid, seconds: READY_MS / 1000 }, 'takeover: the next broker does not listen in time');
      next.process.kill('SIGKILL');
    }, READY_MS);
    next.process.once('close', () => clearTimeout(timer));
  }

  #ended(broker: Broker, code: number, end: string): void {
    broker.end = end;
    this.#leaving.delete(broker);
    if (broker === this.#next) {
      this.#next = undefined;
      const facts = { pid: broker.pid, end };
      if (!this.#isStopping)
        this.#log.error(
          facts,
          'takeover failed: the next broker exited before it listened, see above. The running one stays',
        );
      if (this.#current?.end !== undefined && !this.#isStopping) this.#startLater(this.#current);
    } else if (broker === this.#current) {
      if (this.#isStopping) this.#exitCode = code;
      else if (this.#port === undefined) process.exit(code);
      // Otherwise the one that is being started takes its place.
      else if (this.#next === undefined) this.#startLater(broker);
    } else {
      this.#log.info({ pid: broker.pid, end }, 'takeover: the former broker has ended');
    }
    if (this.#isStopping && this.#brokers().every(({ end }) => end !== undefined)) process.exit(this.#exitCode);
  }

  #startLater({ pid, end }: Broker): void {
    const delayMs = this.#backoff.ended(performance.now());
    this.#log.error({ pid, end, delayMs }, 'the broker exited unexpectedly: it is restarted');
    this.#restart = setTimeout(() => {
      this.#backoff.started(performance.now());
      this.#current = this.#start(false);
    }, delayMs);
  }

  #stop(signal: NodeJS.Signals): void {
    clearTimeout(this.#restart);
    this.#isStopping = true;
    for (const broker of this.#brokers()) this.#tell(broker, { kind: 'stop', signal });
    if (this.#brokers().every(({ end }) => end !== undefined)) process.exit(this.#exitCode);
  }

  #tell({ process: child }: Broker, message: SupervisorMessage): void {
    // One that can't receive messages any more has exited.
    if (child.connected) child.send(message, () => {});
  }
}
