import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TextAnswer } from '../../../server/admin/other-answers.ts';
import { createConsoleFileRoutes } from '../../../server/console/console-files.ts';
import { type AdminBroker, askedOf, startAdminBroker } from '../admin/admin-broker.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kulkul-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function ask(file?: string): Promise<TextAnswer> {
  const routes = createConsoleFileRoutes(pathToFileURL(`${folder}/`));
  const path = file === undefined ? '/console' : '/console/assets/:file';
  const params: Record<string, string> = file === undefined ? {} : { file };
  const answer = await routes.find((route) => route.path === path)?.run(askedOf(params));
  if (!(answer instanceof TextAnswer)) throw new Error('no text');
  return answer;
}

function build(): void {
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'secret.js'), 'secret');
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'assets', 'index-B1.js'), 'run()');
  writeFileSync(join(folder, 'assets', '.env'), 'secret');
}

describe('files of the console', () => {
  test('the page is looked for anew each time, runs nothing inline and is shown in no frame', async () => {
    build();
    const { body, contentType, headers } = await ask();
    expect([String(body), contentType]).toEqual(['<!doctype html>', 'text/html; charset=utf-8']);
    expect(headers).toMatchObject({ 'Cache-Control': 'no-cache', 'X-Frame-Options': 'DENY' });
    expect(headers['Content-Security-Policy']).toMatch(
      /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
    );
    expect(headers['Content-Security-Policy']).not.toContain('unsafe');
  });

  test('others are kept for good, as their names change with their content', async () => {
    build();
    const { body, contentType, headers } = await ask('index-B1.js');
    expect([String(body), contentType]).toEqual(['run()', 'text/javascript; charset=utf-8']);
    expect(headers['Cache-Control']).toBe('public, max-age=31536000, immutable');
  });

  test.for([
    '../secret.js',
    '..',
    '.env',
    'assets/index-B1.js',
    'index-B1.js/',
    'index-B1.exe',
    '',
    'a\0.js',
    'none.js',
  ])('nothing else is read: "%s"', async (file) => {
    build();
    await expect(ask(file)).rejects.toMatchObject({ status: 404, id: 'unknown-file' });
  });

  test('a console that is not built says so in one line', async () => {
    await expect(ask()).rejects.toMatchObject({ status: 503, id: 'console-not-built' });
  });
});

describe('over HTTP', () => {
  let broker: AdminBroker | undefined;
  afterEach(() => broker?.stop());

  test('they need no token, and there is no way out of their folder', async () => {
    broker = await startAdminBroker({ settings: { 'admin.token': 'a-token-that-nobody-guesses' } });
    expect((await broker.api('GET', '/console')).status).not.toBe(401);
    expect((await broker.api('GET', '/console/')).status).not.toBe(401);
    for (const path of ['..%2f..%2fserver%2fmain.js', '..%5c..%5cpackage.json']) {
      expect((await broker.api('GET', `/console/assets/${path}`)).body.error).toBe('unknown-file');
    }
    expect((await broker.api('POST', '/console')).status).toBe(401);
  });
});
