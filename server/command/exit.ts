/** Exit codes: 1 for a failure of the program, 2 for something to mend in how it was called or configured. */
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/** Ends the process with a word about why. */
export function fail(message: string, exitCode: number): never {
  process.stderr.write(`kulkul: ${message}\n`);
  process.exit(exitCode);
}
