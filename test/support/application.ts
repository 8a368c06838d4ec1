import type { World } from '../e2e/scenarios/stage.ts';
import { Backend } from './backend.ts';
import { Balancer } from './balancer.ts';
import { APP } from './broker.ts';
import { freePort } from './free-port.ts';
import { startProcess } from './process.ts';

/** A whole system: clients reach a broker through a balancer; the application behind it can replace the broker. */
export interface TestApplication {
  readonly world: World;
  stop(): Promise<void>;
}

/**
 * @param files - see `Backend`
 * @param settings - of the broker
 */
export async function startApplication(
  files?: ReadonlyMap<string, string>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<TestApplication> {
  let broker = await startProcess({ settings, port: await freePort() });
  const balancer = await Balancer.start(broker.port);
  const operations = {
    async crashBroker(): Promise<void> {
      await broker.kill();
      broker = await startProcess({ settings, port: broker.port });
    },
    async replaceBroker(): Promise<void> {
      const former = broker;
      broker = await startProcess({ settings });
      balancer.targets = [broker.port];
      former.signal('SIGTERM');
      await former.exited;
    },
  };
  const backend = await Backend.start(balancer, { operations, ...(files && { files }) });
  return {
    world: {
      key: APP.key,
      wsHost: '127.0.0.1',
      wsPort: balancer.port,
      wssPort: balancer.port,
      backendUrl: backend.url,
    },
    async stop() {
      await Promise.all([backend.stop(), balancer.stop()]);
    },
  };
}
