/** Any WebSocket of the protocol by hand: connect, subscribe, send, and see each frame. */
import '../../shared/page/look.css';
import { type ConnectionState, showState } from '../../shared/page/connection.ts';
import { byId, element, timeOf } from '../../shared/page/dom.ts';

const HEARTBEAT_MS = 30_000;
const MAX_ATTEMPTS = 10;
const RETRY_MS = 1000;
const LINES = 200;
const SHOWN_LENGTH = 400;

type Direction = 'in' | 'out' | 'info';
const ARROWS: Readonly<Record<Direction, string>> = { in: '←', out: '→', info: '·' };

const subscribed = new Set<string>();
const counts = { received: 0, sent: 0 };
let socket: WebSocket | undefined;
let heartbeat: ReturnType<typeof setInterval> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
/** Since the last connection that stood. */
let attempts = 0;
let isAnswered = true;

const url = byId<HTMLInputElement>('url');
url.value = `ws://${location.hostname}:${import.meta.env.BROKER_PORT}/app/scada_dashboard_key_2024`;

function connect(): void {
  byId('notice').textContent = '';
  showState(byId('state'), attempts === 0 ? 'connecting' : 'unavailable', attempts === 0 ? undefined : attemptText());
  let opened: WebSocket;
  try {
    opened = new WebSocket(url.value.trim());
  } catch (error) {
    stop('unavailable', 'Not connected', String(error));
    return;
  }
  socket = opened;
  enable();
  opened.addEventListener('open', () => note('info', 'The socket is open.'));
  opened.addEventListener('message', ({ data }) => {
    if (socket === opened) take(String(data));
  });
  opened.addEventListener('close', ({ code, reason }) => {
    if (socket === opened) lose(code, reason);
  });
}

function take(text: string): void {
  isAnswered = true;
  counts.received += 1;
  note('in', text);
  switch (eventOf(text)) {
    case 'pusher:connection_established':
      attempts = 0;
      showState(byId('state'), 'connected', 'Connected');
      for (const channel of subscribed) send({ event: 'pusher:subscribe', data: { channel } });
      startHeartbeat();
      break;
    case 'pusher:ping':
      send({ event: 'pusher:pong', data: {} });
      break;
  }
}

/** Shows whether the other side is there at all: a network that is gone closes nothing. */
function startHeartbeat(): void {
  clearInterval(heartbeat);
  heartbeat = setInterval(() => {
    if (!isAnswered) {
      note('info', 'Nothing came since the last heartbeat: the connection is given up.');
      const lost = socket;
      lose(1006, 'no answer to the heartbeat');
      lost?.close();
      return;
    }
    isAnswered = false;
    send({ event: 'pusher:ping', data: {} });
    byId('heartbeat').textContent = timeOf(Date.now());
  }, HEARTBEAT_MS);
}

function lose(code: number, reason: string): void {
  note('info', `Closed: ${code}${reason === '' ? '' : ` ${reason}`}`);
  clearInterval(heartbeat);
  socket = undefined;
  enable();
  // 4000 to 4099: it would be refused again.
  if (code >= 4000 && code < 4100) {
    stop('refused', 'Refused by the broker', `The broker refuses this connection: ${reason} (${code})`);
    return;
  }
  if (attempts === MAX_ATTEMPTS) {
    stop('unavailable', 'Not connected', `No connection after ${MAX_ATTEMPTS} attempts: Connect tries again.`);
    return;
  }
  attempts += 1;
  showState(byId('state'), 'unavailable', attemptText());
  retry = setTimeout(connect, RETRY_MS);
  enable();
}

function stop(state: ConnectionState, text: string, why = ''): void {
  clearInterval(heartbeat);
  clearTimeout(retry);
  retry = undefined;
  attempts = 0;
  const closing = socket;
  socket = undefined;
  closing?.close(1000);
  showState(byId('state'), state, text);
  byId('notice').textContent = why;
  enable();
}

function attemptText(): string {
  return `No connection: attempt ${attempts} of ${MAX_ATTEMPTS}`;
}

function send(frame: string | object): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
  socket.send(text);
  counts.sent += 1;
  note('out', text);
}

function note(direction: Direction, text: string): void {
  const line = element('li');
  line.dataset.direction = direction;
  const rest = text.length > SHOWN_LENGTH ? ` … (${text.length} characters)` : '';
  line.append(
    element('time', timeOf(Date.now())),
    element('span', ARROWS[direction], 'muted'),
    element('code', text.slice(0, SHOWN_LENGTH) + rest),
  );
  const log = byId('log');
  log.prepend(line);
  while (log.children.length > LINES) log.lastElementChild?.remove();
  byId('received').textContent = counts.received.toLocaleString();
  byId('sent').textContent = counts.sent.toLocaleString();
}

/** Buttons that would do something now. */
function enable(): void {
  const isBusy = socket !== undefined || retry !== undefined;
  byId<HTMLButtonElement>('connect').disabled = isBusy;
  byId<HTMLButtonElement>('disconnect').disabled = !isBusy;
  for (const id of ['subscribe', 'unsubscribe', 'send']) byId<HTMLButtonElement>(id).disabled = socket === undefined;
}

function eventOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { event?: unknown } | null)?.event;
  } catch {
    return undefined;
  }
}

function onSubmit(form: string, run: () => void): void {
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
}

function showSubscribed(): void {
  byId('subscribed').textContent = subscribed.size === 0 ? 'nothing' : [...subscribed].join(', ');
}

const channelInput = byId<HTMLInputElement>('channel');
onSubmit('connect-form', () => {
  attempts = 0;
  connect();
});
onSubmit('subscribe-form', () => {
  const channel = channelInput.value.trim();
  subscribed.add(channel);
  send({ event: 'pusher:subscribe', data: { channel } });
  showSubscribed();
});
onSubmit('send-form', () => send(byId<HTMLInputElement>('message').value));
byId('unsubscribe').addEventListener('click', () => {
  const channel = channelInput.value.trim();
  subscribed.delete(channel);
  send({ event: 'pusher:unsubscribe', data: { channel } });
  showSubscribed();
});
byId('disconnect').addEventListener('click', () => {
  note('info', 'Disconnected by hand.');
  stop('unavailable', 'Disconnected');
});
byId('clear').addEventListener('click', () => byId('log').replaceChildren());
