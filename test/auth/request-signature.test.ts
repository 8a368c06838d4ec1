import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hmacHex } from '../../auth/hmac.ts';
import { parseParams } from '../../auth/request-params.ts';
import { type SignedRequest, verifyRequest } from '../../auth/request-signature.ts';
import { ApiError } from '../../protocol/errors.ts';

// Pusher's own examples ("HTTP API", authentication).
const PAIR = { key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8' };
const SIGNED_AT = 1353088179;
const BODY = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}';
const BASE = `auth_key=${PAIR.key}&auth_timestamp=${SIGNED_AT}&auth_version=1.0`;
const POST = 'da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c';
const MD5 = 'ec365a775a4cd0599faeb73354201b6f';

function request(method: string, path: string, query: string, body = ''): SignedRequest {
  return { method, paths: [path], query, params: parseParams(query), body: Buffer.from(body) };
}

const post = (query: string, body = BODY): SignedRequest => request('POST', '/apps/3/events', query, body);
const get = (query: string): SignedRequest => request('GET', '/apps/3/channels', query);

function errorOf(
  signed: SignedRequest,
  nowSeconds = SIGNED_AT,
): { id: string; status: number; message: string } | undefined {
  try {
    verifyRequest(PAIR, signed, nowSeconds);
  } catch (error) {
    if (error instanceof ApiError) return { id: error.id, status: error.status, message: error.message };
    throw error;
  }
  return undefined;
}

function sign(method: string, path: string, canonical: string): string {
  return hmacHex(PAIR.secret, `${method}\n${path}\n${canonical}`);
}

describe('the vectors of the documentation', () => {
  test('POST /events', () => {
    expect(errorOf(post(`${BASE}&body_md5=${MD5}&auth_signature=${POST}`))).toBe(undefined);
  });

  test('GET /channels', () => {
    const signature = '16819168891cb5dfd72b5c7a5d3d602605b26c6ba1930033b5e2eeeb65010291';
    expect(errorOf(get(`${BASE}&filter_by_prefix=presence-&info=user_count&auth_signature=${signature}`))).toBe(
      undefined,
    );
  });

  test('GET /channels of the Python library, with the MD5 of nothing', () => {
    const signature = 'f3f17c61ae491cc9085db68b22076e9b772e3bcb301659d655153ee3f9782aba';
    const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
    const query = `${BASE}&body_md5=${md5}&filter_by_prefix=presence-&info=user_count&auth_signature=${signature}`;
    expect(errorOf(get(query))).toBe(undefined);
  });
});

describe('the age of a request', () => {
  const query = `${BASE}&body_md5=${MD5}&auth_signature=${POST}`;

  test.for([-599, 0, 599])('may be %i seconds', (age) => {
    expect(errorOf(post(query), SIGNED_AT + age)).toBe(undefined);
  });

  test.for([
    [600, '2012-11-16T17:59:39Z', '600 s behind'],
    [-600, '2012-11-16T17:39:39Z', '600 s ahead'],
    [86_400, '2012-11-17T17:49:39Z', '86400 s behind'],
  ] as const)('can not be %i seconds', ([age, serverTime, off]) => {
    expect(errorOf(post(query), SIGNED_AT + age)).toEqual({
      id: 'auth-timestamp',
      status: 401,
      message:
        `Timestamp expired: Given timestamp (2012-11-16T17:49:39Z) not within 600s of server time (${serverTime}): ` +
        `the sender's clock is ${off} (or the request is a repeated one). Set both clocks by NTP`,
    });
  });
});

