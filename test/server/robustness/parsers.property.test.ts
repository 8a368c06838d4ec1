import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseParams } from '../../../auth/request-params.ts';
import { verifyRequest } from '../../../auth/request-signature.ts';
import { isAllowedOrigin } from '../../../channels/origin.ts';
import { channelKindOf, channelNameProblem } from '../../../protocol/channel-name.ts';
import { parseClientMessage } from '../../../protocol/client-message.ts';
import { ApiError, closeReason, Disconnect, PusherError } from '../../../protocol/errors.ts';
import { checkProtocolVersion, parseConnectionPath } from '../../../protocol/handshake.ts';
import { exceedsBytes } from '../../../protocol/json.ts';
import { MemberDataError, parseChannelData, parseUserData } from '../../../protocol/member-data.ts';
import { encodeClientEvent, eventEncoder } from '../../../protocol/server-message.ts';
import { parseBatch, parseInfo, parseTrigger } from '../../../protocol/trigger.ts';
import { findRoute } from '../../../server/http/routes.ts';
import { frameText, SEED } from './arbitraries.ts';

const RUNS = { seed: SEED, numRuns: 1000 };
const text = fc.oneof(frameText, fc.string({ unit: 'binary' }), fc.string());
const json = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      name: fc.jsonValue(),
      data: fc.jsonValue(),
      channel: fc.jsonValue(),
      channels: fc.jsonValue(),
      info: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
);
const LIMITS = {
  maxEventNameLength: 20,
  maxEventPayloadBytes: 50,
  maxEventChannelsAtOnce: 3,
  maxEventBatchSize: 3,
  maxChannelNameLength: 20,
};
const PAIR = { key: 'k', secret: 's' };

type ErrorClass = abstract new (...parts: never[]) => Error;

/** Parsers of text: they take any text, or refuse it with an error of their own kind. */
const TEXT_PARSERS: readonly (readonly [name: string, refusesWith: ErrorClass, parse: (given: string) => unknown])[] = [
  ['parseClientMessage', PusherError, parseClientMessage],
  ['parseChannelData', MemberDataError, parseChannelData],
  ['parseUserData', MemberDataError, parseUserData],
  ['parseConnectionPath', Disconnect, (given) => parseConnectionPath(given, '/prefix')],
  ['checkProtocolVersion', Disconnect, (given) => checkProtocolVersion(given, given, true)],
  ['parseInfo', ApiError, parseInfo],
  ['findRoute', ApiError, (given) => findRoute('GET', `/apps/${given}`)],
  ['parseParams', Error, (given) => parseParams(given, true)],
  ['channelNameProblem', Error, (given) => channelNameProblem(given, 200) ?? channelKindOf(given)],
  ['isAllowedOrigin', Error, (given) => isAllowedOrigin([given, `https://*.${given}`], given)],
  [
    'verifyRequest',
    ApiError,
    (query) =>
      verifyRequest(
        PAIR,
        { method: 'GET', paths: ['/'], query, params: parseParams(query), body: new Uint8Array() },
        0,
      ),
  ],
];

test.for(TEXT_PARSERS)('%s takes any text, or refuses it with its own kind of error', ([, refusesWith, parse]) => {
  fc.assert(
    fc.property(text, (given) => {
      try {
        parse(given);
      } catch (error) {
        expect(error).toBeInstanceOf(refusesWith);
        if (refusesWith === Error) throw error;
      }
    }),
    RUNS,
  );
});

test.for([
  ['parseTrigger', (body: unknown) => [parseTrigger(body, LIMITS, JSON.stringify(body))]],
  [
    'parseBatch',
    (body: unknown) => parseBatch({ batch: [body, body] }, LIMITS, JSON.stringify({ batch: [body, body] })),
  ],
] as const)('%s lets nothing through that is beyond a limit', ([, parse]) => {
  fc.assert(
    fc.property(json, (body) => {
      try {
        for (const { name, data, channels } of parse(body)) {
          expect(name.length).toBeLessThanOrEqual(LIMITS.maxEventNameLength);
          expect(Buffer.byteLength(data)).toBeLessThanOrEqual(LIMITS.maxEventPayloadBytes);
          expect(channels.length).toBeLessThanOrEqual(LIMITS.maxEventChannelsAtOnce);
          for (const channel of channels) expect(channel).toMatch(/^[-a-zA-Z0-9_=@,.;]{1,20}$|^#server-to-user-./u);
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    }),
    RUNS,
  );
});

test('frames carry any name, channel and data unchanged', () => {
  fc.assert(
    fc.property(text, text, text, (name, channel, data) => {
      expect(JSON.parse(eventEncoder(name, data)(channel))).toEqual({ event: name, channel, data });
      expect(JSON.parse(encodeClientEvent(name, channel, data, name))).toEqual({
        event: name,
        channel,
        data,
        user_id: name,
      });
    }),
    RUNS,
  );
});

test('a close reason is the beginning of any text that fits into a close frame', () => {
  fc.assert(
    fc.property(text, (given) => {
      const reason = closeReason(given);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
      expect(given.startsWith(reason === given ? given : reason.replace(/\.\.\.$/, ''))).toBe(true);
    }),
    RUNS,
  );
});

test('the size of a text is counted in bytes of UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(120), (given, maxBytes) => {
      expect(exceedsBytes(given, maxBytes)).toBe(Buffer.byteLength(given) > maxBytes);
    }),
    RUNS,
  );
});
