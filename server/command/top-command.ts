import { setTimeout as pause } from 'node:timers/promises';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import { NoStream, readEvents } from '../client/event-stream.ts';
import { explainNetwork } from '../client/explain-network.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { LiveFigures } from '../console/contract.ts';
import { isTerminal } from '../log.ts';
import type { AdminAccess } from './admin-client.ts';
import { accessOf } from './admin-command.ts';
import { colours } from './colours.ts';
import { CommandError, print, printError } from './exit.ts';
import type { TopFlags } from './top-flags.ts';
import { topLine, topScreen, totalsOf } from './top-text.ts';

/** Of facts only changes by operators, which are rare: the figures come in any case. */
const PATH = '/live?type=audit';
const AGAIN_MS = 1000;
const HISTORY = 500;

/** `kulkul top`. Goes on until it is told to stop. */
export async function topCommand(flags: TopFlags, load: () => LoadedConfig): Promise<void> {
  const access = accessOf(flags, load);
  const view = flags.json !== true && isTerminal() ? new ScreenView(access.url) : lineView(flags.json === true);
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  view.open(() => end.abort());
  try {
    await follow(access, flags.count ?? Number.POSITIVE_INFINITY, view, end);
  } finally {
    view.close();
  }
}

/** Where figures are shown. */
interface View {
  /** @param end - to be called when the user wants no more */
  open(end: () => void): void;
  show(figures: LiveFigures): void;
  say(text: string): void;
  close(): void;
}

async function follow(access: AdminAccess, count: number, view: View, end: AbortController): Promise<void> {
  let left = count;
  let hasShown = false;
  while (!end.signal.aborted && left > 0) {
    try {
      for await (const { event, data } of readEvents(
        `${access.url.replace(/\/$/, '')}${PATH}`,
        headersOf(access),
        end.signal,
      )) {
        const figures = event === 'figures' ? (parseJson(data) as LiveFigures | undefined) : undefined;
        if (figures === undefined) continue;
        hasShown = true;
        view.show(figures);
        left -= 1;
        if (left <= 0) return;
      }
      view.say('the broker ended the connection; asking again');
    } catch (error) {
      if (end.signal.aborted) return;
      const why = error instanceof NoStream ? refusalOf(error) : explainNetwork(error);
      if (!hasShown || error instanceof NoStream) {
        throw new CommandError(
          `no figures from the admin API at ${access.url}: ${why}. Is the broker running? --url gives another address`,
        );
      }
      view.say(`${why}; asking again`);
    }
    await pause(AGAIN_MS, undefined, { signal: end.signal }).catch(() => {});
  }
}

function headersOf({ token }: AdminAccess): Record<string, string> {
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

function refusalOf({ status, text }: NoStream): string {
  const answer = parseJson(text);
  return isJsonObject(answer) && typeof answer.message === 'string' ? answer.message : `it answers ${status}`;
}

function lineView(isJson: boolean): View {
  return {
    open() {},
    show: (figures) =>
      print(isJson ? `${JSON.stringify({ ...figures, totals: totalsOf(figures) })}\n` : topLine(figures)),
    say: (text) => printError(`kulkul: ${text}\n`),
    close() {},
  };
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';
const CTRL_C = '\u0003';

/** A screen of its own, which gives back the one before. */
class ScreenView implements View {
  readonly #place: string;
  readonly #history: number[] = [];
  #latest: LiveFigures | undefined;
  #message = '';
  #isOpen = false;
  readonly #draw = (): void => this.#paint();

  constructor(place: string) {
    this.#place = place;
  }

  open(end: () => void): void {
    this.#isOpen = true;
    print(ENTER);
    process.on('exit', () => this.close());
    process.stdout.on('resize', this.#draw);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on('data', (keys) => {
      if (['q', 'Q', CTRL_C].includes(keys.toString())) end();
    });
  }

  show(figures: LiveFigures): void {
    this.#latest = figures;
    this.#message = '';
    this.#history.push(totalsOf(figures).perSecond?.delivered ?? 0);
    if (this.#history.length > HISTORY) this.#history.shift();
    this.#paint();
  }

  say(text: string): void {
    this.#message = text;
    this.#paint();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.stdout.off('resize', this.#draw);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
    print(LEAVE);
  }

  #paint(): void {
    if (!this.#isOpen) return;
    // A terminal that does not know its size says 0.
    const [columns, rows] = [process.stdout.columns || 80, process.stdout.rows || 24];
    const screen = { columns, rows: this.#message === '' ? rows : rows - 1 };
    const text = this.#latest ? topScreen(this.#latest, this.#history, this.#place, screen, colours()) : '';
    const lines = [...(this.#message === '' ? [] : [this.#message]), ...text.split('\n')];
    print(`${HOME}${lines.map((line) => `${line}${REST_OF_LINE}`).join('\r\n')}${REST_OF_SCREEN}`);
  }
}
