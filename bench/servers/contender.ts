import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Address } from '../load/address.ts';
import type { Parts } from '../workloads/workload.ts';
import { BENCH_APP, FEED_CHANNEL, FEED_PATH } from './bench-app.ts';
import type { Certificate } from './certificate.ts';
import { type Child, startNode } from './child.ts';

/** What a workload may need of a server beyond the protocol: `process` means its memory and CPU time. */
export type Need = 'tls' | 'feeds' | 'process' | 'plain';

/** A server that can be measured. */
export interface Contender {
  readonly name: string;
  /** Shown beside its name in the header. */
  readonly version?: string;
  /** What it does wrong does not end the bench but is reported. */
  readonly isForeign?: boolean;
  has(need: Need): boolean;
  start(order: StartOrder): Promise<RunningServer>;
}

export interface StartOrder {
  /** As `taskset` takes them. */
  readonly cores: string;
  readonly nodeFlags: readonly string[];
  /** What the floor must do for the workload. */
  readonly floorFlags: readonly string[];
  /** Served by TLS with it. */
  readonly certificate: Certificate | undefined;
  readonly hasFeed: boolean;
}

export interface RunningServer {
  readonly address: Address;
  /** Undefined when the process is not ours. */
  readonly pid: number | undefined;
  /** Further processes by name, where there are several. */
  readonly parts?: Parts;
  /** The next line of its standard output that fits. */
  line?(fits: (line: string) => boolean): Promise<string>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** @param script - compiled bench/floor/main.ts */
export function floor(script: string): Contender {
  return {
    name: 'floor',
    has: () => true,
    async start({ cores, nodeFlags, floorFlags, certificate, hasFeed }) {
      const tls = certificate ? ['--tls', certificate.certPath, certificate.keyPath] : [];
      const feed = hasFeed ? ['--feed'] : [];
      const child = startNode(cores, [...nodeFlags, script, ...floorFlags, ...feed, ...tls]);
      return running(child, Number(await child.line(() => true)), certificate);
    },
  };
}

/**
 * @param script - compiled server/main.ts of the version to measure
 * @param settings - other than the defaults
 * @param options - of its app
 */
export function kulkul(
  name: string,
  script: string,
  settings: Readonly<Record<string, unknown>> = {},
  options: Readonly<Record<string, unknown>> = {},
): Contender {
  return {
    name,
    // Builds that are bundled have chunks in place of a folder for each part. They all have feeds.
    has: (need) => need !== 'feeds' || ['feeds', '../chunks'].some((name) => existsSync(join(dirname(script), name))),
    async start({ cores, nodeFlags, certificate, hasFeed }) {
      const app = { ...APP, ...options, ...(hasFeed && { feeds: [{ path: FEED_PATH, channel: FEED_CHANNEL }] }) };
      const all = { ...CONFIG, ...tlsSettings(certificate), ...settings, 'appManager.array.apps': [app] };
      return withConfig(all, async (config) => {
        const child = startNode(cores, [...nodeFlags, script, 'start', '--config', config]);
        const line = await child.line((text) => text.includes('"listening"'));
        return running(child, (JSON.parse(line) as { port: number }).port, certificate);
      });
    },
  };
}

/** All defaults but for client events, which are off in Kulkul and in Soketi, and limited to 10 per second and client in Kulkul. */
export const APP = { ...BENCH_APP, enableClientMessages: true, maxClientEventsPerSecond: -1 };

/** Defaults, but for what a measurement needs: loopback, a free port that the log tells, no wait at the end. */
const CONFIG = { host: '127.0.0.1', port: 0, 'log.format': 'json', shutdownGracePeriod: 0 };

/** As Kulkul and Soketi take it. */
export function tlsSettings(certificate: Certificate | undefined): Readonly<Record<string, string>> {
  return certificate ? { 'ssl.certPath': certificate.certPath, 'ssl.keyPath': certificate.keyPath } : {};
}

/** Hands over a configuration file that is gone afterwards. */
export async function withConfig<T>(config: unknown, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-bench-'));
  try {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(config));
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function running(child: Child, port: number, certificate: Certificate | undefined): RunningServer {
  return {
    address: { host: '127.0.0.1', port, app: BENCH_APP, ca: certificate?.ca },
    pid: child.pid,
    line: (fits) => child.line(fits),
    stop: (signal) => child.stop(signal),
  };
}
