import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestApplication } from '../support/application.ts';
import { startRvmApplication } from '../support/rvm-application.ts';
import { play } from './scenarios/play.ts';
import { endpointScenarios } from './scenarios/token-endpoints.ts';
import { tokenScenarios } from './scenarios/tokens.ts';

let application: TestApplication;
beforeAll(async () => {
  application = await startRvmApplication();
});
afterAll(() => application.stop());

describe('in Node', () => {
  for (const scenario of [...tokenScenarios, ...endpointScenarios]) {
    test(scenario.title, async () => {
      expect(await play(scenario, application.world)).toEqual(scenario.expected);
    });
  }
});
