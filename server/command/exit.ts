import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Exit codes: 1 for a failure of the program, 2 for something to mend in how it was called or configured. */
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/** Ends the process with a word about why. */
export function fail(message: string, exitCode: number): never {
  printError(`kulkul: ${message}\n`);
  process.exit(exitCode);
}

/** Writes to standard error, if it can be written to: the exit code tells, too. */
export function printError(text: string): void {
  try {
    write(STDERR, text);
  } catch {
    // There is no place left to say it.
  }
}

/** Writes the answer of a command to standard output. Ends the process, without a word, when its reader wants no more: `kulkul config | head -1`. */
export function print(text: string): void {
  try {
    write(STDOUT, text);
  } catch (error) {
    if (codeOf(error) === 'EPIPE') process.exit(0);
    fail(`the output could not be written (${error instanceof Error ? error.message : String(error)})`, EXIT_FAILURE);
  }
}

const STDOUT = 1;
const STDERR = 2;
const PAUSE_MS = 10;

/** Waits for the reader where the descriptor itself does not. */
function write(descriptor: number, text: string): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      Atomics.wait(sleeper, 0, 0, PAUSE_MS);
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Tells a wish to reload, by `kill -HUP`, from the end of the terminal that the program runs in: after that nobody is left who could stop it,
 * and there is no place for what it has to say.
 */
export function onHangup(handle: (isTerminalClosed: boolean) => void): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.on('SIGHUP', () => {
    handle(terminals.length > 0 && !terminals.some((descriptor) => isatty(descriptor)));
  });
}

/** Something to mend in how the command was called. The text says what. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command could not do what was asked. The text is for its user. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** Runs a command to its end. Ends the process with a word where it fails for a reason that its user can do something about. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (error instanceof UsageError) fail(error.message, EXIT_USAGE);
    if (error instanceof CommandError) fail(error.message, EXIT_FAILURE);
    throw error;
  }
}
