/** How much of a proof is run: little of it by `npm test`, all by `npm run test:long` (test/long/at-length.test.ts). */
export function atLength<T>(short: T, long: T): T {
  return process.env.KULKUL_TEST_AT_LENGTH === undefined ? short : long;
}
