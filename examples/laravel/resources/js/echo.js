// npm install laravel-echo pusher-js
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';

// From REVERB_* in .env, read when the front end is built.
const { VITE_REVERB_APP_KEY, VITE_REVERB_HOST, VITE_REVERB_PORT, VITE_REVERB_SCHEME } = import.meta.env;

/**
 * Headers by which the application knows who asks: for /broadcasting/auth and for its API.
 *
 * @param {string} [token] - of a user; without one only what is public can be had
 * @returns {Record<string, string>}
 */
export function authHeaders(token) {
  const csrf = document.querySelector('meta[name="csrf-token"]')?.getAttribute('content') ?? '';
  return { 'X-CSRF-TOKEN': csrf, ...(token && { Authorization: `Bearer ${token}` }) };
}

/**
 * Connects to the broker.
 *
 * @param {string} [token] - of the user whose channels are opened
 */
export function connectEcho(token) {
  const echo = new Echo({
    broadcaster: 'reverb',
    Pusher,
    key: VITE_REVERB_APP_KEY,
    wsHost: VITE_REVERB_HOST,
    wsPort: Number(VITE_REVERB_PORT),
    wssPort: Number(VITE_REVERB_PORT),
    forceTLS: VITE_REVERB_SCHEME === 'https',
    enabledTransports: ['ws', 'wss'],
    // Milliseconds of trying after which there is no connection; otherwise ten seconds.
    unavailableTimeout: 2000,
    authEndpoint: '/broadcasting/auth',
    auth: { headers: authHeaders(token) },
  });
  tellState(echo.connector.pusher.connection);
  return echo;
}

/**
 * @typedef {{ code?: number, message?: string }} Reason
 * @typedef {{ data?: Reason, error?: { data?: Reason } }} ConnectionError
 */

/**
 * For the page: window.addEventListener('echo:state', ({ detail }) => …), where detail.state is one of
 *
 *   connecting     also before the first event
 *   connected
 *   unavailable    no connection: it goes on trying
 *   refused        with `code` and `message`; it does not try again
 *   disconnected   by the page, with echo.disconnect()
 *   failed         the browser can't connect at all: it has no WebSocket
 *
 * @param {Pusher['connection']} connection
 */
function tellState(connection) {
  const tell = (/** @type {object} */ detail) => window.dispatchEvent(new CustomEvent('echo:state', { detail }));
  let isRefused = false;
  connection.bind('error', (/** @type {ConnectionError} */ { data, error }) => {
    const { code, message } = error?.data ?? data ?? {};
    // 4000 to 4099: the key is wrong, or the page's origin is not in allowedOrigins.
    if (code === undefined || code < 4000 || code >= 4100 || isRefused) return;
    isRefused = true;
    tell({ state: 'refused', code, message });
  });
  // For a second after a loss pusher-js still takes itself for connected.
  connection.bind('connecting_in', () => tell({ state: 'unavailable' }));
  connection.bind('state_change', (/** @type {{ current: string }} */ { current }) => {
    if (current === 'connecting') isRefused = false;
    // After a refusal pusher-js disconnects by itself.
    else if (current === 'disconnected' && isRefused) return;
    tell({ state: current });
  });
}
