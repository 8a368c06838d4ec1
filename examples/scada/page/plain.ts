/** The whole protocol that a reader of public channels needs, with nothing but the browser's WebSocket. */
import '../../shared/page/look.css';
import { showState } from '../../shared/page/connection.ts';
import { byId, element, timeOf } from '../../shared/page/dom.ts';
import { latestOf, type Reading } from './reading.ts';

interface Frame {
  readonly event: string;
  readonly data?: unknown;
}

interface Fields {
  readonly readings?: readonly Reading[];
  readonly sentAt?: number;
}

const LINES = 40;
const RETRY_MS = 1000;
let startedAt = 0;

function connect(): void {
  startedAt = performance.now();
  const socket = new WebSocket(`ws://${location.hostname}:${import.meta.env.BROKER_PORT}/app/scada_dashboard_key_2024`);
  socket.addEventListener('message', ({ data }) => take(socket, JSON.parse(String(data)) as Frame));
  socket.addEventListener('close', ({ code, reason }) => {
    // 4000 to 4099: it would be refused again.
    const isRefused = code >= 4000 && code < 4100;
    showState(byId('state'), isRefused ? 'refused' : 'unavailable');
    if (isRefused) byId('notice').textContent = `The broker refuses this page: ${reason}`;
    else setTimeout(connect, RETRY_MS);
  });
}

function take(socket: WebSocket, { event, data }: Frame): void {
  const fields = (typeof data === 'string' ? JSON.parse(data) : data) as Fields;
  switch (event) {
    case 'pusher:connection_established':
      byId('connect-ms').textContent = (performance.now() - startedAt).toFixed(0);
      socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'scada-data' } }));
      break;
    case 'pusher_internal:subscription_succeeded':
      showState(byId('state'), 'connected');
      break;
    case 'pusher:ping':
      socket.send(JSON.stringify({ event: 'pusher:pong', data: {} }));
      break;
    case 'scada.data.received':
      byId('event-ms').textContent = String(Math.max(0, Date.now() - (fields.sentAt ?? 0)));
      for (const reading of latestOf(fields.readings ?? [])) show(reading);
      break;
  }
}

function show({ tag, unit, value, sentAt }: Reading): void {
  const line = element('li');
  line.append(element('time', timeOf(sentAt)), element('span', `${tag} ${value.toFixed(2)} ${unit}`));
  byId('log').prepend(line);
  while (byId('log').children.length > LINES) byId('log').lastElementChild?.remove();
}

showState(byId('state'), 'connecting');
connect();
