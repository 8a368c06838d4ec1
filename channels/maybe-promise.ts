/**
 * A value that is available, or will be. With the memory implementations of the seams everything is available at once,
 * and no promise is created on the path of an event.
 */
export type MaybePromise<T> = T | Promise<T>;

/** Continues with a value: at once if it is available, otherwise when it arrives. */
export function after<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Does some work and then, whatever came of it, `last`. */
export function lastly<T>(work: () => MaybePromise<T>, last: () => void): MaybePromise<T> {
  let result: MaybePromise<T>;
  try {
    result = work();
  } catch (error) {
    last();
    throw error;
  }
  if (result instanceof Promise) return result.finally(last);
  last();
  return result;
}

/** Does some work; when it fails, now or later, `failed` says what comes of it: another error, or something in place of the answer. */
export function orElse<T>(work: () => MaybePromise<T>, failed: (error: unknown) => T): MaybePromise<T> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(failed) : result;
  } catch (error) {
    return failed(error);
  }
}

/** Waits for several; answers without a promise when none of them is one. */
export function afterAll<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[]);
}
