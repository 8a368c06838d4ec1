import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { hostPort } from './client-address.ts';
import { STOPPING_PROBLEM } from './http/health.ts';
import type { Logger } from './log.ts';

export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface Address {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly isTls: boolean;
}

const PAUSE_MS = 50;
const ANSWER_MS = 1000;
/** A broker may have gone between two checks. */
const MAX_REFUSED = 3;

/**
 * Checks that nobody has a port before listening on it in a way that could share it: another program on the port must be an error. One of our own that
 * is stopping, as its `/ready` says, is waited for.
 *
 * @returns the port, which is free
 * @throws {ListenError}
 */
export async function claimPort(address: Address, log: Logger): Promise<number> {
  let refused = 0;
  for (let isSaid = false; ; await setTimeout(PAUSE_MS)) {
    try {
      return await tryPort(address);
    } catch (error) {
      const holder = codeOf(error) === 'EADDRINUSE' ? await askHolder(address) : 'other';
      refused = holder === 'gone' ? refused + 1 : 0;
      if (holder === 'other' || refused > MAX_REFUSED) {
        throw new ListenError(listenFailure(address, error), { cause: error });
      }
      if (holder === 'going' && !isSaid) {
        log.info(
          { host: address.host, port: address.port },
          'waiting for the port: a broker that is stopping still has it',
        );
        isSaid = true;
      }
    }
  }
}

/** The native library gives no reason. Node's own attempt at the same address does. */
export async function explainListenFailure(address: Address): Promise<string> {
  try {
    await tryPort(address);
    return listenFailure(address, undefined);
  } catch (error) {
    return listenFailure(address, error);
  }
}

/**
 * @returns the port; of 0 one that is free
 * @throws {Error} of the system: why the port can't be listened on
 */
async function tryPort({ host, port }: Address): Promise<number> {
  if (process.platform === 'linux' && port !== 0) {
    await tryToBind(host, port);
    return port;
  }
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const { port: claimed } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return claimed;
}

/**
 * Whoever connects while a port is listened on just to see whether that is possible is reset. On Linux a socket that is to connect can have the port first, and is
 * refused it for the same reasons. It gets no further: nobody has port 0.
 */
async function tryToBind(host: string, port: number): Promise<void> {
  const { address, family } = await lookup(host);
  const socket = connect({ host: family === 6 ? '::1' : '127.0.0.1', port: 0, localAddress: address, localPort: port });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  if (error.syscall === 'bind') throw error;
}

/** What has the port: a stopping broker, nobody any more, or something else. */
async function askHolder({ host, port, isTls }: Address): Promise<'going' | 'gone' | 'other'> {
  const request = isTls ? requestTls : requestPlain;
  const to = { host: reachable(host), port, path: '/ready', timeout: ANSWER_MS, rejectUnauthorized: false };
  try {
    const asking = request({ ...to, agent: false });
    asking.on('timeout', () => asking.destroy(new Error('no answer')));
    asking.end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += part;
    return answer.statusCode === 503 && text === STOPPING_PROBLEM ? 'going' : 'other';
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED' ? 'gone' : 'other';
  }
}

/** An address to connect to, for one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function listenFailure({ host, port }: Address, error: unknown): string {
  const code = codeOf(error);
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program has port ${port}: stop it, or choose another port with --port`,
    EACCES: `this user may not listen on port ${port}: choose one above 1023, or allow it`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: use 0.0.0.0 for all, 127.0.0.1 for this machine only`,
    ENOTFOUND: `${host} is not the name of this machine`,
  };
  return `Can't listen on ${hostPort(host, port)}: ${advice[code] ?? `the system refuses it (${code || 'no reason given'})`}`;
}
