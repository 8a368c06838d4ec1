import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Makes sure that nobody has a port before several share it: that another program has it must show, not be shared with it.
 *
 * @param port - 0: one that is free
 * @returns the port, which is free again
 * @throws {ListenError}
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(listenFailure(host, port, error), { cause: error });
  }
  const { port: claimed } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return claimed;
}

/** The native library only says no. Node's own attempt at the same address tells why. */
export async function explainListenFailure(host: string, port: number): Promise<string> {
  try {
    await claimPort(host, port);
    return listenFailure(host, port, undefined);
  } catch (error) {
    return error instanceof ListenError ? error.message : listenFailure(host, port, error);
  }
}

function listenFailure(host: string, port: number, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program has port ${port}: stop it, or choose another port with --port`,
    EACCES: `this user may not listen on port ${port}: choose one above 1023, or allow it`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: use 0.0.0.0 for all, 127.0.0.1 for this machine only`,
    ENOTFOUND: `${host} is not the name of this machine`,
  };
  return `Can't listen on ${host}:${port}: ${advice[code] ?? `the system refuses it (${code || 'no reason given'})`}`;
}
