import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

interface Places {
  readonly port: number;
  readonly nodePorts: readonly number[];
  readonly folder: string;
}

const CONFIG = new URL('../../examples/cluster/nginx-config.mjs', import.meta.url).href;
const { nginxConfig } = (await import(CONFIG)) as { nginxConfig(places: Places): string };

export interface Site {
  /** The text of nginx.conf. */
  config(place: { readonly port: number; readonly folder: string }): string;
  /** Whether it answers on its port. */
  isUp(port: number): Promise<boolean>;
}

/** A real nginx on a port of its own. */
export class Nginx {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kulkul-nginx-'));
  readonly #child: ChildProcess;
  #errors = '';

  private constructor(path: string, port: number, { config }: Site) {
    this.port = port;
    const file = join(this.#folder, 'nginx.conf');
    writeFileSync(file, config({ port, folder: this.#folder }));
    // One process, so that nothing of it outlives a test run that is killed half-way.
    const directives = 'daemon off; master_process off;';
    const args = ['-p', this.#folder, '-c', file, '-e', 'stderr', '-g', directives];
    this.#child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /**
   * In front of nodes, with the configuration of examples/cluster.
   *
   * @param path - of the program
   */
  static start(path: string, nodePorts: readonly number[]): Promise<Nginx> {
    return Nginx.serve(path, {
      config: (place) => nginxConfig({ ...place, nodePorts }),
      isUp: async (port) => (await fetch(`http://127.0.0.1:${port}/ready`)).ok,
    });
  }

  static async serve(path: string, site: Site): Promise<Nginx> {
    const nginx = new Nginx(path, await freePort(), site);
    await until(async () => {
      if (nginx.#child.exitCode !== null) throw new Error(`nginx ended: ${nginx.#errors}`);
      return await site.isUp(nginx.port).catch(() => false);
    });
    return nginx;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
