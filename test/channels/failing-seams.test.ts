import { describe, expect, test } from 'vitest';
import { createSlow, expectNothingLeft, SCENARIOS } from './slow-node.ts';

describe('a seam that fails', () => {
  for (const isDone of [false, true]) {
    const how = isDone ? 'with only its answer lost' : 'without having done anything';
    for (const [name, { app, run }] of Object.entries(SCENARIOS)) {
      test(`costs only the command, ${how}, at any point of ${name}`, async () => {
        for (let answered = 0; ; answered += 1) {
          const slow = createSlow(app);
          const { seams, node } = slow;
          const client = slow.test.connect();
          const witness = slow.test.connect();
          witness.subscribe('elsewhere');
          witness.take();
          seams.isSlow = true;
          run(client);
          for (let step = 0; step < answered; step += 1) await seams.answer();
          const wasLast = !(await seams.answer({ error: new Error('far away'), isDone }));
          await seams.answerAll();
          seams.isSlow = false;

          const told = client.take();
          if (!wasLast)
            expect(slow.test.failures.splice(0).map(({ error }) => String(error))).toEqual(['Error: far away']);
          expect(told.filter((frame) => frame.includes('far away'))).toEqual([]);
          expect(client.closedWith).toBeUndefined();
          expect(client.ask('{"event":"pusher:ping"}')).toEqual(['{"event":"pusher:pong","data":"{}"}']);
          await seams.broker.publish({ appId: '3', channel: 'elsewhere', frame: 'hello' });
          expect(witness.take()).toEqual(['hello']);
          // The same works once the seam does.
          client.subscribe('again');
          expect(client.take()[0]).toContain('subscription_succeeded');

          client.vanish();
          witness.vanish();
          expect([...node.channels.keys()]).toEqual([]);
          await expectNothingLeft(slow);
          if (wasLast) break;
        }
      });
    }
  }

  test('tells the channel, so that a page can show it', async () => {
    const { seams, test: slow } = createSlow();
    const client = slow.connect();
    seams.isSlow = true;
    client.subscribe('presence-room', '{"user_id":"ann"}');
    await seams.answer();
    await seams.answer({ error: new Error('far away') });
    await seams.answerAll();
    const text = 'Subscription to presence-room failed, the server could not do it right now: try again later';
    expect(client.take().map((frame) => JSON.parse(frame))).toEqual([
      { event: 'pusher:error', data: { code: null, message: text } },
      {
        event: 'pusher:subscription_error',
        channel: 'presence-room',
        data: JSON.stringify({ type: 'ServerError', error: text, status: 503 }),
      },
    ]);
    expect(slow.refused).toEqual(['temporarily-unavailable']);
  });

  test('refuses a client that is connecting, and does not count it', async () => {
    const slow = createSlow();
    slow.seams.isSlow = true;
    const client = slow.test.open();
    const refused = expect(client.connecting).rejects.toThrow('far away');
    await slow.seams.answer({ error: new Error('far away') });
    await refused;
    await expectNothingLeft(slow);
  });

  test('is told to the observer when nobody waits for the answer', async () => {
    const { seams, test: slow } = createSlow();
    const client = slow.connect();
    client.subscribe('presence-room', '{"user_id":"ann"}');
    seams.isSlow = true;
    client.vanish();
    while (await seams.answer({ error: new Error('far away') }));
    expect(slow.failures.map(({ during }) => during)).toEqual(['broker.unsubscribe', 'leaving a channel']);
  });
});
