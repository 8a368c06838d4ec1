import { type BrokerMessage, SeamUnavailable } from '../../channels/broker.ts';
import { Outbox, type Post } from './outbox.ts';
import { decodeMessage, type HostCalls, type ToHost, type ToWorker } from './wire.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A worker's way to its host. Calls are carried out, and answers and messages come back, in one order. */
export class HostLink {
  readonly #outbox: Outbox<ToHost>;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #isClosed = false;
  /** What came and was not taken yet, oldest first. */
  #inbox: ToWorker[] = [];
  /** An answer was given whose consequences are not all drawn yet. */
  #isSettling = false;
  #deliver: (message: BrokerMessage) => void = () => {};

  constructor(post: Post<ToHost>) {
    this.#outbox = new Outbox(post);
  }

  /** Sets who receives messages of channels. */
  listen(deliver: (message: BrokerMessage) => void): void {
    this.#deliver = deliver;
  }

  /** @throws {SeamUnavailable} by rejection, when the host is gone */
  ask<C extends keyof HostCalls>(call: C, ...args: Parameters<HostCalls[C]>): Promise<ReturnType<HostCalls[C]>> {
    if (this.#isClosed) return Promise.reject(hostIsGone());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      // The answer to a call is of the call's type: both ends are this program.
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#outbox.put([id, call, args]);
    });
  }

  /** Says something that needs no answer. Once it is on its way, it is carried out even if this process dies. */
  tell<C extends keyof HostCalls>(call: C, ...args: Parameters<HostCalls[C]>): void {
    if (!this.#isClosed) this.#outbox.put([0, call, args]);
  }

  /**
   * Resolves when all that was told is on its way and, if the host is slow, more may follow.
   *
   * @throws {SeamUnavailable} by rejection, when the host is gone
   */
  departed(): Promise<void> {
    return this.#isClosed ? Promise.reject(hostIsGone()) : this.#outbox.departed;
  }

  /** Takes what came from the host. */
  receive(batch: readonly ToWorker[]): void {
    this.#inbox = this.#inbox.length === 0 ? [...batch] : this.#inbox.concat(batch);
    this.#work();
  }

  /** The host is gone: nothing that waits will be answered. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(hostIsGone());
    this.#pending.clear();
  }

  /**
   * A message must find what the answer before it brought about, and promises need the end of this turn to do so: whoever
   * asked for the members, say, must have them before the next one is announced.
   */
  #work(): void {
    let done = 0;
    for (const item of this.#inbox) {
      if (item[0] === 'message') {
        if (this.#isSettling) break;
        const [, ...message] = item;
        this.#deliver(decodeMessage(message));
      } else {
        this.#answer(item);
        if (!this.#isSettling) setImmediate(() => this.#goOn());
        this.#isSettling = true;
      }
      done += 1;
    }
    this.#inbox = this.#inbox.slice(done);
  }

  #goOn(): void {
    this.#isSettling = false;
    this.#work();
  }

  #answer([kind, id, result]: Exclude<ToWorker, readonly ['message', ...unknown[]]>): void {
    const pending = this.#take(id);
    // JSON has no undefined.
    if (kind === 'answer') pending?.resolve(result ?? undefined);
    else pending?.reject(new SeamUnavailable(result));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

function hostIsGone(): SeamUnavailable {
  return new SeamUnavailable('the main process is gone');
}
