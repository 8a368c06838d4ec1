import fc from 'fast-check';
import { isUserId } from '../../protocol/channel-name.ts';
import { parseChannelData } from '../../protocol/member-data.ts';
import type { WireMember } from '../../protocol/server-message.ts';

/** The same runs each time. On a failure fast-check prints seed and path. */
export const SEED = 20_261_130;

/** What some parser takes for the end of a line, of a text, of a name or of a number. */
const ODD_CHARACTERS = [
  '\u2028',
  '\u2029',
  '\u0085',
  '\u0000',
  '\u007f',
  '\n',
  '\r',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\udc00',
  '\ud83d\ude00',
  '\\',
  '"',
  '/',
  '{',
  '}',
  ' ',
  '%1',
  '\\u0000',
  '0000000000000000',
];

const odd = fc.constantFrom(...ODD_CHARACTERS);

/** Any text of UTF-16, lone surrogates included, with more of what is misread easily than chance brings. */
export const anyText = fc
  .array(fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 12 })
  .map((parts) => parts.join(''));

/** Any value that JSON has, the keys that JavaScript objects are born with included. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    anyText,
    fc.constantFrom(0, -0, 1e21, 5e-324, 2 ** 53, -1.5, true, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', '')), tie('value'), { maxKeys: 3 }),
  ),
})).value;

export const userId = anyText.filter(isUserId);

/** A member as it comes of `channel_data` that a client sent. */
export const wireMember: fc.Arbitrary<WireMember> = fc
  .record(
    {
      user_id: fc.oneof(userId, fc.maxSafeInteger()),
      user_info: fc.oneof(fc.dictionary(anyText, anyJson, { maxKeys: 3 }), anyJson),
    },
    { requiredKeys: ['user_id'] },
  )
  .map((data) => parseChannelData(JSON.stringify(data)));

/** One for each thing that some way between nodes could stumble over. */
export const ODD_MEMBERS: readonly WireMember[] = [
  ...['\u2028', '\u2029', '"\\"', 'a/b/c', '}', '{x}', '0000000000000000', '\\u0041', '7', '\ufffd', '💡'],
  -7,
].map((id) => parseChannelData(JSON.stringify({ user_id: id, user_info: { line: `a\u2028b\u2029c\n\u0000`, id } })));

export const socketId = fc.tuple(fc.nat(), fc.nat()).map(([one, other]) => `${one}.${other}`);
