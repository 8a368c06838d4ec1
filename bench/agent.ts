/**
 * Loaded into every process of the bench before its own code. Ends the process when the one that started it is gone, and
 * collects garbage when asked to (with --expose-gc).
 */
// Workers have a main process, which ends them.
if (!process.connected) {
  process.stdin.on('end', () => process.exit(1));
  process.stdin.resume();
  // Only a watch: it must not keep the process alive.
  (process.stdin as unknown as { unref(): void }).unref();
}
process.on('SIGUSR2', () => globalThis.gc?.());
