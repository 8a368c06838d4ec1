/** Entry of the bundle for browsers: scenarios by title, for the test to call. */
import { forceTlsScenario, interruptionScenarios } from './connection.ts';
import { echoScenarios } from './echo.ts';
import { play } from './play.ts';
import { pusherJsScenarios } from './pusher-js.ts';
import type { Scenario, World } from './stage.ts';
import { cookieScenario, endpointScenarios, jsonpScenarios } from './token-endpoints.ts';
import { tokenScenarios } from './tokens.ts';

const scenarios: readonly Scenario[] = [
  ...pusherJsScenarios,
  ...echoScenarios,
  ...interruptionScenarios,
  forceTlsScenario,
  ...tokenScenarios,
  ...endpointScenarios,
  ...jsonpScenarios,
  cookieScenario,
];

Object.assign(globalThis, {
  runScenario(title: string, world: World): Promise<unknown> {
    const scenario = scenarios.find((candidate) => candidate.title === title);
    if (!scenario) throw new Error(`no scenario "${title}"`);
    return play(scenario, world);
  },
});
