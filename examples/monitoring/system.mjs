/** A monitor of this host: readings every four seconds, alerts when one is too high, recoveries when it is not any more. */
export default {
  title: 'Monitoring: this host, live',
  config: 'kulkul.json',
  port: 6003,
  pagePort: 8003,
  ports: { DRILL_PORT: 8013 },
  programs: ['producer.mjs'],
  env: { APP_ID: 'monitoring', APP_KEY: 'monitoring-key', APP_SECRET: 'monitoring-secret' },
  notes: ({ port, DRILL_PORT }) => [
    `Feed    ws://127.0.0.1:${port}/monitor   for wscat, Postman, Python: see the README`,
    `Drill   curl -X POST http://127.0.0.1:${DRILL_PORT}/drill -H "Content-Type: application/json" -d '{"note":"just a test"}'`,
  ],
};
