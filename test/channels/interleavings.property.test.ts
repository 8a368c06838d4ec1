import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { ObservedFacts } from '../support/observed-facts.ts';
import { type TestClient, TestNode } from './test-node.ts';

const ROOM = 'presence-room';
const USERS = ['ann', 'bob'] as const;

type Step =
  | { readonly do: 'subscribe'; readonly client: number; readonly user: string }
  | { readonly do: 'unsubscribe' | 'vanish'; readonly client: number }
  | { readonly do: 'answer' };

const client = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('subscribe' as const), client, user: fc.constantFrom(...USERS) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('unsubscribe' as const, 'vanish' as const), client }) },
  { weight: 5, arbitrary: fc.constant({ do: 'answer' as const }) },
);

/** What a page knows of the members by what it was told, as pusher-js keeps it. */
function membersKnownTo(frames: readonly string[]): Set<string> {
  let known = new Set<string>();
  for (const frame of frames) {
    const { event, data } = JSON.parse(frame);
    if (event === 'pusher_internal:subscription_succeeded') {
      const { presence } = JSON.parse(data);
      known = new Set(presence.ids);
      expect(presence.count).toBe(known.size);
    } else if (event === 'pusher_internal:member_added') {
      const id = JSON.parse(data).user_id;
      expect(known.has(id), `${id} was added twice`).toBe(false);
      known.add(id);
    } else if (event === 'pusher_internal:member_removed') {
      const id = JSON.parse(data).user_id;
      expect(known.delete(id), `${id} was removed without having been there`).toBe(true);
    }
  }
  return known;
}

test('every subscriber, and who observes edges, knows the members of a presence channel, whenever the slow store answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const clock = new FakeClock();
      const observed = new ObservedFacts();
      const seams = new DelayedSeams(clock, (edge) => observed.take(edge));
      const server = new TestNode({ clock, seams });
      const slots: TestClient[] = [0, 1, 2, 3].map(() => server.connect());
      seams.isSlow = true;
      for (const each of steps) {
        const current = each.do === 'answer' ? undefined : slots[each.client];
        if (each.do === 'answer') await seams.answer();
        else if (each.do === 'subscribe') current?.subscribe(ROOM, JSON.stringify({ user_id: each.user }));
        else if (each.do === 'unsubscribe') current?.unsubscribe(ROOM);
        else {
          current?.vanish();
          seams.isSlow = false;
          slots[each.client] = server.connect();
          seams.isSlow = true;
        }
      }
      await seams.answerAll();
      seams.isSlow = false;

      const actual = (await seams.store.members('3', ROOM)).members.map(({ userId }) => userId);
      const subscribed = slots.filter(({ connection }) => connection?.subscriptions.has(ROOM));
      const users = subscribed.map(({ connection }) => connection?.subscriptions.get(ROOM)?.member?.userId);
      expect(new Set(actual)).toEqual(new Set(users));
      for (const { frames } of subscribed) expect(membersKnownTo(frames)).toEqual(new Set(actual));

      expect(observed.members).toEqual(new Set(actual.map((id) => `${ROOM} ${id}`)));
      expect(observed.occupied).toEqual(new Set(actual.length > 0 ? [ROOM] : []));

      for (const each of slots) each.vanish();
      expect((await seams.store.members('3', ROOM)).members).toEqual([]);
      expect([...observed.members, ...observed.occupied, ...observed.contradictions]).toEqual([]);
      expect([...seams.subscribed]).toEqual([]);
      expect(server.node.channels.size).toBe(0);
      expect(server.failures).toEqual([]);
    }),
    { numRuns: atLength(60, 200) },
  );
});
