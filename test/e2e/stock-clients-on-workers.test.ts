import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApplication, type TestApplication } from '../support/application.ts';
import { interruptionScenarios } from './scenarios/connection.ts';
import { echoScenarios } from './scenarios/echo.ts';
import { play } from './scenarios/play.ts';
import { pusherJsScenarios } from './scenarios/pusher-js.ts';

let application: TestApplication;
beforeAll(async () => {
  application = await startApplication(undefined, { workers: 3 });
});
afterAll(() => application.stop());

describe('on three workers', () => {
  for (const scenario of [...pusherJsScenarios, ...echoScenarios, ...interruptionScenarios]) {
    test(scenario.title, async () => {
      expect(await play(scenario, application.world)).toEqual(scenario.expected);
    });
  }
});
