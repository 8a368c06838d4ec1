/** What this host says about itself. Each figure stands alone: one that can't be read is named, and the others go on. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { parse } from 'node:path';

const NETWORK_FILE = '/proc/net/dev';

export class Host {
  #cpu = cpuTimes();
  #network = networkBytes();

  /**
   * Shares in percent of the whole, sizes in bytes; null for what can't be read. CPU and network are means since the time before.
   *
   * @returns {Promise<Record<string, unknown> & { unreadable: { figure: string, reason: string }[] }>}
   */
  async read() {
    const unreadable = [];
    const attempt = async (figure, read) => {
      try {
        return await read();
      } catch (error) {
        unreadable.push({ figure, reason: error.message });
        return null;
      }
    };
    return {
      cpu: await attempt('cpu', () => this.#readCpu()),
      memory: await attempt('memory', readMemory),
      disk: await attempt('disk', readDisk),
      network: await attempt('network', () => this.#readNetwork()),
      load: os.loadavg().map(round),
      uptimeSeconds: Math.round(os.uptime()),
      unreadable,
    };
  }

  #readCpu() {
    const before = this.#cpu;
    const now = cpuTimes();
    this.#cpu = now;
    if (now.total === 0) throw new Error('the system lists no processors');
    const passed = now.total - before.total;
    return { percent: passed === 0 ? 0 : share(passed - (now.idle - before.idle), passed), cores: os.cpus().length };
  }

  #readNetwork() {
    const before = this.#network;
    const now = networkBytes();
    this.#network = now;
    if (now.problem) throw new Error(now.problem);
    const seconds = (now.atMs - before.atMs) / 1000;
    const rate = (direction) =>
      seconds > 0 ? Math.max(0, Math.round((now[direction] - before[direction]) / seconds)) : 0;
    return { receivedPerSecond: rate('received'), sentPerSecond: rate('sent') };
  }
}

function cpuTimes() {
  let total = 0;
  let idle = 0;
  for (const { times } of os.cpus()) {
    total += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  return { total, idle };
}

function readMemory() {
  const total = os.totalmem();
  const used = total - os.freemem();
  return { percent: share(used, total), used, total };
}

async function readDisk() {
  const { bsize, blocks, bfree, bavail } = await statfs(parse(process.cwd()).root);
  if (blocks === 0) throw new Error('the file system does not tell its size');
  // As df says it: what only root may still fill counts as taken.
  const used = (blocks - bfree) * bsize;
  const total = used + bavail * bsize;
  return { percent: share(used, total), used, total };
}

function networkBytes() {
  try {
    return { ...parseNetDev(readFileSync(NETWORK_FILE, 'utf8')), atMs: Date.now() };
  } catch {
    return { problem: `there is no ${NETWORK_FILE} on ${os.type()}`, atMs: Date.now() };
  }
}

/** Bytes of all interfaces but the loopback, of the text of `/proc/net/dev`. */
export function parseNetDev(text) {
  let received = 0;
  let sent = 0;
  for (const line of text.split('\n')) {
    const [, name, numbers] = /^\s*(\S+?):\s*(.+)$/.exec(line) ?? [];
    if (name === undefined || name === 'lo') continue;
    const columns = numbers.trim().split(/\s+/).map(Number);
    received += columns[0];
    sent += columns[8];
  }
  return { received, sent };
}

function share(part, whole) {
  return round((part / whole) * 100);
}

function round(number) {
  return Math.round(number * 10) / 10;
}
