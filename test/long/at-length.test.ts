import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('what npm test shows in short holds at length', async () => {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('long/'))
    .map((file) => `test/${file}`)
    .filter((file) => readFileSync(join(ROOT, file), 'utf8').includes('atLength('));
  expect(files.length).toBeGreaterThan(10);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const tests = spawn(process.execPath, [vitest, 'run', '--reporter=dot', ...files], {
    cwd: ROOT,
    env: { ...process.env, KULKUL_TEST_AT_LENGTH: '1', VITEST: '' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect(await once(tests, 'exit')).toEqual([0, null]);
});
