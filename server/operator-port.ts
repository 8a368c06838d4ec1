import { setTimeout } from 'node:timers/promises';
import { hostPort } from './client-address.ts';

/** How long a broker that takes over waits for the port of the one that it replaces, in milliseconds. */
export const PORT_MS = 10_000;
const PAUSE_MS = 20;

/** A port for operators, not for clients. */
export interface OperatorAddress {
  readonly host: string;
  readonly port: number;
}

export interface OperatorServer {
  /** @returns the port. Rejects with the error of the system when the address can't be had. */
  listen(host: string, port: number): Promise<number>;
}

/**
 * Listens, once the port is free.
 *
 * @param waitMs - how long a port that is taken may take to become free
 */
export async function listenInTime(
  server: OperatorServer,
  { host, port }: OperatorAddress,
  waitMs: number,
): Promise<number> {
  for (const deadline = performance.now() + waitMs; ; await setTimeout(PAUSE_MS)) {
    try {
      return await server.listen(host, port);
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || performance.now() >= deadline) throw error;
    }
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What is served there: `the admin API`, with the settings that begin with `admin.`. */
export interface Served {
  readonly what: string;
  readonly section: 'admin' | 'metrics';
}

/** Why the address can't be had, for people. */
export function listenFailure({ host, port }: OperatorAddress, code: string, { what, section }: Served): string {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program has port ${port}: stop it, or choose another port with ${section}.port`,
    EACCES: `this user may not listen on port ${port}: choose one above 1023 with ${section}.port`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: correct ${section}.host${section === 'admin' ? ', or leave it out for 127.0.0.1' : ''}`,
    ENOTFOUND: `${host} is not the name of this machine: correct ${section}.host`,
  };
  return `Can't listen on ${hostPort(host, port)} for ${what}: ${advice[code] ?? `the system refuses it (${code || 'no reason given'})`}. To go without: ${section}.enabled false`;
}
