import { type Scenario, Stage, type World } from './stage.ts';

/** Runs a scenario and ends its clients. */
export async function play(scenario: Scenario, world: World): Promise<unknown> {
  const stage = new Stage(world);
  try {
    return await scenario.run(stage);
  } finally {
    stage.end();
  }
}
