import { inject, onTestFinished } from 'vitest';
import { type DocumentedOptions, type DocumentedProxy, startDocumented } from './documented-proxies.ts';
import type { ProxyProcess } from './proxy-process.ts';
import { type PusherJsVersion, Visitor } from './visitor.ts';

/** A documented proxy as its clients have it: an address with TLS. */
export class Front {
  readonly proxy: ProxyProcess;
  /** `wsPath` of clients. */
  readonly path: string;

  private constructor(proxy: ProxyProcess, path: string) {
    this.proxy = proxy;
    this.path = path;
  }

  /** Runs as long as the test at most. The test must let Node trust any certificate (`NODE_TLS_REJECT_UNAUTHORIZED`): pusher-js has no option for it. */
  static async start(setup: DocumentedProxy, ports: readonly number[], options?: DocumentedOptions): Promise<Front> {
    const proxy = await startDocumented(inject(setup.program), setup, ports, options);
    onTestFinished(() => proxy.stop());
    return new Front(proxy, setup.wsPath ?? '');
  }

  get url(): string {
    return `https://localhost:${this.proxy.port}${this.path}`;
  }

  get wsUrl(): string {
    return this.url.replace('https', 'wss');
  }

  arrive(version: PusherJsVersion, id: string): Promise<Visitor> {
    const place = { host: 'localhost', port: this.proxy.port, isTls: true };
    return Visitor.arrive(version, id, this.path === '' ? place : { ...place, path: this.path });
  }

  /** As many of each release, in their channels. */
  visit(versions: readonly PusherJsVersion[], count: number): Promise<Visitor[]> {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    return Promise.all(
      versions.flatMap((version) => numbers.map((number) => this.arrive(version, `${version}-${number}`))),
    );
  }
}
