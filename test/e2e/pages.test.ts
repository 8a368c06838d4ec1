/** Cause: nobody followed the pages. Symptom: docs/feeds.md ended in 404 and docs/authorization.md in 403. */
import { inject, test } from 'vitest';
import { blocksOf } from '../support/page-blocks.ts';
import { PageReader } from '../support/page-reader.ts';

test.for([
  'docs/feeds.md',
  'docs/authorization.md',
  'docs/from-soketi.md',
  'docs/from-reverb.md',
  'docs/admin-api.md',
  'docs/apps.md',
  'docs/config.md',
  'docs/operating.md',
  'docs/scaling.md',
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
