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
});

// For the page: window.addEventListener('echo:state', ({ detail }) => …), which is connecting, connected, unavailable or refused.
const { connection } = window.Echo.connector.pusher;
const tell = (detail) => window.dispatchEvent(new CustomEvent('echo:state', { detail }));
connection.bind('state_change', ({ current }) => tell({ state: current }));
connection.bind('error', ({ error }) => {
  const { code, message } = error?.data ?? {};
  // After 4000 to 4099 pusher-js does not try again: the key is wrong, or the page's origin is not in allowedOrigins.
  if (code >= 4000 && code < 4100) tell({ state: 'refused', code, message });
});
