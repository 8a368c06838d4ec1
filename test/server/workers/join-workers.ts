import { WorkerHost } from '../../../server/workers/host.ts';
import { HostLink } from '../../../server/workers/host-link.ts';
import type { HostedWorker } from '../../../server/workers/hosted-worker.ts';
import type { ToHost, ToWorker } from '../../../server/workers/wire.ts';
import { createWorkerSeams } from '../../../server/workers/worker-seams.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A worker's ends of its way to the host, which the test moves things along. */
export class JoinedWorker {
  readonly link: HostLink;
  readonly hosted: HostedWorker;
  /** Frames that were delivered to it. */
  readonly frames: string[] = [];
  /** Everything that the host sent it. */
  readonly received: ToWorker[] = [];

  constructor(host: WorkerHost) {
    this.hosted = host.add((batch, sent) => {
      const copy = JSON.parse(JSON.stringify(batch)) as ToWorker[];
      this.received.push(...copy);
      this.link.receive(copy);
      sent();
      return true;
    });
    this.link = new HostLink((batch, sent) => {
      this.hosted.receive(JSON.parse(JSON.stringify(batch)) as ToHost[]);
      sent();
      return true;
    });
    this.link.listen(({ frame }) => this.frames.push(frame));
  }

  get seams() {
    return createWorkerSeams(this.link);
  }

  /** Waits until all that it said has taken effect, and what came of that has arrived. */
  async settled(): Promise<void> {
    await this.link.ask('online', '', []);
  }
}

export function joinWorkers(): { host: WorkerHost; first: JoinedWorker; second: JoinedWorker } {
  const host = new WorkerHost({
    clock: new FakeClock(),
    failed: (error) => {
      throw error;
    },
  });
  return { host, first: new JoinedWorker(host), second: new JoinedWorker(host) };
}
