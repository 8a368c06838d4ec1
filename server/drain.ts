import type { Connection } from '../channels/connection.ts';
import { disconnect, endingBy } from '../channels/disconnect.ts';
import type { Node } from '../channels/node.ts';
import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import type { Logger } from './log.ts';
import { countOpenFiles } from './open-connections.ts';

const STEP_MS = 50;
/**
 * Time for the last frames to arrive, and for clients to close their side, in milliseconds. Data that arrives after the end of a process is answered with a
 * reset, which may overtake the close frame.
 */
const LINGER_MS = 250;
const LOOK_MS = 10;
/** Between two progress lines. */
const PROGRESS_MS = 5000;
/** RFC 6455, 7.4.1: 1001, the endpoint goes away. */
const RESTARTING = new Disconnect('restarting', 1001, 'Server is restarting');

export interface DrainOptions {
  /** The last client is closed after this time; 0: all at once. */
  readonly totalMs: number;
  /** Randomness of the moment of each client: 0 for an even spread, 1 for up to the neighbours' moments. */
  readonly jitter: number;
  readonly log: Logger;
}

/**
 * Closes all clients of a node with 4200, so that they reconnect at once, to another node. It is spread over a time, so that they don't
 * reach the other nodes in one wave.
 *
 * @param random - numbers from 0 up to 1
 */
export async function moveClients(
  node: Node,
  { totalMs, jitter, log }: DrainOptions,
  random: () => number = Math.random,
): Promise<void> {
  const reason = new Disconnect('restarting', CLOSE_CODES.reconnect, 'Server is restarting: reconnect now');
  const plan = planMoments([...node.connections.values()], totalMs, jitter, random);
  const clients = plan.length;
  if (clients > 0) log.info({ clients, seconds: totalMs / 1000 }, 'moving clients off');
  for (let nowMs = 0; plan.length > 0; nowMs += STEP_MS) {
    for (let next = plan.at(-1); next && next.atMs <= nowMs; next = plan.at(-1)) {
      plan.pop();
      node.end(next.connection, reason);
    }
    // Clients that leave by themselves shorten the time.
    while (plan.at(-1)?.connection.isClosed) plan.pop();
    if (plan.length > 0 && nowMs > 0 && nowMs % PROGRESS_MS === 0)
      log.info({ clients, left: plan.length }, 'moving clients off');
    if (plan.length > 0) await pause(STEP_MS);
  }
  if (clients === 0) return;
  log.info({ clients }, 'clients moved off');
  await pause(LINGER_MS);
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

/**
 * Closes all clients of a node in one turn, for a restart at the same address. Without an error frame: pusher-js treats code 1001 as a
 * network failure: it reconnects after a second, and reports no error to the page.
 */
export async function endClients(node: Node, log: Logger): Promise<void> {
  const connections = [...node.connections.values()];
  if (connections.length === 0) return;
  const before = countOpenFiles();
  for (const channel of node.channels.values()) node.coalescer.release(channel);
  // All leave, so nobody needs to be told about the others.
  node.mute();
  for (const connection of connections) {
    // First, as closing tells the session of an end without a cause.
    disconnect(node, connection, endingBy(RESTARTING));
    connection.transport.close(RESTARTING.code, RESTARTING.message);
  }
  log.info({ clients: connections.length }, 'clients disconnected: they reconnect by themselves');
  // uWebSockets.js reports the end of a WebSocket when closing begins. The descriptors show when the client has closed its side, too.
  const deadline = performance.now() + LINGER_MS;
  const areGone = (): boolean => before !== undefined && (countOpenFiles() ?? 0) <= before - connections.length;
  while (!areGone() && performance.now() < deadline) await pause(LOOK_MS);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
