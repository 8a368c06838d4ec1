import { expect, test } from 'vitest';
import { errorsInCode, errorsInDocs } from './catalogue.ts';

test('docs/errors.md holds every error of the code, and no other', () => {
  const inCode = [...errorsInCode()].sort();
  expect(inCode.length).toBeGreaterThan(50);
  expect([...errorsInDocs().keys()].sort()).toEqual(inCode);
});
