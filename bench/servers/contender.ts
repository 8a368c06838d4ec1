import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Parts } from '../workloads/workload.ts';
import { BENCH_APP } from './bench-app.ts';
import { type Child, startNode } from './child.ts';

/** A server that can be measured. */
export interface Contender {
  readonly name: string;
  /** @param floorFlags - what the floor must do for the workload */
  start(cores: string, floorFlags: readonly string[], nodeFlags: readonly string[]): Promise<RunningServer>;
}

export interface RunningServer {
  readonly port: number;
  readonly pid: number;
  /** Further processes by name, where there are several. */
  readonly parts?: Parts;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** @param script - compiled bench/floor.ts */
export function floor(script: string): Contender {
  return {
    name: 'floor',
    async start(cores, floorFlags, nodeFlags) {
      const child = startNode(cores, [...nodeFlags, script, ...floorFlags]);
      return running(child, Number(await child.line(() => true)));
    },
  };
}

/**
 * @param script - compiled server/main.ts of the version to measure
 * @param settings - other than the defaults
 */
export function kulkul(name: string, script: string, settings: Readonly<Record<string, unknown>> = {}): Contender {
  return {
    name,
    async start(cores, _floorFlags, nodeFlags) {
      const folder = mkdtempSync(join(tmpdir(), 'kulkul-bench-'));
      try {
        const config = join(folder, 'config.json');
        writeFileSync(config, JSON.stringify({ ...CONFIG, ...settings }));
        const child = startNode(cores, [...nodeFlags, script, 'start', '--config', config]);
        const line = await child.line((text) => text.includes('"listening"'));
        return running(child, (JSON.parse(line) as { port: number }).port);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** Defaults, but for what a measurement needs: loopback, a free port that the log tells, no wait at the end. */
const CONFIG = {
  host: '127.0.0.1',
  port: 0,
  'log.format': 'json',
  shutdownGracePeriod: 0,
  'appManager.array.apps': [BENCH_APP],
};

function running(child: Child, port: number): RunningServer {
  return { port, pid: child.pid, stop: (signal) => child.stop(signal) };
}
