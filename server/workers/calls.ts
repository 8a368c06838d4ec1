import { SeamUnavailable } from '../../channels/broker.ts';
import { ApiError } from '../../protocol/errors.ts';

/** How a method of another process is called: `ask` waits for the answer, `tell` does not. */
export type How = 'ask' | 'tell';

/** Methods of `T` as another process calls them, from a description of how each is called. */
export type Remote<T, D> = {
  readonly [C in keyof D & keyof T]: T[C] extends (...args: infer A) => infer R
    ? D[C] extends 'tell'
      ? (...args: A) => void
      : (...args: A) => Promise<Awaited<R>>
    : never;
};

/** Brings calls to another process. */
export interface Caller {
  ask(call: string, args: readonly unknown[]): Promise<unknown>;
  tell(call: string, args: readonly unknown[]): void;
}

/** The methods of another process, as functions of this one. Arguments and answers must be plain JSON. */
export function remote<T, D extends { readonly [C in keyof D]: How }>(caller: Caller, description: D): Remote<T, D> {
  const methods = Object.entries<How>(description).map(([call, how]) => {
    const method = (...args: readonly unknown[]): unknown => caller[how](call, args);
    return [call, method];
  });
  // Both ends are this program, so what is called and what is answered are of the described types.
  return Object.fromEntries(methods) as Remote<T, D>;
}

/** The described methods of an object of this process, for a `CallLink` to carry out. */
export function local<T, C extends keyof T>(target: () => T, description: Record<C, How>): Pick<T, C> {
  const methods = Object.keys(description).map((call) => {
    const method = (...args: readonly unknown[]): unknown => {
      const object = target();
      return Reflect.apply(object[call as C] as (...args: readonly unknown[]) => unknown, object, args);
    };
    return [call, method];
  });
  return Object.fromEntries(methods) as Pick<T, C>;
}

/**
 * Sends a batch on its way.
 *
 * @param sent - to be called when the other side's system has it, or never will
 * @returns false when so much waits already that more should not be sent before `sent`
 */
export type Post = (batch: Batch, sent: () => void) => boolean;

/** What was said in one turn of the event loop, oldest first. */
export type Batch = readonly (Call | Answer)[];

/** A call; its id is 0 where no answer is wanted. */
type Call = readonly [id: number, call: string, args: readonly unknown[]];

/** The answer to a call. */
type Answer =
  | readonly [outcome: 'done', id: number, value: unknown]
  | readonly [outcome: 'failed', id: number, error: WireError];

/** An error on its way to another process, where it is of the same class again. */
type WireError =
  | { readonly name: 'SeamUnavailable' | 'Error'; readonly message: string }
  | ({ readonly name: 'ApiError' } & Pick<ApiError, 'id' | 'status' | 'message' | 'retryAfterSeconds' | 'headers'>);

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface CallLinkOptions {
  readonly post: Post;
  /** What the other process may call, by name. */
  readonly methods: object;
  /** Whom the other process is, for errors: "the main process". */
  readonly peer: string;
  /** Told of a call that failed for no reason that callers know: a bug. Returns what its caller gets instead. */
  readonly failed: (error: unknown, call: string) => Error;
  /** Let an answer take effect before the call behind it is carried out. */
  readonly answersFirst?: boolean;
}

/** The way to another process and back. Calls and answers go, and are carried out, in one order. */
export class CallLink implements Caller {
  readonly #options: CallLinkOptions;
  readonly #outbox: Outbox;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #isClosed = false;
  /** What came and was not taken yet, oldest first. */
  #inbox: Batch = [];
  /** An answer was given whose consequences are not all drawn yet. */
  #isSettling = false;

