import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What runs on each version of Node: everything but what other programs (browsers, databases, proxies) have most of the say in. */
const TESTS = [
  'test/protocol',
  'test/auth',
  'test/channels',
  'test/server',
  'test/contract/memory',
  'test/contract/workers',
  'test/contract/redis.test',
  'test/conformance',
  'test/e2e/restart',
  'test/e2e/supervised',
  'test/e2e/workers-lifecycle',
  'test/e2e/stock-clients-in-node',
];

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

/** The npm registry has Node itself, in a package for each platform. */
async function installNode(version: string): Promise<string> {
  const folder = temporaryFolder();
  const name = `node-${process.platform}-${process.arch}`;
  const installing = spawn('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`], {
    stdio: 'inherit',
  });
  expect(await once(installing, 'exit')).toEqual([0, null]);
  return join(folder, 'node_modules', name, 'bin');
}

test.each(['20', '22', '24'])('unit and server tests pass on Node %s', async (version) => {
  const bin = await installNode(version);
  const report = join(temporaryFolder(), 'report.json');
  const args = ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`, ...TESTS];
  const tests = spawn(join(bin, 'node'), [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: ROOT,
    // Whatever they start is started on the same Node.
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, VITEST: '' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(tests, 'exit');
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  process.stdout.write(
    `Node ${version}: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`,
  );
  expect([code, numFailedTests, numPendingTests]).toEqual([0, 0, 0]);
  expect(numPassedTests).toBeGreaterThan(2000);
});
