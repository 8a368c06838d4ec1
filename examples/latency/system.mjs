/** A WebSocket server beside a web application, and the same messages by Server-Sent Events: how long do they take? */
export default {
  title: 'Latency: WebSocket and Server-Sent Events',
  config: 'kulkul.json',
  port: 3001,
  pagePort: 3000,
  // The application's own port passes the stream on, so that the page needs no other address for it.
  proxy: ({ BROKER_PORT }) => ({ '/api/sse': { target: `http://127.0.0.1:${BROKER_PORT}`, configure: endWithBroker } }),
  programs: ['producer.mjs'],
  env: { APP_ID: 'latency', APP_KEY: 'latency-key', APP_SECRET: 'latency-secret' },
  notes: ({ port, pagePort }) => [
    `By hand  npx wscat -c ws://localhost:${port}`,
    `         curl -N -H "Accept: text/event-stream" http://localhost:${pagePort}/api/sse`,
  ],
};

/** Vite keeps a stream open whose broker is gone, and its reader would wait for ever. */
function endWithBroker(proxy) {
  proxy.on('proxyRes', (stream, _request, response) => {
    stream.once('close', () => {
      if (!stream.complete) response.destroy();
    });
  });
}
