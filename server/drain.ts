import type { Connection } from '../channels/connection.ts';
import type { Node } from '../channels/node.ts';
import { CLOSE_CODES } from '../protocol/close-codes.ts';
import { Disconnect } from '../protocol/errors.ts';

const STEP_MS = 50;

export interface DrainOptions {
  /** The last client is told after this long; 0: all at once. */
  readonly totalMs: number;
  /** How far the moment of each client strays from an even spread: 0 not at all, 1 as far as its neighbours' moments. */
  readonly jitter: number;
}

/**
 * Moves all clients off a node, spread over a time so that they don't come back to the other nodes in one wave.
 * The node takes no new connections from here on.
 *
 * @param random - numbers from 0 up to 1
 */
export async function drain(
  node: Node,
  { totalMs, jitter }: DrainOptions,
  random: () => number = Math.random,
): Promise<void> {
  node.isDraining = true;
  const reason = new Disconnect('restarting', CLOSE_CODES.reconnect, 'Server is restarting: reconnect now');
  const plan = planMoments([...node.connections.values()], totalMs, jitter, random);
  for (let nowMs = 0; plan.length > 0; nowMs += STEP_MS) {
    for (let next = plan.at(-1); next && next.atMs <= nowMs; next = plan.at(-1)) {
      plan.pop();
      node.end(next.connection, reason);
    }
    // Who goes by itself meanwhile shortens the time.
    while (plan.at(-1)?.connection.isClosed) plan.pop();
    if (plan.length > 0) await pause(STEP_MS);
  }
}

/** When each connection is to go, the first one last. */
function planMoments(
  connections: readonly Connection[],
  totalMs: number,
  jitter: number,
  random: () => number,
): { connection: Connection; atMs: number }[] {
  return connections
    .map((connection, index) => {
      const strayed = index + (random() * 2 - 1) * jitter;
      return { connection, atMs: index === 0 ? 0 : (totalMs * Math.max(0, strayed)) / connections.length };
    })
    .sort((a, b) => b.atMs - a.atMs);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
