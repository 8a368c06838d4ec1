/** Prints `N passed, N failed, N skipped` from the JSON report of vitest; fails when something failed, or nothing ran. */
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8') || '{}');
const files = report.testResults ?? [];
if (files.length === 0) {
  process.stderr.write('No tests ran.\n');
  process.exit(1);
}

const tests = files.flatMap(({ assertionResults }) => assertionResults);
const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;
// A file that can't be loaded, or whose hooks fail, has no failed test in it.
const brokenFiles = files.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
).length;
const failed = count('failed') + brokenFiles;
process.stdout.write(
  `${count('passed')} passed, ${failed} failed, ${tests.length - count('passed', 'failed')} skipped\n`,
);
if (failed > 0) process.exitCode = 1;
