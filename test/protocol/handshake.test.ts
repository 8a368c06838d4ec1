import { describe, expect, test } from 'vitest';
import { Disconnect } from '../../protocol/errors.ts';
import { checkProtocolVersion, hasLives, parseConnectionPath } from '../../protocol/handshake.ts';

function refusalOf(run: () => unknown): { id: string; code: number; message: string } | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof Disconnect) return { id: error.id, code: error.code, message: error.message };
    throw error;
  }
  return undefined;
}

describe('the path of a connection', () => {
  test.for([
    ['/app/key', '', 'key'],
    ['/app/key/', '', 'key'],
    ['/app/a.b-c_d', '', 'a.b-c_d'],
    ['/ws/app/key', '/ws', 'key'],
    ['/deep/er/app/key', '/deep/er', 'key'],
  ])('%s below %j names the key', ([path = '', prefix = '', key]) => {
    expect(parseConnectionPath(path, prefix)).toBe(key);
  });

  test.for([
    ['/', ''],
    ['/app', ''],
    ['/app/', ''],
    ['/app//', ''],
    ['/apps/key', ''],
    ['/App/key', ''],
    ['/app/key/more', ''],
    ['/ws/app/key', ''],
    ['/app/key', '/ws'],
    ['/wsx/app/key', '/ws'],
  ])('%s below %j is refused with 4005', ([path = '', prefix = '']) => {
    expect(refusalOf(() => parseConnectionPath(path, prefix))).toEqual({
      id: 'path-not-found',
      code: 4005,
      message: `Path not found: ${path}. Connect to ${prefix}/app/APP_KEY`,
    });
  });
});

describe('a path with a slash too many', () => {
  test.for([
    ['//app/key', ''],
    ['/app//key', ''],
    ['///app///key', ''],
    ['/ws//app/key', '/ws'],
    ['//ws/app/key', '/ws'],
  ])('%s below %j is told so', ([path = '', prefix = '']) => {
    expect(refusalOf(() => parseConnectionPath(path, prefix))?.message).toBe(
      `Path not found: ${path} has a slash too many. Connect to ${prefix}/app/APP_KEY`,
    );
  });
});

describe('pusher-js has lives', () => {
  test.for([
    ['js', '4.4.0', '', true],
    ['js', '7.0.3', '', true],
    ['js', '7.0.3-with-encryption', '', true],
    ['js', '8.1.9', '', true],
    ['js', '8.2.0', '', false],
    ['js', '8.10.0', '', false],
    ['js', '12.0.0', '', false],
    ['js', undefined, '', false],
    ['js', 'x', '', false],
    ['js', '7.0.3', 'https://example.org', false],
    ['java-client', '2.4.0', '', false],
    [undefined, '7.0.3', '', false],
  ] as const)('client %s, version %s, origin %j: %s', ([client, version, origin, expected]) => {
    expect(hasLives({ client, version, origin })).toBe(expected);
  });
});

describe('the protocol version', () => {
  test.for(['4', '5', '6', '7', '07'])('%s is spoken', (protocol) => {
    expect(refusalOf(() => checkProtocolVersion(protocol, '8.6.0', true))).toBeUndefined();
  });

  test.for(['0', '1', '2', '3', '8', '999', '1000', '-7', '7.0', '7a', 'seven', ' 7', '7 ', '0x7', '1e1'])(
    '%j is refused with 4007',
    (protocol) => {
      expect(refusalOf(() => checkProtocolVersion(protocol, '8.6.0', false))).toEqual({
        id: 'unsupported-protocol',
        code: 4007,
        message: `Unsupported protocol version ${protocol}: this server speaks 4 to 7`,
      });
    },
  );

  test.for([undefined, ''])('%j is missing: plain WebSocket clients may leave it out', (protocol) => {
    expect(refusalOf(() => checkProtocolVersion(protocol, undefined, false))).toBeUndefined();
    expect(refusalOf(() => checkProtocolVersion(protocol, undefined, true))).toEqual({
      id: 'missing-protocol',
      code: 4008,
      message: 'No protocol version supplied: add ?protocol=7 to the URL',
    });
  });
});

describe('the version of the client library', () => {
  test.for([undefined, '', '0', '8.6.0', '0.0.0', '10.1', '8.0.0-beta.1', '7.0.3-with-encryption', '1.2.3+build.5'])(
    '%j is fine',
    (version) => expect(refusalOf(() => checkProtocolVersion('7', version, true))).toBeUndefined(),
  );

  test.for(['x', '8.', '.8', '8..6', 'v8.6.0', '8.6.0 ', '8,6'])('%j is refused with 4006', (version) => {
    expect(refusalOf(() => checkProtocolVersion('7', version, false))).toEqual({
      id: 'invalid-version',
      code: 4006,
      message: `Invalid version string format: ${version}. Expected something like 8.6.0`,
    });
  });

  test('is answered in bounded time and length, however long it is', () => {
    const refusal = refusalOf(() => checkProtocolVersion('7', `${'1.'.repeat(50_000)}!`, false));
    expect(refusal?.code).toBe(4006);
    expect(refusal?.message.length).toBeLessThan(120);
  });
});
