import '../../shared/page/look.css';
import { byId } from '../../shared/page/dom.ts';
import { EventSourceFeed, type FeedEvents, WebSocketFeed } from './feed.ts';
import { Lane, type Tick } from './lane.ts';

interface Echo {
  readonly message: string;
  readonly sentAt: number;
}

const ECHO_MS = 1000;
const PREFIX = 'Echo: ';
const place = `${location.hostname}:${import.meta.env.BROKER_PORT}/latency`;

/** How far the broker's clock is ahead of this one, by the fastest echo of late; its error is half of that one's round trip. */
let offset: { readonly ms: number; readonly roundTripMs: number } | undefined;

const webSocket = new Lane(
  'websocket',
  'WebSocket',
  'Reads and writes: what the page sends comes back as an echo.',
  (events, lane) => new WebSocketFeed(`ws://${place}`, reading(events, lane)),
);
const eventSource = new Lane(
  'sse',
  'Server-Sent Events',
  'Reads only: there is no way back, so no echo. The browser itself connects again.',
  (events, lane) => new EventSourceFeed(`http://${place}`, 'tick', reading(events, lane)),
);

function reading(events: FeedEvents, lane: Lane): FeedEvents {
  return {
    ...events,
    message: (text) => {
      const message = JSON.parse(text) as Tick | Echo;
      if ('message' in message) takeEcho(message);
      else lane.tick(message, byId<HTMLInputElement>('correct').checked ? (offset?.ms ?? 0) : 0);
    },
  };
}

function takeEcho({ message, sentAt }: Echo): void {
  const roundTripMs = performance.now() - Number(message.slice(PREFIX.length));
  webSocket.figure('echo', roundTripMs);
  // The broker answered half-way, as far as anybody can tell.
  if (offset === undefined || roundTripMs <= offset.roundTripMs * 1.5) {
    offset = { ms: sentAt - (Date.now() - roundTripMs / 2), roundTripMs };
  }
  showOffset(offset);
}

function showOffset({ ms, roundTripMs }: { ms: number; roundTripMs: number }): void {
  // Times in whole milliseconds say no more than that.
  const errorMs = Math.max(1, Math.ceil(roundTripMs / 2));
  byId('offset').textContent =
    Math.abs(ms) <= errorMs
      ? `the same as this browser's, to ${errorMs} ms`
      : `${Math.abs(ms).toFixed(0)} ms ${ms > 0 ? 'ahead of' : 'behind'} this browser's`;
}

webSocket.feed.open();
eventSource.feed.open();
setInterval(() => webSocket.feed.send(String(performance.now())), ECHO_MS);
