import { once } from 'node:events';
import { createServer } from 'node:net';

/** Examples are for this machine: broker, page and programs listen there, and nowhere else. */
export const LOOPBACK = '127.0.0.1';

/** @returns a port that nobody has at the moment */
export async function freePort() {
  return listenOnce(0);
}

/**
 * @param {string} option - of the command, with which another port is chosen
 * @throws {Error} another program has the port
 */
export async function assertFree(port, option) {
  try {
    await listenOnce(port);
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    const advice = `stop it, or choose another port: npm run example NAME -- ${option}`;
    throw new Error(`Another program has port ${port} of ${LOOPBACK}: ${advice}`);
  }
}

async function listenOnce(port) {
  const server = createServer().listen(port, LOOPBACK);
  await once(server, 'listening');
  const { port: taken } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return taken;
}
