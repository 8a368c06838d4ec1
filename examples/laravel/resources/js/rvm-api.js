// The application's API, for pages of the machines.
import { authHeaders } from './echo.js';

/** Without a WebSocket for this long, a page asks for the snapshot again and again. */
const AWAY_MS = 2000;
const POLL_MS = 3000;

/** An answer in words, of the application. */
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string | undefined} token
 * @returns {Promise<import('./rvm-listeners.js').Snapshot>}
 * @throws {RefusedError} 401: the login has ended
 */
export function fetchSnapshot(token) {
  return ask('/api/rvm/snapshot', { headers: authHeaders(token) });
}

/**
 * Sets a machine's status. Everybody else hears of it from the broker.
 *
 * @param {{ token: string | undefined, socketId: string | undefined }} who - the socket is left out: this page has the answer
 * @param {string} id
 * @param {import('./rvm-listeners.js').Status} status
 * @returns {Promise<{ machine: import('./rvm-listeners.js').Machine }>}
 * @throws {RefusedError} with the reason, for whoever pressed the button
 */
export function setStatus({ token, socketId }, id, status) {
  return ask(`/api/rvm/machines/${encodeURIComponent(id)}/status`, {
    method: 'POST',
    headers: {
      ...authHeaders(token),
      'Content-Type': 'application/json',
      ...(socketId && { 'X-Socket-ID': socketId }),
    },
    body: JSON.stringify({ status }),
  });
}

/**
 * Keeps a page alive while there is no connection to the broker.
 *
 * @param {import('pusher-js').default} pusher
 * @param {() => Promise<void>} poll - rejects when there is no answer
 * @param {(polling: { sinceMs: number, isAnswered: boolean } | undefined) => void} tell - undefined: the connection is back
 * @returns {() => void} ends it
 */
export function pollWhileAway({ connection }, poll, tell) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let lostAtMs = Date.now();
  let isPolling = false;
  const turn = async () => {
    isPolling = true;
    let isAnswered = true;
    await poll().catch(() => {
      isAnswered = false;
    });
    // It may be back, or nobody may want it any more.
    if (timer === undefined) return;
    tell({ sinceMs: lostAtMs, isAnswered });
    timer = setTimeout(turn, POLL_MS);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const check = () => {
    if (connection.state === 'connected') {
      stop();
      if (isPolling) tell(undefined);
      isPolling = false;
    } else if (timer === undefined) {
      lostAtMs = Date.now();
      // A browser without WebSocket does not even try.
      timer = setTimeout(turn, connection.state === 'failed' ? 0 : AWAY_MS);
    }
  };
  connection.bind('state_change', check);
  check();
  return () => {
    connection.unbind('state_change', check);
    stop();
  };
}

/**
 * @param {string} path
 * @param {RequestInit} request
 */
async function ask(path, request) {
  const answer = await fetch(path, { ...request, headers: { Accept: 'application/json', ...request.headers } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new RefusedError(answer.status, body.message ?? `The application answered ${answer.status}.`);
  return body;
}
