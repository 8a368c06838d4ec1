import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { blockOf } from '../support/page-blocks.ts';
import { CommandProcess } from '../support/process.ts';

const RUN = fileURLToPath(new URL('../../examples/roles/run.mjs', import.meta.url));

test('examples/roles runs by one command, prints what its README shows, and leaves nothing behind', async () => {
  const shown = blockOf('examples/roles/README.md', 'Roles: the broker decides who may enter', 'text');
  const example = new CommandProcess([], { command: RUN, env: { PORT: '0' } });
  expect(await example.exited).toEqual({ code: 0, signal: null });
  expect(example.stdout.replace(/\d{4}-[\d:.T-]+Z/, '…')).toBe(shown);
  expect(example.stderr).toBe('');
});

test('examples/roles fails with the reason of the broker', async () => {
  const example = new CommandProcess([], { command: RUN, env: { PORT: 'no port' } });
  expect(await example.exited).toMatchObject({ code: 1 });
  expect(example.stderr).toContain('no port');
});
