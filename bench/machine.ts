import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { findInstalledPackage } from '../server/native/load-binary.ts';

/** What figures can't be compared without. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly kulkul: string;
  readonly uWebSockets: string;
  readonly date: string;
}

export function describeMachine(): Machine {
  const require = createRequire(import.meta.url);
  const uws = findInstalledPackage();
  const { version } = require('../package.json') as { version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    kulkul: version,
    uWebSockets: uws ? `${uws.name} ${uws.version}` : 'unknown',
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

/** One core for the server, another for the load. */
export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** @throws {Error} where CPU time can't be read, or there is one core only */
export function chooseCores(): Cores {
  if (process.platform !== 'linux') throw new Error('the bench runs on Linux: it reads /proc and pins with taskset');
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
  const [server, load] = list.split(',').flatMap(coresOfRange);
  if (server === undefined || load === undefined) {
    throw new Error('the bench needs two cores: on one, server and load would measure each other');
  }
  return { server, load };
}

/** `0-3` or `5`, as the kernel writes them. */
function coresOfRange(range: string): number[] {
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Connections of the largest workload, and what processes open besides. */
const OPEN_FILES = 16_500;

/** @throws {Error} processes may not open enough files */
export function checkOpenFiles(): void {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const hard = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1]);
  if (hard >= OPEN_FILES || Number.isNaN(hard)) return;
  throw new Error(
    `the bench opens up to 16,000 connections, and this shell allows ${hard} files (ulimit -Hn): raise that, or use --quick`,
  );
}
