import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNodesMessage, parseNodesMessage } from '../../channels/nodes-channel.ts';
import type { RevocationTarget } from '../../channels/revocations.ts';
import { anyText, SEED, socketId, userId } from '../support/wire-arbitraries.ts';

const RUNS = { seed: SEED, numRuns: 300 };

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
      expect(parseNodesMessage(createNodesMessage(given).frame)).toEqual(given);
    }),
    RUNS,
  );
});

test('anything else is nothing that a node says', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.json()), (frame) => {
      expect(parseNodesMessage(frame)).toBeUndefined();
    }),
    RUNS,
  );
});
