import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { SECRET } from '../../support/tokens.ts';
import type { ErrorKind } from './catalogue.ts';

/** An error as it was seen from outside. */
export interface Seen {
  /** As the server named it: header of the answer, or log. */
  readonly id: string;
  /** As docs/errors.md writes it. */
  readonly code: string;
}

export interface Row {
  readonly kind: ErrorKind;
  readonly id: string;
  /** Causes the error and tells how it was seen. */
  readonly raise: (broker: TestBroker) => Promise<Seen>;
}

export const SOCKET_LIMIT_BYTES = 4096;
export const DATA_LIMIT_BYTES = 1024;
export const BODY_LIMIT_BYTES = 10_485;

const credentials = (id: string) => ({ id, key: `${id}-key`, secret: `${id}-secret` }) as const;
export const APPS = {
  disabled: credentials('disabled'),
  tls: credentials('tls'),
  full: credentials('full'),
  origins: credentials('origins'),
  sessions: credentials('sessions'),
  scarce: credentials('scarce'),
  plain: credentials('plain'),
  tokens: credentials('tokens'),
  access: credentials('access'),
} as const;

/** How the app `tokens` checks them. Its issuer never answers. */
export const TOKENS = {
  keys: [{ kid: 'own', secret: 'a secret for tokens, long enough for any' }],
  issuer: 'https://id.example',
  audience: 'kulkul',
  // No port that fetch would connect to.
  jwksUrl: 'http://127.0.0.1:1/jwks.json',
};
export const TOKENS_APP = { ...APPS.tokens, auth: { jwt: TOKENS } };

/** Takes tokens signed with `SECRET`, of anybody, and has rules. */
export const ACCESS_APP = {
  ...APPS.access,
  enableClientMessages: true,
  allowedOrigins: ['https://good.example'],
  auth: { jwt: { keys: [{ secret: SECRET }], cookie: 'session' } },
  channels: [
    { name: 'private-quiet', subscribe: 'token', clientEvents: { roles: ['admin'] } },
    { name: 'private-*', subscribe: 'token', publish: 'token' },
    { name: 'presence-*', subscribe: 'token' },
    { name: 'members-only', subscribe: 'token' },
  ],
};

const FEEDS = [
  { path: '/feeds/open', channel: 'news' },
  { path: '/feeds/private', channel: 'private-news' },
];

/** A broker with one app for each refusal that hangs on the app. */
export function startErrorsBroker(): Promise<TestBroker> {
  return startBroker(
    {
      'log.level': 'debug',
      'protocol.strict': true,
      'subscriptions.strictUnsubscribe': true,
      'subscriptions.maxPerConnection': 3,
      'httpApi.bodyTimeoutSeconds': 1,
      'httpApi.requestLimitInMb': 0.01,
      'eventLimits.maxPayloadInKb': 1,
      'presence.maxMembersPerChannel': 1,
      'presence.maxMemberSizeInKb': 1,
      maxFrameBytes: SOCKET_LIMIT_BYTES,
      userAuthenticationTimeout: 10,
      shutdownGracePeriod: 0,
    },
    [
      { ...FULL_APP, maxClientEventsPerSecond: 1 },
      { ...APPS.disabled, enabled: false },
      { ...APPS.tls, forceTls: true },
      { ...APPS.full, maxConnections: 0 },
      { ...APPS.origins, allowedOrigins: ['https://good.example'] },
      { ...APPS.sessions, enableUserAuthentication: true },
      { ...APPS.scarce, maxBackendEventsPerSecond: 1 },
      { ...APPS.plain, feeds: FEEDS },
      TOKENS_APP,
      ACCESS_APP,
    ],
  );
}

/** Path of the HTTP API below the app that most rows use. */
export const api = (path: string): string => `/apps/${APP.id}${path}`;

/** The `cause` of the newest log line with this text, of one connection if given. */
export function loggedCause({ log }: TestBroker, msg: string, socketId?: string): string {
  const line = log.findLast((entry) => entry.msg === msg && (socketId === undefined || entry.socketId === socketId));
  return String(line?.cause);
}
