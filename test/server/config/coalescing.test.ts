import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { failure, load, onlyApp } from './load.ts';

const fileWith = (coalescing: string): string =>
  `{ "appManager.array.apps": [{ "id": "1", "key": "k", "secret": "s",\n"coalescing": ${coalescing}\n}] }`;

const problems = (file: string): string =>
  failure({ file }).replaceAll('soketi.config.json:', '').replaceAll('appManager.array.apps[0].', '');

describe('coalescing', () => {
  const rules = '[{ "name": "alerts", "milliseconds": 0 }, { "name": "scada-*", "milliseconds": 5 }]';

  it('is a list of names and times', () => {
    const [alerts, scada] = onlyApp({ file: fileWith(rules) }).coalescing;
    expect([alerts?.milliseconds, scada?.milliseconds]).toEqual([0, 5]);
    expect(scada?.pattern.matches('scada-data')).toBe(true);
    expect(onlyApp({ file: fileWith('[]') }).coalescing).toEqual([]);
  });

  it('may stand in a variable', () => {
    const env = {
      KULKUL_DEFAULT_APP_ID: '1',
      KULKUL_DEFAULT_APP_KEY: 'k',
      KULKUL_DEFAULT_APP_SECRET: 's',
      KULKUL_DEFAULT_APP_COALESCING: rules,
    };
    expect(onlyApp({ env }).coalescing).toHaveLength(2);
  });

  it.each([
    ['5', '2:15  coalescing: expected a list, got 5.'],
    ['[{ "name": "a" }]', '2:16  coalescing[0].milliseconds: missing.'],
    ['[{ "milliseconds": 1 }]', '2:16  coalescing[0].name: missing.'],
    ['[{ "name": "", "milliseconds": 1 }]', '2:26  coalescing[0].name: must not be empty'],
    ['[{ "name": "a-{sub}", "milliseconds": 1 }]', '2:26  coalescing[0].name: must be a name or a pattern with *'],
    ['[{ "name": "a", "milliseconds": 101 }]', '2:47  coalescing[0].milliseconds: '],
    ['[{ "name": "a", "milliseconds": 1.5 }]', '2:47  coalescing[0].milliseconds: '],
    ['[{ "name": "a", "milliseconds": 1, "channel": "a" }]', '2:50  coalescing[0].channel: '],
  ])('can not be %s', (coalescing, problem) => {
    expect(problems(fileWith(coalescing))).toContain(problem);
  });

  it('is shown', () => {
    const text = describeConfig(load({ file: fileWith(rules) }));
    expect(text).toMatch(/apps\.0\.coalescing\.0 += "alerts", 0 ms/);
    expect(text).toMatch(/apps\.0\.coalescing\.1 += "scada-\*", 5 ms/);
  });
});
