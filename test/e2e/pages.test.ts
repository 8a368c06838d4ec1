/** Cause: nobody followed the pages. Symptom: docs/feeds.md ended in 404 and docs/authorization.md in 403. */
import { readdirSync } from 'node:fs';
import { expect, inject, test } from 'vitest';
import { blocksOf } from '../support/page-blocks.ts';
import { PageReader } from '../support/page-reader.ts';

test.for([
  'docs/feeds.md',
  'docs/authorization.md',
  'docs/from-soketi.md',
  'docs/from-reverb.md',
  'docs/admin-api.md',
  'docs/apps.md',
  'docs/command-line.md',
  'docs/config.md',
  'docs/operating.md',
  'docs/scaling.md',
  'docs/webhooks.md',
])('what %s says works, from an empty folder', async (page) => {
  const reader = await PageReader.create(inject('python'));
  await reader.follow(blocksOf(page));
  reader.leave();
});

test('what README.md says works, in a clone', async () => {
  const reader = await PageReader.create(inject('python'), ['dist', 'examples', 'soketi.config.json']);
  await reader.follow(blocksOf('README.md'));
  reader.leave();
});

/** Page and heading of commands that need what is not here: Redis, systemd, Docker, a reader of the log, a download from npm, a receiver of traces, a key that the user has. */
const NOT_RUN = [
  ['README.md', 'Grow'],
  ['docs/admin-api.md', 'Apps'],
  ['docs/admin-api.md', 'Who is connected, and what happens'],
  ['docs/admin-api.md', 'Live log'],
  ['docs/admin-api.md', 'Webhooks'],
  ['docs/feeds.md', 'Other readers'],
  ['docs/operating.md', 'Apache'],
  ['docs/operating.md', 'Container'],
  ['docs/operating.md', 'Log'],
  ['docs/operating.md', 'Traces'],
  ['docs/operating.md', 'Taking over without a gap'],
  ['docs/operating.md', 'Taking over without a gap'],
  // Installs from GitHub.
  ['docs/operating.md', 'The native part'],
];

test('all other commands on pages are run', () => {
  const pages = readdirSync(new URL('../../docs', import.meta.url)).filter((name) => name.endsWith('.md'));
  const unmarked = ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((page) =>
    blocksOf(page)
      .filter(({ language, mark }) => ['sh', 'bash', 'shell', 'console'].includes(language) && mark === '')
      .map(({ heading }) => [page, heading]),
  );
  expect(unmarked).toEqual(NOT_RUN);
});
