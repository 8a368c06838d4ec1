/** A plant's dashboard: batches of readings as they come, and sums of them at most every 100 ms. */
export default {
  title: 'SCADA: a water plant, live',
  config: 'soketi.json',
  port: 6001,
  pagePort: 8000,
  programs: ['producer.mjs'],
  env: { APP_ID: '12345', APP_KEY: 'scada_dashboard_key_2024', APP_SECRET: 'scada_dashboard_secret_2024' },
  notes: ({ port, pagePort }) => [
    `Plain   http://localhost:${pagePort}/plain.html   a WebSocket without any library`,
    `By hand ws://localhost:${port}/app/scada_dashboard_key_2024`,
  ],
};
