import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatJson, jsonProblem } from '../../console/data/json.ts';

test('JSON is shown as it is usually written', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const usual = JSON.stringify(JSON.parse(text), null, 2);
      // Numbers stay as they were sent.
      if (!/-0|\d[eE.]/.test(text)) expect(formatJson(text)).toBe(usual);
      expect(JSON.parse(formatJson(text) ?? '')).toEqual(JSON.parse(text));
    }),
  );
});

test('numbers that JavaScript would round, and keys that are there twice, stay', () => {
  expect(formatJson('{"id":12345678901234567890,"id":1.50}')).toBe('{\n  "id": 12345678901234567890,\n  "id": 1.50\n}');
});

test('what is no JSON is not formatted, and its problem is told', () => {
  expect(formatJson('{"a": }')).toBeUndefined();
  expect(jsonProblem('{"a": }')).toMatch(/^This is no JSON: /);
  expect(jsonProblem(' ')).toContain('Write some JSON');
  expect(jsonProblem('[1, "a"]')).toBeUndefined();
});
