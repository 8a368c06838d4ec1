import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import { decryptPayload } from '../client/encrypted-payload.ts';
import { explainNetwork } from '../client/explain-network.ts';
import { Passes } from '../client/passes.ts';
import { type PusherFrame, PusherSocket, type SocketEnd } from '../client/pusher-socket.ts';
import { masterKeyOf, type Target } from '../client/target.ts';
import { foreign, isTerminal } from '../log.ts';
import type { ListenFlags } from './client-flags.ts';
import { type CommandContext, explained, targetOf } from './client-target.ts';
import { colours } from './colours.ts';
import { jsonLine, prettyLine } from './event-lines.ts';
import { CommandError, print, printError, UsageError } from './exit.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** `kulkul listen`. Goes on until it is told to stop, or has printed what was asked for. */
export async function listenCommand(
  channels: readonly string[],
  flags: ListenFlags,
  context: CommandContext,
): Promise<void> {
  const target = targetOf(flags, context);
  const { key } = target.app;
  if (key === undefined) throw new UsageError('the app is not known: set PUSHER_APP_KEY, or add --key or --config');
  const masterKey = explained(() => masterKeyOf(flags.encryptionKey)) ?? target.app.masterKey;
  const userId = flags.user ?? `kulkul-${randomInt(1000, 10_000)}`;
  const passes = new Passes({
    apiUrl: target.apiUrl,
    app: { ...target.app, key, masterKey },
    token: flags.token,
    userId,
  });
  for (const channel of channels) explained(() => passes.check(channel));
  const isPretty = flags.pretty === true || (flags.json !== true && isTerminal());
  const listener = new Listener({ target, key, channels, passes, isPretty, count: flags.count });
  const stop = (): void => listener.stop();
  for (const signal of ENDS) process.on(signal, stop);
  try {
    await listener.run();
  } finally {
    for (const signal of ENDS) process.off(signal, stop);
  }
}

const ENDS = ['SIGINT', 'SIGTERM'] as const;

interface ListenerParts {
  readonly target: Target;
  readonly key: string;
  readonly channels: readonly string[];
  readonly passes: Passes;
  readonly isPretty: boolean;
  /** Undefined: without end. */
  readonly count: number | undefined;
}

/** A client that comes back when its connection is lost, as the codes of the protocol say. */
class Listener {
  readonly #parts: ListenerParts;
  readonly #entered = new Set<string>();
  #socket: PusherSocket | undefined;
  #left: number;
  #wasEstablished = false;
  #failure: CommandError | undefined;
  #isDone = false;
  readonly #end = new AbortController();

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#left = parts.count ?? Number.POSITIVE_INFINITY;
  }

  /** @throws {CommandError} by rejection: the server can't be reached, or refuses */
  async run(): Promise<void> {
    const { url, key } = { url: this.#parts.target.socketUrl, key: this.#parts.key };
    for (let failures = 0; ; failures += 1) {
      const socket = new PusherSocket({ url, key, onFrame: (frame, from) => this.#receive(frame, from) });
      this.#socket = socket;
      this.#entered.clear();
      const end = await socket.ended;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isDone) return;
      if (socket.socketId !== '') failures = 0;
      const why = describeEnd(end);
      if (!this.#mayComeBack(end)) throw new CommandError(`${url}: ${why}`);
      printError(`kulkul: ${why}. Connecting again …\n`);
      await pause(pauseAfter(end, failures), undefined, { signal: this.#end.signal }).catch(() => {});
      if (this.#isDone) return;
    }
  }

  stop(): void {
    this.#isDone = true;
    this.#end.abort();
    this.#socket?.close();
  }

  /** Somebody who starts a command wants to know that it can't work; later on what is lost may come back. */
  #mayComeBack(end: SocketEnd): boolean {
    if (end.kind === 'closed' && end.code >= 4000 && end.code <= 4099) return false;
    return this.#wasEstablished || (end.kind === 'closed' && end.code >= 4100 && end.code <= 4299);
  }

  #receive(frame: PusherFrame, socket: PusherSocket): void {
    if (this.#isDone) return;
    switch (frame.event) {
      case 'pusher:connection_established':
        this.#announce();
        for (const channel of this.#parts.channels) void this.#enter(channel, socket);
        return;
      case 'pusher:error':
        this.#refused(frame, socket);
        return;
      case 'pusher:subscription_error':
        // `pusher:error` has said it.
        return;
      case 'pusher_internal:subscription_succeeded':
        this.#entered.add(frame.channel ?? '');
    }
    this.#show(frame);
  }

  async #enter(channel: string, socket: PusherSocket): Promise<void> {
    try {
      socket.subscribe(await this.#parts.passes.of(channel, socket.socketId));
    } catch (error) {
      this.#failure = new CommandError(`${foreign(channel)}: ${foreign(explainNetwork(error), MAX_TEXT)}`, {
        cause: error,
      });
      socket.close();
    }
  }

  #announce(): void {
    const { target, key, channels, isPretty } = this.#parts;
    const again = this.#wasEstablished;
    this.#wasEstablished = true;
    if (again) printError('kulkul: connected again\n');
    else if (isPretty) {
      printError(
        `Listening to ${channels.map((channel) => foreign(channel)).join(', ')} at ${target.socketUrl}, key ${key} of ${target.source}. Ctrl-C ends.\n`,
      );
    }
  }

  #refused(frame: PusherFrame, socket: PusherSocket): void {
    const data = parseJson(frame.data);
    const text = isJsonObject(data) ? foreign(String(data.message ?? ''), MAX_TEXT) : '';
    const closes = isJsonObject(data) && typeof data.code === 'number' && data.code < 4300;
    // The end of the connection tells it.
    if (closes) return;
    if (this.#entered.size >= this.#parts.channels.length) {
      printError(`kulkul: the server says: ${text}\n`);
      return;
    }
    this.#failure = new CommandError(text);
    socket.close();
  }

  #show(frame: PusherFrame): void {
    const event = frame.event.replace(/^pusher_internal:/, 'pusher:');
    const shown = { ...frame, event, data: this.#decrypted(frame), time: new Date() };
    print(this.#parts.isPretty ? prettyLine(shown, colours()) : jsonLine(shown));
    if (event.startsWith('pusher:')) return;
    this.#left -= 1;
    if (this.#left <= 0) this.stop();
  }

  /** Without the key, or with a wrong one, as it came. */
  #decrypted({ channel = '', event, data }: PusherFrame): string {
    const key = event.startsWith('pusher') ? undefined : this.#parts.passes.keyOf(channel);
    return (key && decryptPayload(key, data)) ?? data;
  }
}

const MAX_TEXT = 1000;

/** As pusher-js does: at once after 4200 to 4299, otherwise later each time. */
function pauseAfter(end: SocketEnd, failures: number): number {
  if (end.kind === 'closed' && end.code >= 4200 && end.code <= 4299 && failures === 0) return 0;
  return Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
}

function describeEnd(end: SocketEnd): string {
  switch (end.kind) {
    case 'network':
      return `the connection fails: ${explainNetwork(end.error)}`;
    case 'answered':
      return `the answer is no WebSocket but status ${end.status}: kulkul doctor finds out more`;
    case 'silent':
      return 'the connection was made, but nothing arrives on it: kulkul doctor finds out more';
    case 'closed': {
      const code = end.code === 1006 ? 'the connection was cut' : `the server closed the connection with ${end.code}`;
      return end.text === '' ? code : `${code} (${foreign(end.text, MAX_TEXT)})`;
    }
  }
}
