import { setTimeout } from 'node:timers/promises';
import { onTestFailed } from 'vitest';

const STEP_MS = 20;

/** Waits for something that can't be subscribed to, such as what another process answers. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await setTimeout(STEP_MS);
}

/** Waits until a question has this answer. A test that waits in vain fails by its time, and says what the answer was. */
export async function untilEqual(ask: () => unknown, expected: unknown): Promise<void> {
  await untilSame(async () => [await ask(), expected]);
}

/** Waits until two things that both may change are the same. */
export async function untilSame(ask: () => [unknown, unknown] | Promise<[unknown, unknown]>): Promise<void> {
  let isSame = false;
  let last: readonly string[] = [];
  onTestFailed(() => {
    if (!isSame) process.stderr.write(`waited in vain:\n${last.join('\n')}\n`);
  });
  await until(async () => {
    last = (await ask()).map((side) => JSON.stringify(side));
    isSame = last[0] === last[1];
    return isSame;
  });
}
