import { setTimeout } from 'node:timers/promises';
import { onTestFailed } from 'vitest';

const STEP_MS = 20;

/** Waits for something that can't be subscribed to, such as what another process answers. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await setTimeout(STEP_MS);
}

/** Waits until a question has this answer. A test that waits in vain fails by its time, and says what the answer was. */
export async function untilEqual(ask: () => unknown, expected: unknown): Promise<void> {
  const wanted = JSON.stringify(expected);
  let isEqual = false;
  let last: string | undefined;
  onTestFailed(() => {
    if (!isEqual) process.stderr.write(`waited for ${wanted}, had ${last}\n`);
  });
  await until(async () => {
    last = JSON.stringify(await ask());
    isEqual = last === wanted;
    return isEqual;
  });
}
