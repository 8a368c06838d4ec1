/*
 * The state of a connection, in words. With pusher-js: `watchConnection(pusher, pill, notice)`, once, when it is created. It also has pusher-js come back soon
 * (reconnect.ts), and dims the figures of the page while it is cut off (freshness.ts).
 */
import type Pusher from 'pusher-js';
import { Freshness } from './freshness.ts';
import { reconnectSoon } from './reconnect.ts';

/** How it stands between page and broker, in the words that people are shown. */
export type ConnectionState = 'connecting' | 'connected' | 'unavailable' | 'refused';

const WORDS: Readonly<Record<ConnectionState, readonly [text: string, tone: string]>> = {
  connecting: ['Connecting …', 'warn'],
  connected: ['Live', 'good'],
  unavailable: ['No connection: trying again', 'bad'],
  refused: ['Refused by the broker', 'bad'],
};

/** For pusher-js, whose own default is ten seconds: so long an attempt to connect is called one. */
export const UNAVAILABLE_AFTER_MS = 2000;

/** Shows a state in a `.pill`; the words can be made more precise. */
export function showState(pill: HTMLElement, state: ConnectionState, text = WORDS[state][0]): void {
  pill.textContent = text;
  pill.dataset.tone = WORDS[state][1];
  pill.dataset.state = state;
}

/**
 * Shows how long it took to connect, in milliseconds: at first, and whenever the page asks for it anew. When the broker was away the
 * pauses between attempts would be in it: the figure stays.
 *
 * @param beganAt - when the page asked for the first time, on the clock of `performance.now()`
 */
export function showConnectTime(pusher: Pusher, place: HTMLElement, beganAt: number): void {
  let startedAt: number | undefined = beganAt;
  pusher.connection.bind('state_change', ({ previous, current }: { previous: string; current: string }) => {
    if (current === 'connecting') startedAt = previous === 'disconnected' ? performance.now() : undefined;
    else if (current === 'unavailable') startedAt = undefined;
    else if (current === 'connected' && startedAt !== undefined) {
      place.textContent = (performance.now() - startedAt).toFixed(0);
    }
  });
}

interface ConnectionError {
  readonly data?: { readonly code?: number; readonly message?: string };
  readonly error?: ConnectionError;
}

/** Keeps a `.pill` at what pusher-js says; `refused` are the codes 4000 to 4099, after which it does not try again. */
export function watchConnection(pusher: Pusher, pill: HTMLElement, notice?: HTMLElement): void {
  const { connection } = pusher;
  const reconnection = reconnectSoon(pusher);
  const freshness = new Freshness(pill);
  pusher.bind_global((event: string) => {
    if (!event.startsWith('pusher:')) freshness.news();
  });
  let isRefused = false;
  // pusher-js says "connecting" also while it tries again after a loss.
  let isLost = false;
  const show = (state: ConnectionState, text?: string): void => {
    showState(pill, state, text);
    freshness.show(state);
    if (notice && state !== 'refused') notice.textContent = '';
  };
  const lose = (): void => {
    isLost = true;
    show('unavailable');
  };
  connection.bind('error', ({ data, error }: ConnectionError) => {
    const { code, message = `code ${code}` } = error?.data ?? data ?? {};
    if (code !== undefined && code >= 4000 && code < 4100) {
      isRefused = true;
      show('refused');
      if (notice) notice.textContent = `The broker refuses this page: ${message}`;
    } else if (connection.state !== 'connected') lose();
  });
  // For a second after a loss its state is still "connected".
  connection.bind('connecting_in', lose);
  const take = (current: string, previous?: string): void => {
    switch (current) {
      case 'connected':
        isLost = false;
        show('connected');
        break;
      case 'initialized':
      case 'connecting':
        isRefused = false;
        isLost ||= previous === 'connected';
        show(isLost ? 'unavailable' : 'connecting');
        break;
      case 'disconnected':
        if (reconnection.isAtWork) break;
        // By the page itself, or after a refusal: pusher-js goes on trying otherwise.
        isLost = false;
        if (!isRefused) show('unavailable', 'Disconnected');
        break;
      default:
        lose();
    }
  };
  connection.bind('state_change', (change: { current: string; previous: string }) =>
    take(change.current, change.previous),
  );
  take(connection.state);
}
