import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BrokerMessage } from '../../../channels/broker.ts';
import { createControlMessage, parseControlMessage } from '../../../channels/control-message.ts';
import type { RevocationTarget } from '../../../channels/revocations.ts';
import { decodeMessage, encodeMessage, type WireMessage } from '../../../server/workers/wire.ts';
import { anyText, SEED, socketId, userId, wireMember } from '../../support/wire-arbitraries.ts';

const RUNS = { seed: SEED, numRuns: 300 };

test('a message of the broker gets to another process as it is', () => {
  const message = fc.record({
    appId: fc.string(),
    channel: anyText,
    frame: anyText,
    exceptSocketId: fc.option(socketId, { nil: undefined }),
    keepSeconds: fc.option(fc.nat(), { nil: undefined }),
    member: fc.option(
      fc.record({ change: fc.constantFrom('added' as const, 'removed' as const), member: wireMember }),
      {
        nil: undefined,
      },
    ),
    position: fc.option(fc.maxSafeNat(), { nil: undefined }),
  }) satisfies fc.Arbitrary<BrokerMessage>;
  fc.assert(
    fc.property(message, (given) => {
      // The way between processes is JSON.
      const passed = JSON.parse(JSON.stringify(encodeMessage(given))) as WireMessage;
      expect(decodeMessage(passed)).toEqual(given);
    }),
    RUNS,
  );
});

test('what nodes tell each other is read as it was said', () => {
  const target: fc.Arbitrary<RevocationTarget> = fc.oneof(
    fc.record({ kind: fc.constant('user' as const), userId }),
    fc.record({ kind: fc.constant('socket' as const), socketId }),
    fc.record({ kind: fc.constant('everyone' as const) }),
  );
  const channel = fc.stringMatching(/^#?[-a-zA-Z0-9_=@,.;*]{1,20}$/);
  const message = fc.oneof(
    fc.record({
      kind: fc.constant('revoked' as const),
      revocation: fc.record({ appId: anyText, channel, target, atMs: fc.maxSafeInteger() }),
    }),
    fc.record({ kind: fc.constant('apps-changed' as const), ids: fc.option(fc.array(anyText), { nil: null }) }),
  );
  fc.assert(
    fc.property(message, (given) => {
      expect(parseControlMessage(createControlMessage(given).frame)).toEqual(given);
    }),
    RUNS,
  );
});

test('anything else is nothing that a node says', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.json()), (frame) => {
      expect(parseControlMessage(frame)).toBeUndefined();
    }),
    RUNS,
  );
});
