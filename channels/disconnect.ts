import type { Disconnect } from '../protocol/errors.ts';
import type { Connection } from './connection.ts';
import type { Node } from './node.ts';
import type { Ending } from './observer.ts';
import { leaveUser } from './sign-in.ts';
import { leaveSubscription } from './unsubscribe.ts';

/** Takes a connection out of everything it is part of. Safe to call at any moment of its life, and again: the first call says how it ended. */
export function disconnect(node: Node, connection: Connection, ending: Ending): void {
  if (connection.isClosed) return;
  connection.isClosed = true;
  connection.underWay = undefined;
  connection.cancelAuthorizationTimeout?.();
  node.connections.delete(connection.socketId);
  node.numbers.disconnected(connection.app.id);
  node.liveness.forget(connection);
  node.uptake.forget(connection);
  for (const subscription of connection.subscriptions.values()) {
    connection.subscriptions.delete(subscription.channel.name);
    node.settle(leaveSubscription(node, connection, subscription), 'leaving a channel');
  }
  if (connection.user) node.settle(leaveUser(node, connection, connection.user), 'sign-out');
  if (connection.isCounted) node.store.removeConnection(connection.app.id);
  const { code, reason, cause } = ending;
  node.observer.disconnected?.({ connection, code, reason, cause });
}

/** How a connection ends for which the server has a reason. */
export function endingBy({ id, code, message }: Disconnect): Ending {
  return { code, reason: message, cause: id };
}

const STEP_MS = 100;
/** All connections that wait at a time are ended over about this many steps. */
const STEPS = 20;
const MIN_AT_ONCE = 10;

/** Ends connections bit by bit, so that they don't come back in one wave. */
export class PacedEnd {
  readonly #node: Node;
  readonly #waiting = new Map<Connection, Disconnect>();
  #share = 0;
  #cancel: (() => void) | undefined;

  constructor(node: Node) {
    this.#node = node;
  }

  add(connections: Iterable<Connection>, reason: Disconnect): void {
    for (const connection of connections) this.#waiting.set(connection, reason);
    this.#share = Math.max(MIN_AT_ONCE, Math.ceil(this.#waiting.size / STEPS));
    if (this.#waiting.size > 0) this.#cancel ??= this.#node.clock.schedule(() => this.#step(), 0);
  }

  stop(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #step(): void {
    let left = this.#share;
    for (const [connection, reason] of this.#waiting) {
      if (left === 0) break;
      left -= 1;
      this.#waiting.delete(connection);
      this.#node.end(connection, reason);
    }
    this.#cancel = this.#waiting.size > 0 ? this.#node.clock.schedule(() => this.#step(), STEP_MS) : undefined;
  }
}
