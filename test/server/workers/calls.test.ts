import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BrokerMessage, SeamUnavailable } from '../../../channels/broker.ts';
import { ApiError } from '../../../protocol/errors.ts';
import type { Fleet } from '../../../server/admin/fleet.ts';
import { type Batch, CallLink, type CallLinkOptions, local, remote } from '../../../server/workers/calls.ts';
import { FLEET_CALLS, WORKER_CALLS, type WorkerMethods } from '../../../server/workers/messages.ts';
import { anyText, SEED, socketId, wireMember } from '../../support/wire-arbitraries.ts';
import { copyOf, fail } from './join-workers.ts';

const USAGE = { connections: 1, channels: 2, subscriptions: 3, presenceUsers: 4 };

function linkWith(options: Partial<CallLinkOptions>): CallLink {
  return new CallLink({ post: () => true, methods: {}, peer: 'the main process', failed: fail, ...options });
}

/** A way from one process to another that has these methods. */
function linkTo(methods: object, failed: CallLinkOptions['failed'] = fail): CallLink {
  const there: CallLink = linkWith({
    methods,
    failed,
    post: (batch) => {
      here.receive(copyOf(batch));
      return true;
    },
  });
  const here: CallLink = linkWith({
    post: (batch) => {
      there.receive(copyOf(batch));
      return true;
    },
  });
  return here;
}

function call(frame: string): Batch[number] {
  return [0, 'deliver', [frame]];
}

test('an answer has taken effect before the calls after it are carried out, however they come', async () => {
  // Promises answer later than calls: a member who came right after a join was missing from the roster that the join began.
  const story: string[] = [];
  const link = linkWith({ methods: { deliver: (frame: string) => void story.push(frame) }, answersFirst: true });
  const chain = async (answer: Promise<unknown>): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await answer;
    story.push('answer taken');
  };
  const first = chain(link.ask('members', ['3', 'presence-room']));
  const second = chain(link.ask('members', ['3', 'presence-room']));
  link.receive([call('before'), ['done', 1, { members: [] }], call('between'), ['done', 2, { members: [] }]]);
  link.receive([call('after')]);
  await Promise.all([first, second]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(story).toEqual(['before', 'answer taken', 'between', 'answer taken', 'after']);
});

test('what is said in one turn goes out together', async () => {
  const batches: Batch[] = [];
  const link = linkWith({ post: (batch) => batches.push(batch) > 0 });
  link.tell('unsubscribe', ['3', 'news']);
  const first = link.departed();
  link.tell('unsubscribe', ['3', 'weather']);
  expect(batches).toEqual([]);
  await Promise.all([first, link.departed()]);
  expect(batches).toEqual([
    [
      [0, 'unsubscribe', ['3', 'news']],
      [0, 'unsubscribe', ['3', 'weather']],
    ],
  ]);
});

describe('a process', () => {
  test('that can not keep up has those wait who publish', async () => {
    const sent: (() => void)[] = [];
    const link = linkWith({ post: (_, done) => sent.push(done) > 1 });
    const story: string[] = [];
    link.tell('removeConnection', ['3']);
    const first = link.departed().then(() => story.push('first'));
    await new Promise((resolve) => setImmediate(resolve));
    story.push('posted');
    sent[0]?.();
    await first;
    link.tell('removeConnection', ['3']);
    await link.departed();
    expect(story).toEqual(['posted', 'first']);
  });

  test('that is gone answers nobody: calls fail as when a seam is away', async () => {
    const link = linkWith({});
    const asked = link.ask('members', ['3', 'presence-room']);
    link.close();
    await expect(asked).rejects.toThrow(new SeamUnavailable('the main process is gone'));
    await expect(link.ask('members', ['3', 'presence-room'])).rejects.toBeInstanceOf(SeamUnavailable);
    await expect(link.departed()).rejects.toBeInstanceOf(SeamUnavailable);
  });

  test('that is gone is not listened to any more', () => {
    const link = linkWith({ methods: { deliver: fail } });
    link.close();
    link.receive([call('late')]);
  });
});

describe('the fleet of another process', () => {
  /** As `Supervisor` reaches it. */
  function remoteFleet(fleet: Partial<Fleet>): Fleet {
    const failed = (error: unknown) => new Error(`a worker failed: ${error instanceof Error ? error.message : error}`);
    const methods = local(() => fleet as Fleet, FLEET_CALLS);
    return remote<Fleet, typeof FLEET_CALLS>(linkTo(methods, failed), FLEET_CALLS);
  }

  test('is asked with all arguments, and answers', async () => {
    const calls: unknown[] = [];
    const fleet = remoteFleet({
      announceApps: (ids) => void calls.push(ids),
      revoke: async (revocation) => void calls.push(revocation),
      terminateUser: (...args) => void calls.push(args),
      usage: (appId) => {
        calls.push(appId);
        return USAGE;
      },
    });
    const revocation = { appId: '1', channel: 'private-*', target: { kind: 'user', userId: 'ü' } } as const;
    await fleet.announceApps(null);
    await fleet.announceApps(['1', '2']);
    await fleet.revoke(revocation);
    await fleet.terminateUser('1', '7');
    expect(await fleet.usage('1')).toEqual(USAGE);
    expect(calls).toEqual([null, ['1', '2'], revocation, ['1', '7'], '1']);
  });

  test('fails with errors of the same class: what is not possible just now is told from a bug', async () => {
    const refusal = new ApiError('too-many-revocations', 429, 'too many', 5, { Allow: 'GET' });
    const away = remoteFleet({
      usage: () => Promise.reject(new SeamUnavailable('Redis is away')),
      terminateUser: () => {
        throw new TypeError('a bug');
      },
      revoke: () => {
        throw refusal;
      },
    });
    const revocation = { appId: '1', channel: 'a', target: { kind: 'everyone' } } as const;
    const refused = await Promise.resolve(away.revoke(revocation)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect({ ...(refused as ApiError) }).toEqual({ ...refusal });
    expect(refused).toHaveProperty('message', 'too many');
    await expect(away.usage('1')).rejects.toThrow(new SeamUnavailable('Redis is away'));
    await expect(away.usage('1')).rejects.toBeInstanceOf(SeamUnavailable);
    await expect(away.terminateUser('1', '7')).rejects.toThrow('a worker failed: a bug');
    await expect(away.terminateUser('1', '7')).rejects.not.toBeInstanceOf(SeamUnavailable);
  });
});

test('a message of the broker gets to another process as it is', async () => {
  const messages = fc.record({
    appId: fc.string(),
    channel: anyText,
    frame: anyText,
    exceptSocketId: fc.option(socketId, { nil: undefined }),
    keepSeconds: fc.option(fc.nat(), { nil: undefined }),
    member: fc.option(fc.record({ change: fc.constantFrom('added', 'removed', 'updated'), member: wireMember }), {
      nil: undefined,
    }),
    position: fc.option(fc.maxSafeNat(), { nil: undefined }),
  }) satisfies fc.Arbitrary<BrokerMessage>;
  const passed: BrokerMessage[] = [];
  const link = linkTo({ deliver: (message: BrokerMessage) => void passed.push(message) });
  const worker = remote<WorkerMethods, typeof WORKER_CALLS>(link, WORKER_CALLS);
  const sent = fc.sample(messages, { seed: SEED, numRuns: 300 });
  for (const message of sent) worker.deliver(message);
  await link.departed();
  expect(passed).toEqual(sent);
});
