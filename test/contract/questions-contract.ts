import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Question } from '../../channels/node-questions.ts';
import { NODES_APP } from '../../channels/nodes-channel.ts';
import { TestNode } from '../channels/test-node.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/until.ts';
import type { CreateSeams, SeamsFixture } from './seams-fixture.ts';

/** What seams must make possible for nodes that ask each other; to be run on each implementation. */
export function describeQuestions(name: string, create: CreateSeams): void {
  describe(`questions between nodes: ${name}`, () => {
    let fixture: SeamsFixture;
    let nodes: TestNode[];
    let notices: string[];
    beforeEach(async () => {
      fixture = await create();
      notices = [];
      nodes = fixture.nodes.map((seams, index) => {
        const node = new TestNode({ seams, clock: new FakeClock(), nodeId: `node ${index}` });
        const { questions } = node.node;
        questions.answer = ({ kind, text }: Question, from) => (kind === 'say' ? `${text} to ${from}` : undefined);
        questions.takeNotice = ({ text }, from) => notices.push(`${questions.nodeId} heard ${text} from ${from}`);
        return node;
      });
      for (const { node } of nodes) await node.questions.start();
    });
    afterEach(async () => {
      expect(nodes.flatMap(({ failures }) => failures)).toEqual([]);
      await fixture.dispose();
    });

    const at = (index: number): TestNode => nodes.at(index) ?? expect.fail('no node');
    const ids = (): string[] => nodes.map(({ node }) => node.questions.nodeId);

    test('how many nodes there are is known', async () => {
      for (const { node } of nodes) expect(await node.store.nodeCount()).toBe(nodes.length);
    });

    test('all nodes answer, and nobody waits for longer than that', async () => {
      for (const asker of [at(0), at(-1)]) {
        const { questions } = asker.node;
        const { answers, silent } = await questions.ask({ kind: 'say', text: 'yes' });
        expect([...answers].sort()).toEqual(ids().map((id) => [id, `yes to ${questions.nodeId}`]));
        expect(silent).toEqual([]);
      }
    });

    test('nodes that have nothing to say are not waited for', async () => {
      const { answers, silent } = await at(0).node.questions.ask({ kind: 'of a later version' });
      expect([answers.size, silent]).toEqual([0, []]);
    });

    test('a node that does not answer is named after two seconds', async () => {
      const { questions } = at(0).node;
      await questions.ask({ kind: 'say', text: 'who is there' });
      if (nodes.length > 1) at(-1).node.questions.answer = () => new Promise(() => {});
      const asking = questions.ask({ kind: 'say', text: 'yes' });
      let isAnswered = false;
      void asking.then(() => {
        isAnswered = true;
      });
      await until(async () => {
        at(0).clock.advance(100);
        await fixture.settled();
        return isAnswered;
      });
      const { answers, silent } = await asking;
      const [last = ''] = nodes.length > 1 ? ids().slice(-1) : [];
      expect(silent).toEqual(last === '' ? [] : [last]);
      expect(answers.has(last)).toBe(false);
      expect(answers.get('node 0')).toBe('yes to node 0');
    });

    test('a node tells another one something, and only that one', async () => {
      await at(-1).node.questions.listen();
      at(0).node.questions.tell(at(-1).node.questions.nodeId, { text: 'news' });
      await until(() => notices.length > 0);
      await fixture.settled();
      expect(notices).toEqual([`${at(-1).node.questions.nodeId} heard news from node 0`]);
    });

    test('what somebody else puts there is passed over', async () => {
      const { broker, questions } = at(0).node;
      await questions.listen();
      const frames = [
        '',
        '[]',
        '{"from":1}',
        '{"from":"x","id":1,"question":{"kind":1}}',
        `{"from":"${'x'.repeat(101)}"}`,
      ];
      for (const channel of ['#questions', '#answers-node 0']) {
        for (const frame of frames) await broker.publish({ appId: NODES_APP, channel, frame });
      }
      await broker.publish({ appId: NODES_APP, channel: '#answers-node 0', frame: '{"from":"x","id":7,"answer":1}' });
      await fixture.settled();
      const { answers } = await questions.ask({ kind: 'say', text: 'yes' });
      expect([...answers.keys()].sort()).toEqual(ids());
    });
  });
}
