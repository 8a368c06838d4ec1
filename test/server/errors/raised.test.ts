import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenError } from '../../../auth/grant.ts';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { ApiError, Disconnect, PusherError, SubscriptionError } from '../../../protocol/errors.ts';
import { AdminError } from '../../../server/admin/admin-error.ts';
import type { TestBroker } from '../../support/broker.ts';
import { ACCESS_ERRORS } from './access-errors.ts';
import { ADMIN_ERRORS } from './admin-errors.ts';
import { classesOfErrors, type ErrorKind, errorsInCode, errorsInDocs } from './catalogue.ts';
import { CONNECTION_ERRORS } from './connection-errors.ts';
import { type Row, startErrorsBroker } from './errors-broker.ts';
import { FEED_ERRORS } from './feed-errors.ts';
import { MESSAGE_ERRORS } from './message-errors.ts';
import { REQUEST_ERRORS } from './request-errors.ts';
import { TOKEN_ERRORS } from './token-errors.ts';

const ROWS: readonly Row[] = [
  ...REQUEST_ERRORS,
  ...CONNECTION_ERRORS,
  ...MESSAGE_ERRORS,
  ...TOKEN_ERRORS,
  ...ACCESS_ERRORS,
  ...FEED_ERRORS,
  ...ADMIN_ERRORS,
];

let broker: TestBroker;
beforeAll(async () => {
  broker = await startErrorsBroker();
});
afterAll(() => broker.kill());

// Cause: each refusal took a stack trace that nobody read. Symptom: clients that were refused cost several times what those cost that were served.
describe('without a stack trace is made', () => {
  const MADE: Readonly<Record<ErrorKind, () => Error>> = {
    ApiError: () => new ApiError('id', 404, 'text'),
    Disconnect: () => new Disconnect('id', 4100, 'text'),
    PusherError: () => new PusherError('id', 'text'),
    SubscriptionError: () => new SubscriptionError('id', 'channel', 'AuthError', 401, 'text'),
    TokenError: () => new TokenError('id', 'text', 401, { cause: 'cause' }),
    AdminError: () => new AdminError('id', 400, 'text'),
  };

  test.for([...new Set(ROWS.map(({ kind }) => kind))])('%s, and what comes after it has one', (kind) => {
    const error = MADE[kind]();
    expect(error).toMatchObject({ name: kind, message: 'text' });
    expect(error.stack).not.toContain(' at ');
    expect(new Error('a bug').stack).toContain(' at ');
  });

  test('what tells that something is away', () => {
    expect(new SeamUnavailable('Redis is away').stack).not.toContain(' at ');
  });
});

test('no other class of errors is made where clients are answered', () => {
  const files = ['protocol', 'auth', 'channels', 'server/ws', 'server/http', 'server/feeds', 'server/admin'];
  const classes = files.flatMap((folder) => classesOfErrors(folder));
  expect(classes).toEqual(['protocol/errors.ts: Refusal']);
});

test('the table below raises every error of the code, each once', () => {
  expect(ROWS.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([...errorsInCode()].sort());
});

describe('a running broker raises, as documented,', () => {
  test.for(ROWS.map((row) => [`${row.kind} ${row.id}`, row] as const))('%s', async ([, { kind, id, raise }]) => {
    expect(await raise(broker)).toEqual({ id, code: errorsInDocs().get(`${kind} ${id}`)?.code });
  });
});
