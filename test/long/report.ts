/** Middle and largest of some milliseconds, for people: nothing is asserted about time. */
export function report(what: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const [median = Number.NaN, most = Number.NaN] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  const figures = `median ${Math.round(median)} ms, longest ${Math.round(most)} ms (${sorted.length} clients)`;
  process.stdout.write(`${what}: ${figures}\n`);
}
