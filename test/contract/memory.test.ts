import { setImmediate } from 'node:timers/promises';
import type { Edge } from '../../channels/edge.ts';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { MemoryChannelStore } from '../../channels/memory-channel-store.ts';
import { createMemorySeams as createSeams } from '../../server/seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { describeBroker } from './broker-contract.ts';
import { describeChannelStore } from './channel-store-contract.ts';
import { describeEdges } from './edges-contract.ts';
import { describeOutbox, type OutboxFixtureOptions } from './outbox-contract.ts';
import { describeQuestions } from './questions-contract.ts';
import type { EdgesFixture, OutboxFixture, SeamsFixture } from './seams-fixture.ts';

async function createMemorySeams(): Promise<EdgesFixture> {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  const edges: Edge[] = [];
  const store = new MemoryChannelStore(
    clock,
    (message) => broker.publish(message),
    () => (edge) => edges.push(edge),
  );
  return {
    edges,
    nodes: [{ broker, store }],
    settled: async () => {},
    now: clock.now,
    pass: async (seconds) => clock.advance(seconds * 1000),
    dispose: async () => {
      broker.close();
      store.close();
    },
  };
}

/** The same, but every answer comes later: shows that the suites wait for answers. */
async function createLateSeams(): Promise<SeamsFixture> {
  const fixture = await createMemorySeams();
  const [{ broker, store }] = fixture.nodes;
  return { ...fixture, nodes: [{ broker: late(broker), store: late(store) }] };
}

const WITHOUT_ANSWER = new Set(['listen', 'setSubscriptionCount', 'announceSubscriptionCount', 'removeConnection']);

function late<T extends object>(seam: T): T {
  return new Proxy(seam, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const call = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
      return WITHOUT_ANSWER.has(String(name)) ? call : async (...args: unknown[]) => call(...args);
    },
  });
}

/** As the server puts them together. */
async function createMemoryOutbox({ webhooksOf, graceMs }: OutboxFixtureOptions): Promise<OutboxFixture> {
  const clock = new FakeClock();
  const seams = createSeams(clock, { webhooksOf, graceMs });
  return {
    graceMs,
    nodes: [seams],
    settled: async () => setImmediate(),
    now: clock.now,
    pass: async (seconds) => clock.advance(seconds * 1000),
    kill: undefined,
    dispose: () => seams.stop(),
  };
}

describeBroker('memory', createMemorySeams);
describeChannelStore('memory', createMemorySeams);
describeQuestions('memory', createMemorySeams);
describeEdges('memory', createMemorySeams);
describeOutbox('memory', createMemoryOutbox);
describeBroker('memory with late answers', createLateSeams);
describeChannelStore('memory with late answers', createLateSeams);
