import { createSecretKey } from 'node:crypto';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { assemble, rsaPair, sign } from '../../support/tokens.ts';
import { APPS, loggedCause, type Row, type Seen, TOKENS, TOKENS_APP } from './errors-broker.ts';

const NOW_SECONDS = Math.floor(Date.now() / 1000);
const CLAIMS = { iss: TOKENS.issuer, aud: TOKENS.audience, sub: '42', exp: NOW_SECONDS + 3600 };
const secret = (text = 'a secret for tokens, long enough for any') => createSecretKey(Buffer.from(text));
const good = (claims: object = {}): string => sign({ ...CLAIMS, ...claims }, { key: secret() });

/** What a client gets that sends the token as the auth of a subscription. */
async function seen(broker: TestBroker, auth: string, key: string): Promise<Seen> {
  const client = await RawClient.connect(broker.wsUrl, { key });
  client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth } });
  await client.next('pusher:error');
  const { data } = (await client.next('pusher:subscription_error')) as { data: string };
  await client.close();
  const { type, error, status } = JSON.parse(data) as { type: string; error: string; status: number };
  if (type !== 'AuthError' || error.length < 40) throw new Error(`no useful text: ${data}`);
  return { id: loggedCause(broker, 'subscription refused', client.socketId), code: String(status) };
}

function token(id: string, auth: string, key: string = APPS.tokens.key): Row {
  return { kind: 'TokenError', id, raise: (broker) => seen(broker, auth, key) };
}

export const TOKEN_ERRORS: readonly Row[] = [
  token('token-algorithm', assemble({ alg: 'none' }, CLAIMS)),
  token('token-audience', good({ aud: 'other' })),
  token('token-expired', good({ exp: NOW_SECONDS - 60 })),
  token('token-issuer', good({ iss: 'https://evil.example' })),
  token('token-keys-unavailable', sign(CLAIMS, { key: rsaPair().privateKey, alg: 'RS256', header: { kid: 'theirs' } })),
  token('token-malformed', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIi'),
  token('token-no-expiry', good({ exp: undefined })),
  token('token-not-yet-valid', good({ nbf: NOW_SECONDS + 3600 })),
  token('token-signature', sign(CLAIMS, { key: secret('another') })),
  {
    kind: 'TokenError',
    id: 'token-too-large',
    // Larger than a frame may be at the broker of the other rows.
    raise: async () => {
      const broker = await startBroker({ 'log.level': 'debug' }, [TOKENS_APP]);
      const result = await seen(broker, good({ text: 'x'.repeat(13_000) }), TOKENS_APP.key);
      broker.kill();
      return result;
    },
  },
  token('token-unknown-key', sign(CLAIMS, { key: secret(), header: { kid: 'other' } })),
  token('token-user', good({ sub: { id: 42 } })),
  token('tokens-not-configured', good(), APPS.plain.key),
];
