import type { Node } from '../channels/node.ts';
import { CLOSE_CODES } from '../protocol/close-codes.ts';
import { Disconnect } from '../protocol/errors.ts';

const STEP_MS = 50;

/**
 * Moves all clients off a node, spread over a time so that they don't come back to the other nodes in one wave.
 * The node takes no new connections from here on.
 *
 * @param graceMs - the last client is told after this long; 0: all at once
 */
export async function drain(node: Node, graceMs: number): Promise<void> {
  node.isDraining = true;
  const reason = new Disconnect('restarting', CLOSE_CODES.reconnect, 'Server is restarting: reconnect now');
  const steps = Math.max(1, Math.floor(graceMs / STEP_MS));
  for (let step = 0; step < steps && node.connections.size > 0; step += 1) {
    const share = Math.ceil(node.connections.size / (steps - step));
    for (const connection of take(node.connections.values(), share)) node.end(connection, reason);
    if (node.connections.size > 0) await pause(STEP_MS);
  }
}

function take<T>(values: Iterator<T>, count: number): T[] {
  const taken: T[] = [];
  for (let next = values.next(); !next.done && taken.length < count; next = values.next()) taken.push(next.value);
  return taken;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