  constructor(options: CallLinkOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.post);
  }

  /** @throws {SeamUnavailable | ApiError | Error} by rejection, what the other process threw; `SeamUnavailable` when it is gone */
  ask(call: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(this.#gone());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#outbox.put([id, call, args]);
    });
  }

  /** Calls what needs no answer. Once it is on its way, it is carried out even if this process dies. */
  tell(call: string, args: readonly unknown[]): void {
    if (!this.#isClosed) this.#outbox.put([0, call, args]);
  }

  /**
   * Resolves when all that was told is on its way and, if the other process is slow, more may follow.
   *
   * @throws {SeamUnavailable} by rejection, when the other process is gone
   */
  departed(): Promise<void> {
    return this.#isClosed ? Promise.reject(this.#gone()) : this.#outbox.departed;
  }

  /** Takes what came from the other process. */
  receive(batch: Batch): void {
    if (this.#isClosed) return;
    this.#inbox = this.#inbox.length === 0 ? batch : this.#inbox.concat(batch);
    this.#work();
  }

  /** The other process is gone: nothing that waits will be answered, and nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(this.#gone());
    this.#pending.clear();
  }

  /**
   * With `answersFirst`, a call must find what the answer before it brought about, and promises need the end of this turn to do so:
   * whoever asked for the members, say, must have them before the next one is announced.
   */
  #work(): void {
    let done = 0;
    for (const item of this.#inbox) {
      if (isAnswer(item)) {
        this.#answer(item);
        if (this.#options.answersFirst && !this.#isSettling) {
          this.#isSettling = true;
          setImmediate(() => this.#goOn());
        }
      } else {
        if (this.#isSettling) break;
        this.#carryOut(item);
      }
      done += 1;
    }
    this.#inbox = this.#inbox.slice(done);
  }

  #goOn(): void {
    this.#isSettling = false;
    this.#work();
  }

  #carryOut([id, call, args]: Call): void {
    try {
      const method: unknown = Reflect.get(this.#options.methods, call);
      // Both ends are this program: what is called is there, and the arguments fit.
      const answer: unknown = Reflect.apply(method as () => unknown, undefined, args);
      if (answer instanceof Promise) {
        answer.then(
          (value) => this.#done(id, value),
          (error: unknown) => this.#failed(id, call, error),
        );
      } else this.#done(id, answer);
    } catch (error) {
      this.#failed(id, call, error);
    }
  }

  #done(id: number, value: unknown): void {
    if (id !== 0 && !this.#isClosed) this.#outbox.put(['done', id, value]);
  }

  #failed(id: number, call: string, error: unknown): void {
    const told =
      error instanceof ApiError || error instanceof SeamUnavailable ? error : this.#options.failed(error, call);
    if (id !== 0 && !this.#isClosed) this.#outbox.put(['failed', id, encodeError(told)]);
  }

  #answer([outcome, id, result]: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    // JSON has no undefined.
    if (outcome === 'done') pending?.resolve(result ?? undefined);
    else pending?.reject(decodeError(result));
  }

  #gone(): SeamUnavailable {
    return new SeamUnavailable(`${this.#options.peer} is gone`);
  }
}

function isAnswer(item: Call | Answer): item is Answer {
  return typeof item[0] === 'string';
}

function encodeError(error: Error): WireError {
  if (error instanceof ApiError) {
    const { id, status, message, retryAfterSeconds, headers } = error;
    return { name: 'ApiError', id, status, message, retryAfterSeconds, headers };
  }
  if (error instanceof SeamUnavailable) return { name: 'SeamUnavailable', message: error.detail };
  return { name: 'Error', message: error.message };
}

function decodeError(error: WireError): Error {
  switch (error.name) {
    case 'ApiError':
      return new ApiError(error.id, error.status, error.message, error.retryAfterSeconds, error.headers);
    case 'SeamUnavailable':
      return new SeamUnavailable(error.message);
    case 'Error':
      return new Error(error.message);
  }
}

/**
 * Collects messages for another process, and sends those of one turn of the event loop together: a message by itself costs more
 * than its content, here and wherever it goes.
 */
class Outbox {
  readonly #post: Post;
  readonly #flush = (): void => this.#send();
  #waiting: (Call | Answer)[] = [];
  #departure: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(post: Post) {
    this.#post = post;
  }

  put(message: Call | Answer): void {
    if (this.#waiting.length === 0) setImmediate(this.#flush);
    this.#waiting.push(message);
  }

  /** Resolves when all that was put so far is on its way and, if the other side is slow, more may follow. */
  get departed(): Promise<void> {
    if (!this.#departure) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#departure = { promise, resolve };
    }
    return this.#departure.promise;
  }

  #send(): void {
    const batch = this.#waiting;
    const departure = this.#departure;
    this.#waiting = [];
    this.#departure = undefined;
    const depart = (): void => departure?.resolve();
    if (this.#post(batch, depart)) depart();
  }
}
