import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { APP } from '../support/broker.ts';
import { type BrokerProcess, freePort, startProcess } from '../support/process.ts';
import { restartScenario } from './scenarios/connection.ts';
import { echoScenarios } from './scenarios/echo.ts';
import { play } from './scenarios/play.ts';
import { pusherJsScenarios } from './scenarios/pusher-js.ts';
import type { World } from './scenarios/stage.ts';

let broker: BrokerProcess;
let backend: Backend;
let world: World;
beforeAll(async () => {
  const port = await freePort();
  broker = await startProcess({ port });
  backend = await Backend.start(broker, {
    async restartBroker() {
      broker.signal('SIGTERM');
      await broker.exited;
      broker = await startProcess({ port });
    },
  });
  world = { key: APP.key, wsHost: '127.0.0.1', wsPort: port, wssPort: port, backendUrl: backend.url };
});
afterAll(() => backend.stop());

describe('in Node', () => {
  for (const scenario of [...pusherJsScenarios, ...echoScenarios, restartScenario]) {
    test(scenario.title, async () => {
      expect(await play(scenario, world)).toEqual(scenario.expected);
    });
  }
});
