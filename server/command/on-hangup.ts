import { isatty } from 'node:tty';

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
