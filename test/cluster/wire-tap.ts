import type { Direction, TcpProxy } from '../support/tcp-proxy.ts';

/** A text, a number, or an array of them, as the protocol of Redis has it. */
type Value = string | number | null | readonly Value[];

/** Reads what a node and Redis say to each other. To be made while they say nothing else than beginnings of whole values. */
export class WireTap {
  /** By connection and direction, what has not come whole yet. */
  readonly #rest = new Map<string, Buffer>();
  readonly #said: { readonly direction: Direction; readonly connection: number; readonly value: Value }[] = [];
  #topicsConnection: number | undefined;

  constructor(wire: TcpProxy) {
    wire.onData = (chunk, direction, connection) => this.#take(chunk, direction, connection);
  }

  /** Commands of the node since the last `clear` in which a text occurs. */
  commandsNaming(text: string): readonly Value[] {
    return this.#all('up').filter((command) => JSON.stringify(command).includes(text));
  }

  /** Whether a text came from Redis since the last `clear`, in whatever it was. */
  hasBroughtDown(text: string): boolean {
    return this.#all('down').some((value) => JSON.stringify(value).includes(text));
  }

  /**
   * All that Redis sent since the last `clear` on the node's connection for topics, but for the answers to its heartbeat. That
   * connection is known from the first subscription on.
   */
  get cameFromTopics(): readonly Value[] {
    if (this.#topicsConnection === undefined) throw new Error('no subscription was seen yet');
    const own = this.#said.filter(({ connection }) => connection === this.#topicsConnection);
    return own.flatMap(({ direction, value }) => (direction === 'down' && !isPong(value) ? [value] : []));
  }

  clear(): void {
    this.#said.length = 0;
  }

  #all(wanted: Direction): Value[] {
    return this.#said.flatMap(({ direction, value }) => (direction === wanted ? [value] : []));
  }

  #take(chunk: Buffer, direction: Direction, connection: number): void {
    const id = `${direction} ${connection}`;
    let rest = Buffer.concat([this.#rest.get(id) ?? Buffer.alloc(0), chunk]);
    for (let next = parse(rest, 0); next; next = parse(rest, 0)) {
      rest = rest.subarray(next.end);
      if (direction === 'up' && isSubscribe(next.value)) this.#topicsConnection = connection;
      this.#said.push({ direction, connection, value: next.value });
    }
    this.#rest.set(id, rest);
  }
}

function isSubscribe(value: Value): boolean {
  return Array.isArray(value) && value[0] === 'subscribe';
}

function isPong(value: Value): boolean {
  return /^(\["pong",""\]|"PONG")$/.test(JSON.stringify(value));
}

/** Undefined while a value is not here to its end. */
function parse(data: Buffer, start: number): { value: Value; end: number } | undefined {
  const lineEnd = data.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const kind = data.toString('latin1', start, start + 1);
  const line = data.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;
  if (kind === '+' || kind === '-') return { value: line, end };
  const number = Number(line);
  if (!Number.isInteger(number)) throw new Error(`not the protocol of Redis: ${JSON.stringify(kind + line)}`);
  if (kind === ':') return { value: number, end };
  if (number < 0) return { value: null, end };
  if (kind === '$') {
    if (data.length < end + number + 2) return undefined;
    return { value: data.toString('utf8', end, end + number), end: end + number + 2 };
  }
  return parseArray(data, end, number);
}

function parseArray(data: Buffer, start: number, length: number): { value: Value; end: number } | undefined {
  const values: Value[] = [];
  let end = start;
  while (values.length < length) {
    const next = parse(data, end);
    if (!next) return undefined;
    values.push(next.value);
    end = next.end;
  }
  return { value: values, end };
}
