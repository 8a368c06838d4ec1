import { describe, expect, test } from 'vitest';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { ApiError } from '../../../protocol/errors.ts';
import type { Fleet } from '../../../server/admin/fleet.ts';
import { answerCall, RemoteFleet, resultOf } from '../../../server/workers/remote-fleet.ts';

const USAGE = { connections: 1, channels: 2, subscriptions: 3, presenceUsers: 4 };

/** A fleet in another process: what goes there and comes back is JSON. */
function remote(fleet: Partial<Fleet> | undefined): RemoteFleet {
  const json = <T>(value: T): T => JSON.parse(JSON.stringify(value));
  return new RemoteFleet(async (call) => resultOf(json(await answerCall(fleet as Fleet | undefined, json(call)))));
}

describe('the fleet of another process', () => {
  test('is asked with all arguments, and answers', async () => {
    const calls: unknown[] = [];
    const fleet = remote({
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

  test('tells what is not possible just now from what is a bug', async () => {
    const away = remote({
      usage: () => Promise.reject(new SeamUnavailable('Redis is away')),
      terminateUser: () => {
        throw new TypeError('a bug');
      },
      revoke: () => {
        throw new ApiError('too-many-revocations', 429, 'too many');
      },
    });
    const revocation = { appId: '1', channel: 'a', target: { kind: 'everyone' } } as const;
    await expect(away.revoke(revocation)).rejects.toThrow(new ApiError('too-many-revocations', 429, 'too many'));
    await expect(away.usage('1')).rejects.toThrow(new SeamUnavailable('Redis is away'));
    await expect(away.usage('1')).rejects.toBeInstanceOf(SeamUnavailable);
    await expect(away.terminateUser('1', '7')).rejects.toThrow('a worker failed: a bug');
    await expect(away.terminateUser('1', '7')).rejects.not.toBeInstanceOf(SeamUnavailable);
  });

  test('is not there yet while the worker starts', async () => {
    await expect(remote(undefined).usage('1')).rejects.toBeInstanceOf(SeamUnavailable);
  });
});
