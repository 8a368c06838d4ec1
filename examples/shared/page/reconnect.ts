/*
 * For every page with pusher-js: `reconnectSoon(pusher)` after it is created. `watchConnection` of connection.ts does it for the pages here.
 * docs/operating.md has the same as a few lines to copy.
 */

/** The first attempts follow each other quickly: a broker that restarts is back after a moment. */
const QUICK_ATTEMPTS = 4;
/** Between two of them it takes once to twice as long, so that not all pages come at the same time. */
const QUICK_MS = 1000;
const SLOW_MS = [2000, 10_000] as const;

/** What is used of pusher-js. */
export interface Reconnectable {
  connect(): void;
  disconnect(): void;
  readonly connection: {
    bind(event: 'state_change', told: (change: { readonly current: string }) => void): unknown;
  };
}

export interface Reconnection {
  /** Pusher-js is "disconnected" only to begin anew. */
  readonly isAtWork: boolean;
}

/**
 * Has pusher-js come back soon after an outage. An attempt that fails at once, as at a port that nobody listens on, counts for 15 seconds with it; the
 * attempt after a `disconnect` is made at once. Subscriptions stay.
 *
 * @param random - from 0 up to 1
 */
export function reconnectSoon(pusher: Reconnectable, random: () => number = Math.random): Reconnection {
  const reconnection = { isAtWork: false };
  let attempts = 0;
  let wasConnected = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const beginAnew = (): void => {
    attempts += 1;
    reconnection.isAtWork = true;
    pusher.disconnect();
    reconnection.isAtWork = false;
    pusher.connect();
  };
  pusher.connection.bind('state_change', ({ current }) => {
    clearTimeout(timer);
    if (current === 'connected') {
      attempts = 0;
      wasConnected = true;
    } else if (current === 'connecting' || current === 'unavailable') {
      // An attempt needs time on a slow way: how much is not known before the first one has come through.
      const isQuick = wasConnected && attempts < QUICK_ATTEMPTS;
      const slowMs = Math.min(SLOW_MS[0] * 2 ** Math.max(0, attempts - QUICK_ATTEMPTS), SLOW_MS[1]);
      timer = setTimeout(beginAnew, (isQuick ? QUICK_MS : slowMs) * (1 + random()));
    }
  });
  return reconnection;
}
