/** Messages so soon after a connect are start-up: browser and server do things for the first time. */
const START_UP_MS = 3000;
/** The average is of so many messages: some minutes. */
const REMEMBERED = 200;
/** Less than that apart, two times are the same to people. */
const FELT_MS = 50;

/** How long messages take on one way. */
export class Statistics {
  readonly #values: number[] = [];
  #connectedMs = Number.POSITIVE_INFINITY;
  /** All messages, those of the start-up included. */
  count = 0;

  /** @param nowMs - of any clock that goes forward, and of the same one in `add` */
  connected(nowMs: number): void {
    this.#connectedMs = nowMs;
  }

  /** @returns false for a message of the start-up, which stays out of the average */
  add(latencyMs: number, nowMs: number): boolean {
    this.count += 1;
    if (nowMs - this.#connectedMs < START_UP_MS) return false;
    this.#values.push(latencyMs);
    if (this.#values.length > REMEMBERED) this.#values.shift();
    return true;
  }

  /** Undefined while there is nothing to go by. */
  get average(): number | undefined {
    if (this.#values.length === 0) return undefined;
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }
}

export function milliseconds(value: number): string {
  const isExact = Number.isInteger(value) || Math.abs(value) >= 100;
  return `${value.toFixed(isExact ? 0 : 1)} ms`;
}

/** What the averages of both ways come to, in words. */
export function verdictOf(webSocketMs: number | undefined, sseMs: number | undefined): string {
  const figures = [
    ['WebSocket', webSocketMs],
    ['SSE', sseMs],
  ].map(([name, value]) => `${name} ${typeof value === 'number' ? milliseconds(value) : 'not measured yet'}`);
  return `${figures.join(', ')}${comparison(webSocketMs, sseMs)}`;
}

function comparison(webSocketMs: number | undefined, sseMs: number | undefined): string {
  if (webSocketMs === undefined || sseMs === undefined) return '';
  const difference = sseMs - webSocketMs;
  if (Math.abs(difference) < FELT_MS) return ': no difference you could feel';
  return `: ${difference > 0 ? 'SSE' : 'WebSocket'} is ${milliseconds(Math.abs(difference))} slower`;
}
