import '../../shared/page/look.css';
import { byId } from '../../shared/page/dom.ts';
import { SharedScale } from '../../shared/page/plot.ts';
import { Lane, type Message } from './lane.ts';
import { milliseconds, verdictOf } from './statistics.ts';
import { EventSourceTransport, type TransportEvents, WebSocketTransport } from './transport.ts';

const ECHO = 'Echo: ';
/** Before what the page sends by itself, to compare the clocks. */
const PROBE = 'clock ';
const PROBE_MS = 5000;

/** How far the broker's clock is ahead of this one, by the fastest echo of late; its error is half of that one's round trip. */
let offset: { readonly ms: number; readonly roundTripMs: number } | undefined;
/** What was sent by hand and has no echo yet. */
let sent: { readonly text: string; readonly atMs: number } | undefined;

const scale = new SharedScale();
const showVerdict = (): void => {
  byId('verdict').textContent = verdictOf(webSocket.average, eventSource.average);
};

const webSocket: Lane<WebSocketTransport> = new Lane(
  {
    name: 'websocket',
    title: 'WebSocket',
    remark: 'Reads and writes: what you send comes back, to this page alone.',
    scale,
    changed: () => showVerdict(),
  },
  (events, lane) =>
    new WebSocketTransport(`ws://${location.hostname}:${import.meta.env.BROKER_PORT}`, reading(events, lane)),
);
const eventSource: Lane<EventSourceTransport> = new Lane(
  {
    name: 'sse',
    title: 'SSE',
    remark: 'Server-Sent Events: reads only. There is no way back, so no echo.',
    scale,
    changed: () => showVerdict(),
  },
  (events, lane) => new EventSourceTransport('/api/sse', reading(events, lane)),
);

function reading(events: TransportEvents, lane: Lane<WebSocketTransport | EventSourceTransport>): TransportEvents {
  return {
    ...events,
    message: (text) => {
      const message = JSON.parse(text) as Message;
      if (message.message.startsWith(ECHO)) takeEcho(message);
      else lane.take(message, byId<HTMLInputElement>('correct').checked ? (offset?.ms ?? 0) : 0);
    },
  };
}

function takeEcho({ message, sentAt }: Message): void {
  const text = message.slice(ECHO.length);
  if (text.startsWith(PROBE)) {
    compareClocks(performance.now() - Number(text.slice(PROBE.length)), sentAt);
    return;
  }
  if (text !== sent?.text) return;
  const roundTripMs = performance.now() - sent.atMs;
  byId('echo').textContent = `${message} (${milliseconds(roundTripMs)} there and back)`;
  webSocket.figure('echo', roundTripMs);
  webSocket.takeEcho({ message, sentAt }, roundTripMs / 2);
}

function compareClocks(roundTripMs: number, sentAt: number): void {
  // The broker answered half-way, as far as anybody can tell.
  if (offset === undefined || roundTripMs <= offset.roundTripMs * 1.5) {
    offset = { ms: sentAt - (Date.now() - roundTripMs / 2), roundTripMs };
  }
  // Times in whole milliseconds say no more than that.
  const errorMs = Math.max(1, Math.ceil(offset.roundTripMs / 2));
  byId('offset').textContent =
    Math.abs(offset.ms) <= errorMs
      ? `the same as this browser's, to ${errorMs} ms`
      : `${Math.abs(offset.ms).toFixed(0)} ms ${offset.ms > 0 ? 'ahead of' : 'behind'} this browser's`;
}

byId<HTMLFormElement>('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = byId<HTMLInputElement>('text').value;
  sent = { text, atMs: performance.now() };
  if (!webSocket.transport.send(text)) byId('echo').textContent = 'Not sent: the WebSocket is not connected.';
});

showVerdict();
webSocket.transport.open();
eventSource.transport.open();
setInterval(() => webSocket.transport.send(`${PROBE}${performance.now()}`), PROBE_MS);
