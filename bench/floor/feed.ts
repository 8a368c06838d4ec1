import { type HttpResponse, NO_COMPRESSION, type TemplatedApp } from '../../server/uws.ts';
import { FEED_PATH } from '../servers/bench-app.ts';

/** One feed: what is published anywhere goes to all its readers. */
export interface Feed {
  publish(data: string): void;
}

const TOPIC = 'feed';

/** By WebSocket with a native topic; as Server-Sent Events in a loop, since responses have no topics. */
export function serveFeed(app: TemplatedApp): Feed {
  const streams = new Set<HttpResponse>();
  app.ws(FEED_PATH, {
    compression: NO_COMPRESSION,
    idleTimeout: 960,
    sendPingsAutomatically: false,
    open(ws) {
      ws.subscribe(TOPIC);
    },
  });
  app.get(FEED_PATH, (res) => {
    res.onAborted(() => streams.delete(res));
    res.writeHeader('Content-Type', 'text/event-stream');
    res.write('retry: 2000\n\n');
    streams.add(res);
  });
  return {
    publish(data) {
      app.publish(TOPIC, data);
      const record = Buffer.from(`data: ${data}\n\n`);
      for (const res of streams) res.write(record);
    },
  };
}
