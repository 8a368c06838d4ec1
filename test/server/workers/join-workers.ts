import type { BrokerMessage } from '../../../channels/broker.ts';
import type { Edge } from '../../../channels/edge.ts';
import { type Batch, CallLink, type Post, remote } from '../../../server/workers/calls.ts';
import { type HostedWorker, WorkerHost } from '../../../server/workers/host.ts';
import { WORKER_CALLS, type WorkerMethods } from '../../../server/workers/messages.ts';
import { createWorkerSeams, SeamsInbox, type WorkerSeamsOptions } from '../../../server/workers/worker-seams.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A worker's end of its way to the host, and the host's. */
export class WorkerEnds {
  readonly link: CallLink;
  readonly hostLink: CallLink;
  readonly hosted: HostedWorker;
  readonly seams;

  /**
   * @param up - brings batches to `hostLink`
   * @param down - brings batches to `link`
   * @param failed - told of calls that failed
   */
  constructor(
    host: WorkerHost,
    up: Post,
    down: Post,
    failed: (error: unknown) => Error,
    { webhooksOf = () => [], onEdge }: Partial<WorkerSeamsOptions> = {},
  ) {
    const inbox = new SeamsInbox();
    const methods = {
      deliver: (message: BrokerMessage) => inbox.deliver(message),
      deliverCounted: (message: BrokerMessage) => inbox.deliverCounted(message),
      reportEdge: (edge: Edge) => inbox.reportEdge(edge),
      wakeOutbox: () => inbox.wakeOutbox(),
    };
    this.link = new CallLink({ post: up, methods, peer: 'the host', failed, answersFirst: true });
    this.hosted = host.add({
      deliver: (message) => calls.deliver(message),
      deliverCounted: (message) => calls.deliverCounted(message),
      report: (edge) => calls.reportEdge(edge),
      wakeOutbox: () => calls.wakeOutbox(),
    });
    this.hostLink = new CallLink({ post: down, methods: this.hosted.methods, peer: 'the worker', failed });
    const calls = remote<WorkerMethods, typeof WORKER_CALLS>(this.hostLink, WORKER_CALLS);
    this.seams = createWorkerSeams(this.link, inbox, { webhooksOf, onEdge });
  }

  die(): void {
    this.hostLink.close();
    this.hosted.remove();
  }
}

/** A worker that hears at once what the host says, and the other way round. */
export class JoinedWorker extends WorkerEnds {
  /** Frames that were delivered to it. */
  readonly frames: string[] = [];
  /** Everything that the host sent it. */
  readonly received: Batch[number][] = [];

  constructor(host: WorkerHost, options: Partial<WorkerSeamsOptions> = {}) {
    const post =
      (take: (batch: Batch) => void): Post =>
      (batch, sent) => {
        take(copyOf(batch));
        sent();
        return true;
      };
    super(
      host,
      post((batch) => this.hostLink.receive(batch)),
      post((batch) => {
        this.received.push(...batch);
        this.link.receive(batch);
      }),
      fail,
      options,
    );
    this.seams.broker.listen(({ frame }) => this.frames.push(frame));
  }

  /** Waits until all that it said has taken effect, and what came of that has arrived. */
  async settled(): Promise<void> {
    await this.seams.store.online('', []);
  }
}

/** The way between processes is JSON. */
export function copyOf(batch: Batch): Batch {
  return JSON.parse(JSON.stringify(batch)) as Batch;
}

export function fail(error: unknown): never {
  throw error;
}

export function joinWorkers(): { host: WorkerHost; first: JoinedWorker; second: JoinedWorker } {
  const host = new WorkerHost(new FakeClock());
  return { host, first: new JoinedWorker(host), second: new JoinedWorker(host) };
}
