import { once } from 'node:events';
import { createServer } from 'node:net';

/** @returns a port of 127.0.0.1 that nobody has at the moment */
export async function freePort() {
  return listenOnce(0, '127.0.0.1');
}

/**
 * @param {string} option - of the command, with which another port is chosen
 * @throws {Error} another program has the port
 */
export async function assertFree(port, host, option) {
  try {
    await listenOnce(port, host);
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    const advice = `stop it, or choose another port: npm run example NAME -- ${option}`;
    throw new Error(`Another program has port ${port} of ${host}: ${advice}`);
  }
}

async function listenOnce(port, host) {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const { port: taken } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return taken;
}
