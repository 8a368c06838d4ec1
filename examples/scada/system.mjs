/** A plant's dashboard: batches of readings as they come, sums of them at most every 100 ms, and alarms. */
export default {
  title: 'SCADA: a water plant, live',
  config: 'soketi.json',
  port: 6001,
  pagePort: 8000,
  ports: { PLANT_PORT: 8010 },
  programs: ['producer.mjs'],
  proxy: ({ PLANT_PORT }) => ({ '/api': `http://127.0.0.1:${PLANT_PORT}` }),
  env: { APP_ID: '12345', APP_KEY: 'scada_dashboard_key_2024', APP_SECRET: 'scada_dashboard_secret_2024' },
  notes: ({ port, pagePort }) => [
    `Test    http://localhost:${pagePort}/test-websocket-client.html   connect, subscribe, send, and see the frames`,
    `Plain   http://localhost:${pagePort}/plain.html   a WebSocket without any library`,
    `By hand ws://localhost:${port}/app/scada_dashboard_key_2024`,
  ],
};
