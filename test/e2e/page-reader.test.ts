/** Cause: a page that is followed leniently proves nothing. Symptom: a broken command, file or output on a page is not noticed. */
import { expect, inject, test } from 'vitest';
import type { PageBlock } from '../support/page-blocks.ts';
import { PageReader } from '../support/page-reader.ts';

async function follow(...blocks: readonly (readonly [language: string, mark: string, text: string])[]): Promise<void> {
  const reader = await PageReader.create(inject('python'));
  const page: PageBlock[] = blocks.map(([language, mark, text]) => ({ heading: 'Start', language, mark, text }));
  await reader.follow(page).finally(() => reader.leave());
}

test.for([
  ['a command that fails', 'ended with 3', ['sh', 'run', 'exit 3']],
  ['a command that fails before the last one', 'ended with 1', ['sh', 'run', 'false\ntrue']],
  ['a program that fails', 'ended with 1', ['js', 'run', 'throw new Error()']],
  ['a package that is not there', 'ended with 1', ['sh', 'run', 'npm install kulkul no-such-package']],
  ['a configuration that is refused', 'unknown', ['json', 'config', '{ "porrt": 6001 }']],
  ['an app that is refused', 'unknown', ['json', 'app', '{ "maxConnection": 1 }']],
  ['a mark that does not exist', 'no such mark', ['sh', 'rum', 'true']],
] as const)('%s is noticed', async ([, message, block]) => {
  await expect(follow(block)).rejects.toThrow(message);
});

test('output that does not come is noticed', async () => {
  await expect(follow(['sh', 'run', 'echo admitted'], ['text', 'output', 'refused'])).rejects.toThrow('ended without');
});

test('output counts once', async () => {
  const once = ['text', 'output', 'admitted'] as const;
  await follow(['sh', 'run', 'echo admitted; echo admitted'], once, once);
  await expect(follow(['sh', 'run', 'echo admitted'], once, once)).rejects.toThrow('ended without');
});

/** Cause: a block that had been satisfied went on listening. Symptom: it took the output that a later block waits for. */
test('a program in the background may print the same again', async () => {
  const ready = ['text', 'output', 'ready'] as const;
  await follow(
    ['sh', 'start', 'mkfifo gate; echo ready; read -r < gate; echo ready'],
    ready,
    ['sh', 'run', 'echo go > gate'],
    ready,
  );
});
