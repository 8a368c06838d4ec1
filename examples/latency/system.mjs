/** How long a message takes: the same channel by WebSocket and by Server-Sent Events, side by side. */
export default {
  title: 'Latency: WebSocket and Server-Sent Events',
  config: 'kulkul.json',
  port: 6005,
  pagePort: 8005,
  programs: ['producer.mjs'],
  env: { APP_ID: 'latency', APP_KEY: 'latency-key', APP_SECRET: 'latency-secret' },
  notes: ({ port }) => [
    `By hand  npx wscat -c ws://127.0.0.1:${port}/latency`,
    `         curl -N -H "Accept: text/event-stream" http://127.0.0.1:${port}/latency`,
  ],
};
