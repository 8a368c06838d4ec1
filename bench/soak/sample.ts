import { readdirSync } from 'node:fs';
import { cpuSeconds, residentBytes } from '../load/process-stats.ts';
import { signedPath } from '../load/signed-request.ts';
import type { RunningServer } from '../servers/contender.ts';
import type { Probe } from './probe.ts';

/** What the server has at one moment. */
export interface SoakSample extends Probe {
  /** Since the load began; negative before it, and after it ended. */
  readonly minutes: number;
  readonly residentBytes: number;
  readonly openFiles: number;
  readonly cpuSeconds: number;
  /** As the broker counts them. */
  readonly connections: number;
  readonly channels: number;
}

/** @throws {Error} the server is gone, or does not answer */
export async function takeSoakSample(server: RunningServer, minutes: number): Promise<SoakSample> {
  const { pid, line, address } = server;
  if (pid === undefined || !line) throw new Error('a soak takes a process of its own');
  process.kill(pid, 'SIGUSR2');
  const { probe } = JSON.parse(await line((text) => text.startsWith('{"probe"'))) as { probe: Probe };
  const base = `http://${address.host}:${address.port}`;
  const ask = async (path: string): Promise<unknown> => (await fetch(base + path)).json();
  const usage = (await ask('/usage')) as { connections: number };
  const { channels } = (await ask(signedPath(address.app, 'GET', '/channels', []))) as { channels: object };
  return {
    minutes,
    ...probe,
    residentBytes: residentBytes(pid),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
    cpuSeconds: cpuSeconds(pid),
    connections: usage.connections,
    channels: Object.keys(channels).length,
  };
}
