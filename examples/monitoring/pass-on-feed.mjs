import httpProxy from '@fastify/http-proxy';
import { SlowReaders } from './slow-readers.mjs';

const FEED = '/ws';
/** What the broker wants to know of a reader: who it is, what it may read, and the page that it is. */
const PASSED_ON = ['authorization', 'cookie', 'origin', 'user-agent'];
/** A reader that is gone does not answer a close frame either. */
const CLOSE_TIMEOUT_MS = 2000;
const NO_CLOSE_FRAME = [1005, 1006];
const GOING_AWAY = 1001;
const ASK_TIMEOUT_MS = 5000;
const AWAY = { error: 'The broker is away: try again.' };

/** Passes the feed on to the broker: WebSockets, streams and plain requests. */
export async function passOnFeed(app, { brokerUrl, stallMs }) {
  const slowReaders = new SlowReaders({ stallMs });
  const isThere = brokerAt(brokerUrl);
  app.addHook('onClose', () => slowReaders.stop());
  await app.register(httpProxy, {
    upstream: brokerUrl,
    prefix: FEED,
    rewritePrefix: FEED,
    httpMethods: ['GET', 'HEAD', 'OPTIONS'],
    // Each stream takes one; a certificate that is not trusted is refused.
    undici: { connections: null, connect: { rejectUnauthorized: true } },
    preHandler: async ({ headers }, reply) => {
      // A WebSocket would be taken before the broker is asked, and closed at once.
      if (headers.upgrade === undefined || (await isThere())) return undefined;
      return reply.code(503).send(AWAY);
    },
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => ({ ...headers, ...forwarded(request) }),
      onError: (reply) => reply.code(503).send(AWAY),
    },
    websocket: true,
    // Pings of broker and reader are answered by the other one: whether somebody is there is for them to find out.
    wsServerOptions: { autoPong: false, closeTimeout: CLOSE_TIMEOUT_MS },
    wsClientOptions: {
      autoPong: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      perMessageDeflate: false,
      rewriteRequestHeaders: (_, request) => {
        const given = PASSED_ON.filter((name) => request.headers[name] !== undefined);
        return { ...Object.fromEntries(given.map((name) => [name, request.headers[name]])), ...forwarded(request) };
      },
    },
    wsHooks: {
      onConnect: (_, reader, broker) => {
        // It has left while the broker was asked.
        if (reader.readyState !== reader.OPEN) broker.terminate();
        else slowReaders.watch(reader);
        // For want of a close frame the package would say 4006: to clients of the protocol, not to come back.
        broker.prependListener('close', (code) => {
          if (NO_CLOSE_FRAME.includes(code)) reader.close(GOING_AWAY, AWAY.error);
        });
      },
      onOutgoingMessage: (_, reader, _broker, { data }) => slowReaders.noteSent(reader, data.length),
    },
  });
}

/** @returns asks whether the broker is there; readers that come together share one question */
function brokerAt(brokerUrl) {
  let asking;
  const ask = async () => {
    const answer = await fetch(brokerUrl, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) }).catch(() => undefined);
    await answer?.body?.cancel();
    return answer !== undefined;
  };
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** For limits by address: to the broker all readers come from here. */
function forwarded({ ip, protocol }) {
  return { 'x-forwarded-for': ip, 'x-forwarded-proto': protocol };
}
