import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type BrokerOptions, type BrokerProcess, startProcess } from './process.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

/** A broker with workers, and which worker has which connection: the system knows, by the sockets of each process. */
export class WorkersBroker {
  readonly broker: BrokerProcess;
  readonly count: number;
  readonly #client: ClientOptions;

  private constructor(broker: BrokerProcess, count: number, client: ClientOptions) {
    this.broker = broker;
    this.count = count;
    this.#client = client;
  }

  /** @param client - how clients connect */
  static async start(
    { settings, ...options }: BrokerOptions = {},
    count = 2,
    client: ClientOptions = {},
  ): Promise<WorkersBroker> {
    const broker = await startProcess({ ...options, settings: { workers: count, ...settings } });
    return new WorkersBroker(broker, count, client);
  }

  /** Process ids by number of the worker; of one that was replaced the latest. */
  get pids(): ReadonlyMap<number, number> {
    const started = this.broker.log.filter(({ msg }) => msg === 'worker started');
    return new Map(started.map(({ worker, pid }) => [Number(worker), Number(pid)]));
  }

  pid(worker: number): number {
    const pid = this.pids.get(worker);
    if (pid === undefined) throw new Error(`no worker ${worker}`);
    return pid;
  }

  /** How many connections each worker has, in the order of their numbers. */
  get spread(): readonly number[] {
    const sockets = establishedSockets(this.broker.port);
    return [...this.pids.entries()].sort(([a], [b]) => a - b).map(([, pid]) => socketsOf(pid, sockets).length);
  }

  /** The worker that has each of some clients. */
  workersOf(clients: readonly RawClient[]): number[] {
    const workers = this.#workersByPort();
    return clients.map((client) => {
      const port = localPortOf((client.ws as unknown as { _socket: Socket })._socket);
      const worker = workers.get(port);
      if (worker === undefined) throw new Error(`no worker has the connection from port ${port}`);
      return worker;
    });
  }

  /** One client on each worker, in the order of their numbers. Those that came too many are closed. */
  async clientOfEach(): Promise<RawClient[]> {
    const clients = new Map<number, RawClient>();
    while (clients.size < this.count) {
      const client = await RawClient.connect(this.broker.wsUrl, this.#client);
      const [worker = 0] = this.workersOf([client]);
      if (clients.has(worker)) await client.close();
      else clients.set(worker, client);
    }
    return [...clients].sort(([a], [b]) => a - b).map(([, client]) => client);
  }

  /** Asks each worker over HTTP. The answers in the order of their numbers, as `200 OK`. */
  async getFromEach(path: string): Promise<string[]> {
    const answers = new Map<number, string>();
    while (answers.size < this.count) {
      const { worker, answer } = await this.#get(path);
      answers.set(worker, answer);
    }
    return [...answers].sort(([a], [b]) => a - b).map(([, answer]) => answer);
  }

  /** On a connection of its own, of which is looked up first who has it: the answer may be its last. */
  async #get(path: string): Promise<{ worker: number; answer: string }> {
    const socket = connect(this.broker.port, '127.0.0.1');
    await once(socket, 'connect');
    let worker: number | undefined;
    await until(() => {
      worker = this.#workersByPort().get(localPortOf(socket));
      return worker !== undefined;
    });
    const asking = request(`${this.broker.url}${path}`, { createConnection: () => socket });
    asking.end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    socket.destroy();
    return { worker: worker ?? 0, answer: `${response.statusCode} ${text}` };
  }

  /** By the port at the other end. */
  #workersByPort(): Map<number, number> {
    const sockets = establishedSockets(this.broker.port);
    const pairs = [...this.pids].flatMap(([worker, pid]) =>
      socketsOf(pid, sockets).map(({ remotePort }) => [remotePort, worker] as const),
    );
    return new Map(pairs);
  }
}

type ClientOptions = Parameters<typeof RawClient.connect>[1];

interface EstablishedSocket {
  readonly remotePort: number;
  readonly inode: string;
}

const ESTABLISHED = '01';

/** The broker's ends of its connections, see proc(5). */
function establishedSockets(port: number): EstablishedSocket[] {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === ESTABLISHED && portOf(local) === port)
    .map(([, , remote, , , , , , , inode]) => ({ remotePort: portOf(remote), inode: inode ?? '' }));
}

function portOf(address = ''): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}

function socketsOf(pid: number, sockets: readonly EstablishedSocket[]): EstablishedSocket[] {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkTarget(`/proc/${pid}/fd/${fd}`)));
  return sockets.filter(({ inode }) => open.has(`socket:[${inode}]`));
}

/** Descriptors come and go while one looks. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function localPortOf(socket: Socket): number {
  return socket.localPort ?? 0;
}