describe('a request is signed', () => {
  test('whatever the order and the case of its parameters', () => {
    const query = `auth_signature=${POST}&body_md5=${MD5}&AUTH_VERSION=1.0&auth_timestamp=${SIGNED_AT}&Auth_Key=${PAIR.key}`;
    expect(errorOf(post(query))).toBe(undefined);
  });

  test('over decoded values, whether they were escaped or not', () => {
    const signature = sign('GET', '/apps/3/channels', `${BASE}&info=user_count,subscription_count`);
    for (const comma of [',', '%2C', '%2c']) {
      const query = `${BASE}&info=user_count${comma}subscription_count&auth_signature=${signature}`;
      expect(errorOf(get(query))).toBe(undefined);
    }
  });

  test('over `+` as it is or, where a form wrote it, as a space', () => {
    for (const value of ['a+b', 'a b']) {
      const signature = sign('GET', '/apps/3/channels', `${BASE}&x=${value}`);
      expect(errorOf(get(`${BASE}&x=a+b&auth_signature=${signature}`))).toBe(undefined);
    }
  });

  test('over lists in brackets, or joined as PHP does', () => {
    for (const list of ['channels[]=a&channels[]=b', 'channels=a,b']) {
      const signature = sign('GET', '/apps/3/channels', `${BASE}&${list}`);
      const query = `${BASE}&channels[0]=a&channels[1]=b&auth_signature=${signature}`;
      expect(errorOf(get(query))).toBe(undefined);
    }
  });

  test('over the path that was sent, or one of its other forms', () => {
    const paths = ['/apps/3/users/a%20b', '/apps/3/users/a b'];
    for (const path of paths) {
      const query = `${BASE}&auth_signature=${sign('GET', path, BASE)}`;
      expect(errorOf({ ...request('GET', '', query), paths })).toBe(undefined);
    }
    const query = `${BASE}&auth_signature=${sign('GET', '/apps/3/users/c', BASE)}`;
    expect(errorOf({ ...request('GET', '', query), paths })?.id).toBe('invalid-signature');
  });
});

describe('a request is refused', () => {
  const md5 = `body_md5=${MD5}`;
  test.for([
    ['without a version', `auth_timestamp=${SIGNED_AT}`, 'auth-version', 'Version required: auth_version must be 1.0'],
    [
      'with another version',
      `auth_timestamp=${SIGNED_AT}&auth_version=1`,
      'auth-version',
      'Version not supported: auth_version is 1, must be 1.0',
    ],
    ['without a timestamp', 'auth_version=1.0', 'auth-timestamp', 'Timestamp required: auth_timestamp is missing'],
    [
      'with a timestamp in words',
      'auth_version=1.0&auth_timestamp=now',
      'auth-timestamp',
      'Timestamp must be Unix time in seconds, got now',
    ],
    [
      'with a timestamp in milliseconds',
      `auth_version=1.0&auth_timestamp=${SIGNED_AT}000`,
      'auth-timestamp',
      `Timestamp must be Unix time in seconds, got ${SIGNED_AT}000`,
    ],
    [
      'without a signature',
      `${BASE}&${md5}`,
      'missing-signature',
      'Missing parameter: auth_signature. Sign requests with a Pusher SDK',
    ],
    [
      'with a body but no hash of it',
      `${BASE}&auth_signature=${POST}`,
      'body-md5',
      'Invalid body_md5: it is missing; a request with a body must carry its MD5',
    ],
  ])('%s', ([, query = '', id, message]) => {
    expect(errorOf(post(query))).toEqual({ id, status: 401, message });
  });

  test('when its body is not the one that was hashed', () => {
    const query = `${BASE}&${md5}&auth_signature=${POST}`;
    const tampered = BODY.replace('foo', 'bar');
    const actual = createHash('md5').update(tampered).digest('hex');
    expect(errorOf(post(query, tampered))).toEqual({
      id: 'body-md5',
      status: 401,
      message:
        `Invalid body_md5: ${MD5} was sent, but the ${tampered.length} bytes that arrived give ${actual}. ` +
        'Something between sender and server changed the body',
    });
  });

  test.for([
    ['method', { ...post(`${BASE}&${md5}&auth_signature=${POST}`), method: 'PUT' }],
    ['path', { ...post(`${BASE}&${md5}&auth_signature=${POST}`), paths: ['/apps/4/events'] }],
    ['parameters', post(`${BASE}&${md5}&more=1&auth_signature=${POST}`)],
    ['signature', post(`${BASE}&${md5}&auth_signature=${POST.slice(0, -1)}d`)],
    ['signature in upper case', post(`${BASE}&${md5}&auth_signature=${POST.toUpperCase()}`)],
  ] as const)('with another %s, and is told what was to be signed', ([, signed]) => {
    const error = errorOf(signed);
    expect(error).toMatchObject({ id: 'invalid-signature', status: 401 });
    expect(error?.message).toContain(
      `you should have sent HmacSHA256Hex("${signed.method}\\n${signed.paths[0]}\\nauth_key=`,
    );
    expect(error?.message).not.toContain(PAIR.secret);
  });
});
