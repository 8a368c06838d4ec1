import { type ApiAnswer, lineOf } from './api-client.ts';
import { FULL_APP, startBroker, type TestBroker } from './broker.ts';
import { FakeClock } from './fake-clock.ts';
import { NOW_SECONDS, SECRET, sign } from './tokens.ts';

/** 32 bytes in Base64. */
export const MASTER_KEY = Buffer.alloc(32, 'master').toString('base64');

/** An app that takes tokens signed with `SECRET`. The running example: a dashboard of machines, with its operators. */
export const TOKEN_APP = {
  ...FULL_APP,
  auth: { jwt: { keys: [{ secret: SECRET }], cookie: 'session' }, encryptionMasterKey: MASTER_KEY },
  channels: [
    { name: 'private-admin-dashboard', subscribe: { roles: ['admin', 'operator'] }, publish: { roles: ['admin'] } },
    { name: 'private-encrypted-*', subscribe: 'token' },
    { name: 'presence-*', subscribe: 'token' },
    { name: 'private-user.{sub}', publish: 'own' },
    { name: 'rvm-status', publish: { roles: ['admin'] } },
    { name: '#*', publish: 'anyone' },
  ],
};

export interface TokenBroker extends TestBroker {
  readonly clock: FakeClock;
}

/** A broker at `NOW_SECONDS`. */
export async function startTokenBroker(
  settings: Record<string, unknown> = {},
  apps: readonly Record<string, unknown>[] = [TOKEN_APP],
): Promise<TokenBroker> {
  const clock = new FakeClock(NOW_SECONDS * 1000);
  return { ...(await startBroker({ activityTimeoutSeconds: 900, ...settings }, apps, clock)), clock };
}

export const operator = (claims: object = {}): string => sign({ sub: '42', role: 'operator', ...claims });

interface AuthOptions {
  readonly path?: string;
  readonly token?: string | undefined;
  readonly fields?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Instead of the fields as a form. */
  readonly body?: string;
}

const FIELDS = { socket_id: '1.2', channel_name: 'private-admin-dashboard' };

/** Asks an auth endpoint as pusher-js does, unless the options say otherwise: for the operators' channel, with an operator's token. */
export async function askAuth(
  { url }: Pick<TestBroker, 'url'>,
  { path = '/broadcasting/auth', headers = {}, method = 'POST', ...options }: AuthOptions = {},
): Promise<ApiAnswer> {
  const token = 'token' in options ? options.token : operator();
  const form = new URLSearchParams({ ...FIELDS, ...options.fields });
  const isGet = method === 'GET' || method === 'HEAD';
  const answer = await fetch(`${url}${path}${isGet ? `?${form}` : ''}`, {
    method,
    headers: {
      ...(!isGet && options.body === undefined && { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(!isGet && { body: options.body ?? form.toString() }),
  });
  return { status: answer.status, text: await lineOf(answer), headers: answer.headers };
}

/** Status and id of a refusal. */
export function refusalIn({ status, text, headers }: ApiAnswer): readonly [number, string | null] {
  if (!/^[^\r\n]{20,}$/.test(text)) throw new Error(`no useful line: ${text}`);
  return [status, headers.get('x-kulkul-error')];
}
