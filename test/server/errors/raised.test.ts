import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestBroker } from '../../support/broker.ts';
import { ACCESS_ERRORS } from './access-errors.ts';
import { ADMIN_ERRORS } from './admin-errors.ts';
import { errorsInCode, errorsInDocs } from './catalogue.ts';
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

test('the table below raises every error of the code, each once', () => {
  expect(ROWS.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([...errorsInCode()].sort());
});

describe('a running broker raises, as documented,', () => {
  test.for(ROWS.map((row) => [`${row.kind} ${row.id}`, row] as const))('%s', async ([, { kind, id, raise }]) => {
    expect(await raise(broker)).toEqual({ id, code: errorsInDocs().get(`${kind} ${id}`)?.code });
  });
});
