// npm install laravel-echo pusher-js; in resources/js/app.js: import './echo';
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';

const { VITE_PUSHER_APP_KEY, VITE_PUSHER_APP_CLUSTER, VITE_PUSHER_HOST, VITE_PUSHER_PORT, VITE_PUSHER_SCHEME } =
  import.meta.env;

window.Pusher = Pusher;
window.Echo = new Echo({
  broadcaster: 'pusher',
  key: VITE_PUSHER_APP_KEY,
  // pusher-js wants one; with wsHost it means nothing.
  cluster: VITE_PUSHER_APP_CLUSTER,
  wsHost: VITE_PUSHER_HOST,
  wsPort: Number(VITE_PUSHER_PORT),
  wssPort: Number(VITE_PUSHER_PORT),
  forceTLS: VITE_PUSHER_SCHEME === 'https',
  enabledTransports: ['ws', 'wss'],
  // Milliseconds of trying after which there is no connection; otherwise ten seconds.
  unavailableTimeout: 2000,
});

/*
 * For the page: window.addEventListener('echo:state', ({ detail }) => …), where detail.state is one of
 *
 *   connecting     also before the first event
 *   connected
 *   unavailable    no connection: it goes on trying
 *   refused        with `code` and `message`; it does not try again
 *   disconnected   by the page, with window.Echo.disconnect()
 *   failed         the browser can't connect at all: it has no WebSocket
 */
const { connection } = window.Echo.connector.pusher;
const tell = (detail) => window.dispatchEvent(new CustomEvent('echo:state', { detail }));
let isRefused = false;
connection.bind('error', ({ data, error }) => {
  const { code, message } = error?.data ?? data ?? {};
  // 4000 to 4099: the key is wrong, or the page's origin is not in allowedOrigins.
  if (!(code >= 4000 && code < 4100) || isRefused) return;
  isRefused = true;
  tell({ state: 'refused', code, message });
});
// For a second after a loss pusher-js still takes itself for connected.
connection.bind('connecting_in', () => tell({ state: 'unavailable' }));
connection.bind('state_change', ({ current }) => {
  if (current === 'connecting') isRefused = false;
  // After a refusal pusher-js disconnects by itself.
  else if (current === 'disconnected' && isRefused) return;
  tell({ state: current });
});
