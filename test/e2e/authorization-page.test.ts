import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import jwt from 'jsonwebtoken';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockOf } from '../support/page-blocks.ts';
import { type BrokerProcess, CommandProcess, startProcess, temporaryFolder } from '../support/process.ts';

const PAGE = 'docs/authorization.md';
/** The file under "Start". */
const config = JSON.parse(blockOf(PAGE, 'Start', 'json')) as {
  readonly port: number;
  readonly 'appManager.array.apps': readonly [
    { readonly auth: { readonly jwt: { readonly keys: readonly [{ readonly secret: string }] } } },
  ];
};
const [app] = config['appManager.array.apps'];

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startProcess({ apps: [app] });
});

/** A program of the page, with what a reader puts in: the port, and what stands for a value. */
function start(program: string, values: readonly (readonly [string, string])[]): CommandProcess {
  let text = program.replaceAll(String(config.port), String(broker.port));
  for (const [placeholder, value] of values) {
    expect(text).toContain(placeholder);
    text = text.replace(placeholder, value);
  }
  const folder = temporaryFolder();
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  const file = join(folder, 'page.mjs');
  writeFileSync(file, text);
  return new CommandProcess([], { command: file });
}

const LIFE_SECONDS = 2.5;
/** The backend's route `/broker-token`. */
const issuer = createServer((_, res) => {
  const iat = Date.now() / 1000;
  const claims = { sub: '42', roles: ['operator'], iat, exp: iat + LIFE_SECONDS };
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ token: jwt.sign(claims, app.auth.jwt.keys[0].secret) }));
});
afterAll(() => {
  issuer.closeAllConnections();
  issuer.close();
});

test('the program that renews its token stays in beyond the end of the first one, signed in as well', async () => {
  issuer.listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  const program = `${blockOf(PAGE, 'When a token ends', 'js', 'fetchToken')}
    let times = 0;
    const channel = pusher.subscribe('private-admin-dashboard');
    channel.bind('pusher:subscription_succeeded', () => console.log('admitted', ++times));
    channel.bind('pusher:subscription_error', ({ error }) => console.log('ended', error));
    pusher.connection.bind('error', ({ data }) => console.log('ended', data));
    pusher.bind('pusher:signin_success', () => console.log('signed in'));
    pusher.signin();`;
  const { port } = issuer.address() as AddressInfo;
  const renewing = start(program, [['127.0.0.1:8000', `127.0.0.1:${port}`]]);
  // The second renewal comes after the end of the first token.
  await renewing.printed(/^admitted 3$/);
  expect(renewing.stdout).not.toContain('ended');
  expect(renewing.stdout.match(/^signed in$/gm)?.length).toBeGreaterThanOrEqual(2);
});
