import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

const READER = fileURLToPath(new URL('../../examples/monitoring/reader.py', import.meta.url));
/** Runs reader.py, until `stop`. */
export function startReader(url: string): { readonly lines: readonly string[]; stop(): void } {
  const lines: string[] = [];
  const reader = spawn(inject('python'), [READER, url], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [reader.stdout, reader.stderr])
    createInterface(stream).on('line', (line) => void lines.push(line));
  return { lines, stop: () => void reader.kill('SIGKILL') };
}
