import { afterAll } from 'vitest';

type Task = () => void | Promise<void>;

const tasks: Task[] = [];

/**
 * Has something done when the tests of a file are over, of every file from then on, the last first: for modules that tests share. They are
 * loaded once for many files, so that a hook of theirs would run after the first one only.
 */
export function atEndOfFiles(task: Task): void {
  tasks.unshift(task);
}

/** To be called for each file. */
export function registerEndOfFile(): void {
  afterAll(async () => {
    for (const task of tasks) await task();
  });
}
