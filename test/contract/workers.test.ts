import { MessageChannel } from 'node:worker_threads';
import type { Edge } from '../../channels/edge.ts';
import type { Batch, Post } from '../../server/workers/calls.ts';
import { WorkerHost } from '../../server/workers/host.ts';
import type { WorkerSeamsOptions } from '../../server/workers/worker-seams.ts';
import { fail, WorkerEnds } from '../server/workers/join-workers.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { describeBroker } from './broker-contract.ts';
import { describeChannelStore } from './channel-store-contract.ts';
import { describeEdges } from './edges-contract.ts';
import { describeOutbox, type OutboxFixtureOptions } from './outbox-contract.ts';
import { describeQuestions } from './questions-contract.ts';
import type { EdgesFixture, OutboxFixture } from './seams-fixture.ts';

/** A host and three workers, joined as processes are: by text, and each with a way of its own. */
async function createSeamsOfWorkers({
  webhooksOf = () => [],
  graceMs = 0,
}: Partial<OutboxFixtureOptions> = {}): Promise<EdgesFixture & OutboxFixture> {
  const clock = new FakeClock();
  const host = new WorkerHost(clock, { graceMs });
  const edges: Edge[] = [];
  const create = () => addWorker(host, { webhooksOf, onEdge: (edge) => edges.push(edge) });
  const first = create();
  const all = [first, create(), create()];
  const alive = new Set(all);
  return {
    edges,
    graceMs,
    nodes: [first.seams, ...all.slice(1).map(({ seams }) => seams)],
    // An answer comes after all that was posted before the question; the second round is for what the first caused.
    settled: async () => {
      for (let round = 0; round < 2; round += 1) {
        for (const { seams } of alive) await seams.store.online('', []);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    now: clock.now,
    pass: async (seconds) => clock.advance(seconds * 1000),
    kill: async (node) => {
      const worker = all[node];
      if (!worker) throw new Error('no such worker');
      alive.delete(worker);
      worker.die();
    },
    dispose: async () => {
      for (const { close } of all) close();
      host.close();
    },
  };
}

function addWorker(host: WorkerHost, options: WorkerSeamsOptions) {
  const { port1, port2 } = new MessageChannel();
  const ends = new WorkerEnds(host, postTo(port1), postTo(port2), fail, options);
  const { link, hostLink, seams } = ends;
  port1.on('message', (text: string) => link.receive(JSON.parse(text) as Batch));
  port2.on('message', (text: string) => hostLink.receive(JSON.parse(text) as Batch));
  const close = (): void => {
    port1.close();
    link.close();
  };
  const die = (): void => {
    close();
    ends.die();
  };
  return { seams, close, die };
}

function postTo(port: MessageChannel['port1']): Post {
  return (batch, sent) => {
    port.postMessage(JSON.stringify(batch));
    sent();
    return true;
  };
}

describeBroker('workers', createSeamsOfWorkers);
describeChannelStore('workers', createSeamsOfWorkers);
describeQuestions('workers', createSeamsOfWorkers);
describeEdges('workers', createSeamsOfWorkers);
describeOutbox('workers', createSeamsOfWorkers);
