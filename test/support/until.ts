import { setTimeout } from 'node:timers/promises';

const STEP_MS = 20;

/** Waits for something that can't be subscribed to, such as what another process answers. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await setTimeout(STEP_MS);
}

/** Waits until a question has an answer, and compares it when the test ends in vain: `expect.poll` without a limit. */
export async function untilEqual(ask: () => unknown, expected: unknown): Promise<void> {
  const text = JSON.stringify(expected);
  await until(async () => JSON.stringify(await ask()) === text);
}
