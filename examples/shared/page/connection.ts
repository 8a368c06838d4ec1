import type Pusher from 'pusher-js';

/** How it stands between page and broker, in the words that people are shown. */
export type ConnectionState = 'connecting' | 'connected' | 'unavailable' | 'refused';

const WORDS: Readonly<Record<ConnectionState, readonly [text: string, tone: string]>> = {
  connecting: ['Connecting …', 'warn'],
  connected: ['Live', 'good'],
  unavailable: ['No connection: trying again', 'bad'],
  refused: ['Refused by the broker', 'bad'],
};

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

/** Keeps a `.pill` at what pusher-js says; `refused` are the codes 4000 to 4099, after which it does not try again. */
export function watchConnection(pusher: Pusher, pill: HTMLElement, notice?: HTMLElement): void {
  let reason = '';
  // pusher-js says "connecting" also while it tries again after a loss.
  let isLost = false;
  const tell = (text: string): void => {
    if (notice) notice.textContent = text;
  };
  pusher.connection.bind('error', (event: { error?: { data?: { code?: number; message?: string } } }) => {
    const { code, message } = event.error?.data ?? {};
    reason = code !== undefined && code >= 4000 && code < 4100 ? (message ?? '') : '';
    if (reason !== '') {
      showState(pill, 'refused');
      tell(`The broker refuses this page: ${reason}`);
    } else {
      isLost = true;
      show();
    }
  });
  const show = ({ previous }: { previous?: string } = {}): void => {
    const { state } = pusher.connection;
    if (previous === 'connected' && state === 'connecting') isLost = true;
    if (state === 'disconnected') {
      // By the page itself: pusher-js goes on trying otherwise.
      isLost = false;
      if (reason === '') showState(pill, 'unavailable', 'Disconnected');
    } else if (state === 'connected') {
      reason = '';
      isLost = false;
      showState(pill, 'connected');
      tell('');
    } else if (reason === '') {
      const isFirst = !isLost && (state === 'connecting' || state === 'initialized');
      showState(pill, isFirst ? 'connecting' : 'unavailable');
    }
  };
  pusher.connection.bind('state_change', show);
  show();
}
