import { onTestFinished } from 'vitest';
import { DOCUMENTED, type DocumentedName, type DocumentedOptions } from '../support/documented-proxies.ts';
import { freePort } from '../support/free-port.ts';
import { Front } from '../support/front.ts';
import { type BrokerOptions, type BrokerProcess, startProcess } from '../support/process.ts';

/** One broker behind a documented proxy. */
export class LoneBroker {
  readonly front: Front;
  readonly #options: BrokerOptions;
  #broker: BrokerProcess;

  private constructor(front: Front, broker: BrokerProcess, options: BrokerOptions) {
    this.front = front;
    this.#broker = broker;
    this.#options = options;
  }

  /** Runs as long as the test at most. */
  static async start(
    name: DocumentedName,
    options: BrokerOptions = {},
    proxyOptions?: DocumentedOptions,
  ): Promise<LoneBroker> {
    const broker = await startProcess({ ...options, port: await freePort() });
    const lone = new LoneBroker(await Front.start(DOCUMENTED[name], [broker.port], proxyOptions), broker, options);
    onTestFinished(() => lone.#broker.kill());
    return lone;
  }

  get port(): number {
    return this.#broker.port;
  }

  /** Stops it as a service manager does. */
  async end(): Promise<void> {
    this.#broker.signal('SIGTERM');
    await this.#broker.exited;
  }

  /** Starts the next one, where the former was. */
  async begin(): Promise<void> {
    this.#broker = await startProcess({ ...this.#options, port: this.port });
  }
}
